"""`checkout-age evaluate RUN|BUNDLE --data DATA --out REPORT`: how good a model is, and for what."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HELP = "measure a model on labelled faces: page, JSON, and whether it is good enough"
EXIT_UNUSABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One model, or two with --paired."""
    parser.add_argument("models", nargs="+", type=Path, metavar="RUN|BUNDLE")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DATA", help="photographs, or prepared crops"
    )
    parser.add_argument("--split", default="test", help="value of the column split (default: test)")
    parser.add_argument("--out", type=Path, metavar="REPORT", help="folder for index.html and figures.json")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.add_argument(
        "--site", type=Path, metavar="FILE", help="a site's own calibration, bound to the bundle"
    )
    parser.add_argument("--lang", choices=["en", "ru"], default="en")
    parser.add_argument("--paired", action="store_true", help="bootstrap the difference of two models")
    parser.add_argument("--quick", action="store_true", help="no degraded pictures, one variant")
    parser.add_argument(
        "--into-bundle", action="store_true", help="write the figures into bundle.json `metrics`"
    )
    parser.add_argument("--detector", choices=["auto", "yunet", "mtcnn"], default="auto")
    parser.add_argument("--models-dir", type=Path, metavar="DIR", help="folder with YuNet's file")
    parser.add_argument("--threads", type=int, metavar="N")


def run(args: argparse.Namespace) -> int:
    """0 when measured, 2 with a reason where model or data cannot be used."""
    from edge.age import AgeModelError
    from edge.face import DetectorError
    from training.evaluation.candidate import open_candidate
    from training.evaluation.faces import load_faces
    from training.labels import DataError

    if args.paired != (len(args.models) == 2) or (args.out is None and not args.paired):
        print("checkout-age evaluate: name one model and --out, or two models and --paired", file=sys.stderr)
        return EXIT_UNUSABLE
    if args.into_bundle and (args.paired or args.site or not (args.models[0] / "bundle.json").is_file()):
        print(
            "checkout-age evaluate: --into-bundle needs one bundle, measured with its own calibration",
            file=sys.stderr,
        )
        return EXIT_UNUSABLE
    try:
        candidates = [open_candidate(path, site=args.site, threads=args.threads) for path in args.models]
        faces = load_faces(args.data, args.split, detector=args.detector, models_folder=args.models_dir)
        told = _pair(candidates, faces) if args.paired else _single(args, candidates[0], faces)
        _write_json(args.json, told)
    except (DataError, AgeModelError, DetectorError, OSError, ValueError) as error:
        print(f"checkout-age evaluate: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    return 0


def _single(args: argparse.Namespace, candidate: Any, faces: Any) -> dict[str, Any]:
    from training.bundle import put_metrics
    from training.evaluation.evaluate import evaluate
    from training.evaluation.report import write_report

    evaluation = evaluate(candidate, faces, degradations=not args.quick, variants=not args.quick)
    figures = evaluation.figures | {"split": args.split}
    args.out.mkdir(parents=True, exist_ok=True)
    write_report(
        args.out / "index.html", figures, faces, evaluation.answers, split=args.split, lang=args.lang
    )
    _write_json(args.out / "figures.json", figures)
    if args.into_bundle:
        put_metrics(args.models[0], figures)
    overall = figures["overall"]
    print(
        f"{figures['model']} {figures['variant']}, {figures['n']} faces: MAE {overall['mae_mean']:.2f} years"
    )
    for name, row in figures["data_sets"].items():
        print(
            f"  {name}: MAE {row['mae_mean']:.2f} ({row['ci95'][0]:.2f}-{row['ci95'][1]:.2f}), n {row['n']}"
        )
    for goal, told in figures["conclusions"].items():
        print(f"  good enough for {goal}: {told['verdict']}")
    print(f"report: {args.out / 'index.html'}")
    return figures


def _pair(candidates: list[Any], faces: Any) -> dict[str, Any]:
    from training.evaluation.answers import answers_of
    from training.evaluation.measures import clean
    from training.evaluation.paired import paired

    answers = [answers_of(c.open[c.variant]()(faces.crops), c.calibration) for c in candidates]
    taus = [c.calibration.tau if c.calibration else None for c in candidates]
    told = paired(faces.ages, answers[0], answers[1], first_tau=taus[0], second_tau=taus[1])
    told = clean({"first": candidates[0].name, "second": candidates[1].name, **told})
    for key in ("mae", "miss_14_17_point", "miss_14_17_tau"):
        row = told[key]
        if row is not None:
            sure = "significant" if row["significant"] else "not significant"
            print(
                f"{key}: {row['first']:.3f} against {row['second']:.3f}, {row['difference']:+.3f} {row['ci95']} {sure}"
            )
    return told


def _write_json(file: Path | None, told: dict[str, Any]) -> None:
    if file is not None:
        waiting = file.with_name(file.name + ".new")
        waiting.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        waiting.replace(file)
