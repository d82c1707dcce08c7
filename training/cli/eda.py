"""`checkout-age eda DATA --out REPORT`: what is in a labelled data set, and what follows for training."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HELP = "look at labelled faces: ages, heaping, pictures, duplicates, and what follows"
EXIT_UNUSABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where from, where to, how much."""
    parser.add_argument("data", type=Path, metavar="DATA", help="folder with labels.csv, or a CSV file")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="REPORT", help="folder for index.html, figures.json"
    )
    parser.add_argument("--lang", choices=["en", "ru"], default="en")
    parser.add_argument("--pictures", type=int, metavar="N", help="look at N pictures only, drawn at random")
    parser.add_argument("--detector", choices=["auto", "yunet", "mtcnn"], default="auto")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder with YuNet's file")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (default: all cores)")


def run(args: argparse.Namespace) -> int:
    """0 when the report is written, 2 with a reason for data that cannot be used."""
    from edge.face import DetectorError
    from training.eda.ages import age_figures
    from training.eda.findings import findings
    from training.eda.report import write_report
    from training.evaluation.measures import clean
    from training.labels import DataError, read_labels

    try:
        labels = read_labels(args.data)
        of_labels = age_figures(labels.rows)
        seen = _look(args, labels) if labels.pictures else None
        told = {
            "name": args.data.stem or args.data.resolve().name,
            "labels": of_labels,
            "pictures": seen,
            "findings": findings(of_labels, seen),
        }
        told = clean(told)
        args.out.mkdir(parents=True, exist_ok=True)
        write_report(args.out / "index.html", told, labels, lang=args.lang)
        text = json.dumps(told, indent=1, ensure_ascii=False)
        (args.out / "figures.json").write_text(text + "\n", encoding="utf-8")
    except (DataError, DetectorError, OSError) as error:
        print(f"checkout-age eda: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    print(f"{of_labels['n']} labels, {seen['looked_at'] if seen else 0} pictures: {args.out / 'index.html'}")
    return 0


def _look(args: argparse.Namespace, labels: object) -> dict[str, object]:
    import numpy as np

    from training.eda.look import look_at, picture_figures
    from training.labels import Labels

    assert isinstance(labels, Labels)
    members = np.arange(len(labels))
    if args.pictures is not None and args.pictures < len(members):
        members = np.sort(np.random.default_rng(0).permutation(len(labels))[: args.pictures])
    seen = look_at(
        labels, members.tolist(), detector=args.detector, models_folder=args.models, jobs=args.jobs
    )
    return picture_figures(labels, seen)
