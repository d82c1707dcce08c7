"""How fast and how large an export is: `python -m export.events.bench --lines 10_000_000 --json`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from edge.events.sales_schema import BANDS_MAX, DEFAULT_BANDS, STEPS, open_sales
from edge.events.sales_store import SALES_FILE

_LINES_A_BASKET = 7
_AT_ONCE = 10_000
_FIRST = date(2026, 1, 5)


def fill(path: Path, *, lines: int, days: int, seed: int) -> int:
    """Write a store's sales, alike in size and variety to a shop's, made of chance; returns the lines written."""
    chance = random.Random(seed)  # noqa: S311 - goods, not secrets
    goods = [(f"46{n:011d}", f"Article number {n} of the range", f"category-{n % 40}") for n in range(20_000)]
    with closing(open_sales(path, store="bench", bands=DEFAULT_BANDS, time_zone="Europe/Berlin")) as c:
        c.execute("PRAGMA synchronous = OFF")
        c.execute("BEGIN")
        width = 6 + BANDS_MAX + 4
        baskets = max(1, lines // _LINES_A_BASKET)
        c.executemany(
            f"INSERT INTO basket VALUES ({', '.join('?' * width)})",  # noqa: S608 - question marks
            _baskets(chance, baskets, days),
        )
        c.executemany(
            "INSERT INTO basket_line VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            _lines(np.random.default_rng(seed), goods, baskets),
        )
        c.execute(
            "INSERT INTO coverage SELECT day, lane_group, model, count(*), sum(p_unknown = 0), sum(p_unknown > 0), 0"
            " FROM basket GROUP BY day, lane_group, model"
        )
        c.execute("COMMIT")
    return baskets * _LINES_A_BASKET


def _baskets(chance: random.Random, count: int, days: int) -> Iterator[tuple[Any, ...]]:
    rest = (None,) * (BANDS_MAX - len(DEFAULT_BANDS))
    for number in range(1, count + 1):
        day = _FIRST + timedelta(days=(number - 1) * days // count)
        steps = [0] * len(DEFAULT_BANDS)
        unknown = STEPS if chance.random() < 0.2 else 0
        if not unknown:
            near = chance.randrange(len(steps))
            steps[near], steps[near - 1] = 15, 5
        yield (
            number, f"{chance.getrandbits(128):032x}", "lanes", day.isoformat(), chance.randrange(8, 20),
            day.weekday(), *steps, *rest, unknown, 1, "none" if unknown else "good", "age-resnet50/1.0.0",
        )  # fmt: skip


def _lines(
    chance: np.random.Generator, goods: list[tuple[str, str, str]], baskets: int
) -> Iterator[tuple[Any, ...]]:
    for first in range(1, baskets + 1, _AT_ONCE):
        numbers = np.repeat(np.arange(first, min(first + _AT_ONCE, baskets + 1)), _LINES_A_BASKET)
        places = np.tile(np.arange(1, _LINES_A_BASKET + 1), len(numbers) // _LINES_A_BASKET)
        taken = chance.integers(len(goods), size=len(numbers))
        cents = chance.integers(50, 2000, size=len(numbers))
        for number, line, item, price in zip(
            *(a.tolist() for a in (numbers, places, taken, cents)), strict=True
        ):
            yield number, line, *goods[item], 1000, price, "EUR"


def two_cores() -> int:
    """Keep this process and its children on two cores, as the promise has it; returns how many there are."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    return len(os.sched_getaffinity(0))


def measure(state: Path, target: Path, kind: str) -> dict[str, Any]:
    """One export in a process of its own: seconds by the wall and of the processor, most memory held."""
    began = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "export.events.bench",
        "--export",
        str(state),
        "--to",
        str(target),
        "--format",
        kind,
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {"seconds": round(time.monotonic() - began, 2), **json.loads(done.stdout)}


def main() -> int:
    """Parse, fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=lambda text: int(text.replace("_", "")), default=1_000_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--format", choices=["parquet", "csv", "jsonl"], default="parquet")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--export", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--to", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.export is not None:
        return _export(args.export, args.to, args.format)
    with tempfile.TemporaryDirectory() as folder:
        state, target = Path(folder, "state"), Path(folder, "marketing")
        cores = two_cores()
        began = time.monotonic()
        lines = fill(state / SALES_FILE, lines=args.lines, days=args.days, seed=args.seed)
        print(f"{lines} lines filled in {time.monotonic() - began:.1f} s", file=sys.stderr)
        first = measure(state, target, args.format)
        again = measure(state, target, args.format)
        told = {
            "machine": {"cpu": platform.processor() or platform.machine(), "cores": cores},
            "versions": {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version},
            "lines": lines,
            "days": args.days,
            "format": args.format,
            "sales_db_mb": round((state / SALES_FILE).stat().st_size / 1e6, 1),
            "files_mb": round(sum(path.stat().st_size for path in target.rglob("part-*")) / 1e6, 1),
            "first": first,
            "again": again,
        }
    if args.json:
        print(json.dumps(told))
    else:
        for name, value in told.items():
            print(f"{name:12} {value}")
    return 0


def _export(state: Path, target: Path, kind: str) -> int:
    from export.events.export import export_events

    done = export_events(state, target, kind=kind)
    spent = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "rows": done.rows,
        "cpu_seconds": round(spent.ru_utime + spent.ru_stime, 2),
        "peak_rss_mb": round(spent.ru_maxrss / 1024, 1),
    }
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
