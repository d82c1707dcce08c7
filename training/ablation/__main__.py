"""`python -m training.ablation --config configs/ablation.yaml`: train the variants of a plan and write their table."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

EXIT_UNUSABLE = 2
EXIT_BROKEN = 1


def main(argv: Sequence[str] | None = None) -> int:
    """0 when all variants stand in the table, 1 where a run broke (what was finished stands there), 2 unusable."""
    parser = argparse.ArgumentParser(prog="python -m training.ablation", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--out", type=Path, metavar="FILE.json", help="default: ablation.json beside the runs"
    )
    parser.add_argument("--data", metavar="CROPS", help="what `prepare` made")
    parser.add_argument("--init", metavar="FILE", help="the weights that every run starts from")
    parser.add_argument("--runs", metavar="DIR", help="folder of the runs; finished ones are not repeated")
    args = parser.parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from training.ablation.plan import load_plan
    from training.checkpoint import CheckpointError
    from training.labels import DataError
    from training.model import WeightsError
    from training.trainer import TrainingError

    try:
        plan = load_plan(args.config, {name: getattr(args, name) for name in ("data", "init", "runs")})
        _ablate(plan, args.out or plan.runs / "ablation.json")
    except (DataError, WeightsError) as error:
        print(f"training.ablation: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    except (TrainingError, CheckpointError, OSError) as error:
        print(f"training.ablation: {error}", file=sys.stderr)
        return EXIT_BROKEN
    return 0


def _ablate(plan: Any, out: Path) -> None:
    from tqdm import tqdm

    from training.ablation.runs import ablate
    from training.ablation.table import markdown

    names = [variant.name for variant in plan.variants]
    bar = tqdm(total=100 * len(names), unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}")

    def progress(name: str, share: float, told: str) -> None:
        bar.set_description(f"{name} ({names.index(name) + 1} of {len(names)})", refresh=False)
        bar.set_postfix_str(told, refresh=False)
        bar.update(round(100 * (names.index(name) + share), 2) - bar.n)

    def tell(told: Mapping[str, Any]) -> None:
        out.parent.mkdir(parents=True, exist_ok=True)
        _replace(out, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
        _replace(out.with_suffix(".md"), markdown(told))

    with bar:
        told = ablate(plan, tell=tell, progress=progress)
    print(markdown(told))
    print(f"{out}, {out.with_suffix('.md').name}")


def _replace(file: Path, text: str) -> None:
    waiting = file.with_name(file.name + ".new")
    waiting.write_text(text, encoding="utf-8")
    waiting.replace(file)


if __name__ == "__main__":
    sys.exit(main())
