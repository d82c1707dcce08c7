"""`bench start`: how long from the start of the daemon's process until it is ready."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from edge.bench.live_box import LiveBox
from edge.bench.machine import machine, versions

HELP = "from the start of the process until the box is ready, models in the page cache"

LIMITS = {"ready_s": 3.0}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `checkout-age bench start`."""
    parser.add_argument(
        "--source", type=Path, metavar="FILE", help="what the camera shows; else the drawn lane"
    )
    parser.add_argument("--detector", choices=["mtcnn", "yunet", "auto"], default="auto")
    parser.add_argument(
        "--turns", type=int, default=5, help="starts that count; one more before them does not"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Measure and print; 2 where the daemon does not come up."""
    try:
        figures = measure(args.source, detector=args.detector, turns=args.turns)
    except OSError as error:
        print(f"bench start: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(figures))
    else:
        ready, cpu = figures["ready_s"], figures["cpu_s"]
        print(f"ready after {ready['median']:.2f} s ({ready['min']:.2f} to {ready['max']:.2f})")
        print(f"processor time until then {cpu['median']:.2f} s ({cpu['min']:.2f} to {cpu['max']:.2f})")
    return 0


def measure(source: Path | None, *, detector: str, turns: int) -> dict[str, Any]:
    """All figures of `bench start`. Raises OSError where the daemon does not come up."""
    began_s, load = time.time(), os.getloadavg()
    ready, cpu = [], []
    for _ in range(turns + 1):
        with (
            tempfile.TemporaryDirectory(prefix="bench-start-") as folder,
            LiveBox(
                Path(folder) / "box",
                "demo" if source is None else str(source.resolve()),
                lanes=1,
                zones={},
                detector=detector,
                threads=0,
            ) as box,
        ):
            ready.append(box.up_s())
            cpu.append(box.cpu_s())
    return {
        "machine": machine(),
        "versions": versions(),
        "settings": {"detector": detector, "turns": turns, "load_average": load},
        "seconds": time.time() - began_s,
        "ready_s": _spread(ready[1:]),
        "cpu_s": _spread(cpu[1:]),
        "limits": LIMITS,
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}
