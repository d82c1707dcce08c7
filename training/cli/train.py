"""`checkout-age train --config configs/training.yaml`: crops to a trained age network."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

HELP = "train the age network on prepared crops; goes on where it was stopped with --resume"
EXIT_UNUSABLE = 2
EXIT_BROKEN = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The configuration, and what is often changed on the command line."""
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--data", metavar="CROPS", help="what `prepare` made")
    parser.add_argument("--run", metavar="DIR", help="folder of the run")
    parser.add_argument("--init", help="imagenet, random, a file *.weights.h5, or a bundle's folder")
    parser.add_argument("--head", choices=["distribution", "scalar"])
    parser.add_argument("--minutes", type=float, help="budget by the clock instead of the configuration's")
    parser.add_argument("--steps", type=int, help="budget in steps instead of the configuration's")
    parser.add_argument("--limit", type=int, metavar="N", help="train on N faces only")
    parser.add_argument(
        "--devices", type=int, metavar="N", help="GPUs (or virtual processors) for TensorFlow"
    )
    parser.add_argument("--resume", action="store_true", help="go on with a stopped run")


def run(args: argparse.Namespace) -> int:
    """0 when trained, 1 where a run broke (its checkpoint is kept), 2 where it cannot start."""
    from training.config import load_training_config
    from training.labels import DataError

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    budget = {"minutes": args.minutes} if args.minutes else {"steps": args.steps} if args.steps else None
    changes = {name: getattr(args, name) for name in ("data", "run", "init", "head", "limit", "devices")}
    try:
        config = load_training_config(args.config, {**changes, "budget": budget})
    except DataError as error:
        print(f"checkout-age train: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    return _train(config, resume=args.resume)


def _train(config: object, *, resume: bool) -> int:
    from tqdm import tqdm

    from training.checkpoint import CheckpointError
    from training.labels import DataError
    from training.model import WeightsError
    from training.trainer import TrainingError, train

    bar = tqdm(total=100, unit="%", desc="train", bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}")

    def progress(share: float, told: str) -> None:
        bar.set_postfix_str(told, refresh=False)
        bar.update(round(share * 100, 2) - bar.n)

    try:
        with bar:
            result = train(config, resume=resume, progress=progress)  # type: ignore[arg-type]
    except (DataError, WeightsError) as error:
        print(f"checkout-age train: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    except (TrainingError, CheckpointError, OSError) as error:
        print(f"checkout-age train: {error}", file=sys.stderr)
        return EXIT_BROKEN
    print(
        f"val MAE {result.best.mae:.2f} years after {result.best_step} of {result.steps} steps "
        f"({result.faces} faces, stopped by {result.stopped_by.replace('_', ' ')})"
    )
    if result.refitted is not None:
        print(f"last layer refitted: val MAE {result.refitted.mae:.2f} years")
    return 0
