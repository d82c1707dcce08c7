"""`checkout-age prepare DATA --out CROPS`: photographs to aligned crops, once."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "cut the faces of a labelled folder into one array of crops for training"
EXIT_UNUSABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where from, where to, how."""
    parser.add_argument("data", type=Path, metavar="DATA", help="folder with labels.csv")
    parser.add_argument("--out", type=Path, required=True, metavar="CROPS", help="folder for the crops")
    parser.add_argument("--detector", choices=["auto", "yunet", "mtcnn"], default="auto")
    parser.add_argument("--models", type=Path, metavar="DIR", help="folder with YuNet's file")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (default: all cores)")
    parser.add_argument("--seed", type=int, default=0, help="of the split, where labels have none")


def run(args: argparse.Namespace) -> int:
    """0 when the set is complete, else 2 and a reason on stderr."""
    from tqdm import tqdm

    from edge.face import DetectorError
    from training.labels import DataError
    from training.prepare import prepare

    try:
        with tqdm(unit="picture", desc="prepare", disable=not sys.stderr.isatty()) as bar:

            def progress(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            crops = prepare(
                args.data,
                args.out,
                detector=args.detector,
                models_folder=args.models,
                jobs=args.jobs,
                seed=args.seed,
                progress=progress,
            )
    except (DataError, DetectorError, OSError) as error:
        print(f"checkout-age prepare: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    manifest = crops.manifest
    rejects = {name: sum(reasons.values()) for name, reasons in manifest["rejects"].items()}
    print(f"{manifest['usable']} of {manifest['pictures']} pictures are ready in {args.out}")
    print(f"detector {manifest['detector']['name']}; rejected: {rejects or 'none'}")
    print(f"splits: {manifest['splits']}; near duplicates: {manifest['near_duplicate_pairs']} pairs")
    for move in manifest["moved"]:
        print(f"moved {move['file_name']}: {move['from']} -> {move['to']} ({move['because']})")
    return 0
