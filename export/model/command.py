"""`checkout-age export-model RUN|WEIGHTS --data DIR --out DIR`: a calibrated, verified age bundle."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

__all__ = ["HELP", "add_arguments", "run"]

HELP = "turn a trained model into a calibrated int8 bundle for the till"
EXIT_STOPPED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to export, on which faces to calibrate, where to."""
    parser.add_argument(
        "source", type=Path, metavar="RUN|WEIGHTS", help="run folder of `train`, or *.weights.h5"
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="photographs with labels.csv, or prepared crops",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the bundle's folder")
    parser.add_argument(
        "--crops", type=Path, metavar="DIR", help="where crops of --data are kept (outside the project)"
    )
    parser.add_argument("--name", default="age-resnet50")
    parser.add_argument("--version", default="1.0.0")
    parser.add_argument("--licence", help="terms of the weights (default: research use only)")
    parser.add_argument("--intended-use", help="a sentence for people")
    parser.add_argument(
        "--goals", type=Path, metavar="FILE", help="what is asked of the model (YAML), for its card"
    )
    parser.add_argument("--recipe", help="how a bare weights file was trained")
    parser.add_argument(
        "--ranges", type=int, default=300, metavar="N", help="training crops to find int8 ranges with"
    )
    parser.add_argument("--floats", action="store_true", help="write model_fp32.onnx and model_fp16.onnx too")
    parser.add_argument("--detector", choices=["auto", "yunet", "mtcnn"], default="auto")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder with YuNet's file")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), metavar="N")


def run(args: argparse.Namespace) -> int:
    """0 when the bundle is in place, 2 with the reason on stderr (a failed gate writes nothing)."""
    from edge.age import AgeModelError
    from edge.face import DetectorError
    from export.model.data import open_faces
    from export.model.errors import ExportError
    from export.model.export import Passport, export_bundle
    from export.model.goals import read_goals
    from export.model.package import INTENDED_USE, LICENCE
    from export.model.parity import PARITY_CROPS
    from export.model.source import open_source

    try:
        source = open_source(args.source, recipe=args.recipe)
        faces = open_faces(
            args.data,
            crops=args.crops,
            ranges=args.ranges,
            gate=PARITY_CROPS,
            detector=args.detector,
            models_folder=args.models,
        )
        bundle = export_bundle(
            source,
            faces,
            args.out,
            passport=Passport(
                name=args.name,
                version=args.version,
                licence=args.licence or LICENCE,
                intended_use=args.intended_use or INTENDED_USE,
                goals=read_goals(args.goals) if args.goals else (),
            ),
            floats=args.floats,
            threads=args.threads,
            detector=args.detector,
            models_folder=args.models,
        )
    except (ExportError, AgeModelError, DetectorError, OSError, ValueError) as stopped:
        print(f"checkout-age export-model: {stopped}", file=sys.stderr)
        return EXIT_STOPPED
    _tell(bundle.folder)
    return 0


def _tell(folder: Path) -> None:
    import json

    from edge.age import MANIFEST_FILE

    document = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    parity, fitted = document["export"]["parity"], document["export"]["calibration"]
    print(f"{folder}: {document['name']} {document['version']}, {parity['int8_bytes']:,} bytes")
    print(
        f"on {parity['n']} faces: MAE Keras {parity['mae_keras']}, fp32 {parity['mae_fp32']}, "
        f"int8 {parity['mae_int8']}; Keras to fp32 {parity['keras_to_fp32_worst']} years at worst"
    )
    print(
        f"temperature {document['temperature']} from {fitted['n']} faces of val "
        f"(nll {fitted['nll_before']} → {fitted['nll']})"
    )
    for entry in document["thresholds"]:
        if not entry["usable"]:
            print(f"τ unusable: only {entry['n']} faces of 14–17 in val")
            break
    print(f"licence: {document['licence']}")
