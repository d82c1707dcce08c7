"""`checkout-age measure-error BUNDLE --data DATA`: how a bundle errs, face by face, for reports that correct for it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

HELP = "write into a bundle how it errs on labelled faces, so that marketing's report can correct for it"
EXIT_UNUSABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which bundle, and the faces that it has not learnt from."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DATA", help="labelled photographs, or prepared crops"
    )
    parser.add_argument("--split", default="val", help="value of the column split (default: val)")
    parser.add_argument("--detector", choices=["auto", "yunet", "mtcnn"], default="auto")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder with YuNet's file")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), metavar="N")


def run(args: argparse.Namespace) -> int:
    """0 when written, 2 with a reason for a bundle or faces that cannot be used."""
    from edge.age import AgeBundle, AgeModelError, AgeReader, log_softmax, tempered
    from edge.face import CONTRACT, DetectorError
    from training.age_error import AGE_ERROR_FILE, write_age_error
    from training.evaluation.faces import load_faces
    from training.labels import DataError

    try:
        bundle = AgeBundle.load(args.bundle, contract_digest=CONTRACT.digest)
        faces = load_faces(args.data, args.split, detector=args.detector, models_folder=args.models)
        reader = AgeReader(bundle, provider="cpu", threads=args.threads)
        p = tempered(log_softmax(reader.read(faces.crops)), bundle.temperature)
        file = args.bundle / AGE_ERROR_FILE
        write_age_error(
            file, model=bundle.name, source=f"{args.data.resolve().name}, {args.split}", ages=faces.ages, p=p
        )
    except (AgeModelError, DataError, DetectorError, OSError) as error:
        print(f"checkout-age measure-error: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    print(f"{file}: {len(faces)} faces of {args.split}, bound to {bundle.name}")
    return 0
