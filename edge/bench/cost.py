"""`bench cost`: what a camera and a customer cost, in milliseconds of processor time.

Lanes go up with one film; then films with more and more customers a minute are shown to a few lanes. Processor time
hardly depends on what else the machine does, so this holds on a busy one too.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge.bench.alone import in_own_process
from edge.bench.chart import Panel, svg
from edge.bench.films import films_of, moments
from edge.bench.live import replayed
from edge.bench.live_box import LiveCamera
from edge.bench.machine import machine, versions
from edge.bench.row import Box, Measure, Players, Row

HELP = "processor time for a camera-hour and for a customer, as lanes and customers grow"

_LANES = (1, 2, 4, 8, 16)
LIMITS = {"empty_to_busy": 0.2}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `checkout-age bench cost`."""
    parser.add_argument(
        "--source", type=Path, required=True, metavar="FILE", help="what is shown as lanes grow"
    )
    parser.add_argument(
        "--film",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a film with another number of customers a minute, an empty one too; replay counts them; repeatable",
    )
    parser.add_argument("--zones", type=Path, metavar="FILE")
    parser.add_argument("--detector", choices=["mtcnn", "yunet", "auto"], default="auto")
    parser.add_argument("--lanes", type=int, nargs="+", default=list(_LANES))
    parser.add_argument("--seconds", type=float, default=30.0, help="of one window")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw the figures into this file")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Measure and print; 2 where a film, a model or a program is missing."""
    from edge.app import ReplayError
    from edge.camera import ClipError

    try:
        figures = measure(
            args.source,
            films=args.film,
            zones_file=args.zones,
            detector=args.detector,
            lanes=args.lanes,
            window_s=args.seconds,
        )
    except (OSError, ReplayError, ClipError) as error:
        print(f"bench cost: {error}", file=sys.stderr)
        return 2
    if args.svg is not None:
        args.svg.write_text(_drawn(figures))
    if args.json:
        print(json.dumps(figures))
    else:
        _print_table(figures)
    return 0


def measure(
    source: Path,
    *,
    films: Sequence[Path],
    zones_file: Path | None,
    detector: str,
    lanes: Sequence[int],
    window_s: float,
    lanes_for_customers: int = 4,
) -> dict[str, Any]:
    """All figures of `bench cost`. Raises OSError, ReplayError, ClipError where a part is missing."""
    began_s, load = time.time(), os.getloadavg()

    def row(film: Path, count: int) -> dict[str, Any]:
        _say(f"{film.name}, {count} lanes")
        return _row(film, count, detector=detector, zones_file=zones_file, window_s=window_s)

    by_lanes = [row(source, count) for count in lanes]
    by_customers = sorted(
        (row(film, lanes_for_customers) for film in films),
        key=lambda told: float(told["customers_per_minute"]),
    )
    return {
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "source": source.name,
            "films": [film.name for film in films],
            "detector": detector,
            "window_s": window_s,
            "lanes_for_customers": lanes_for_customers,
            "load_average": {"before": load, "after": os.getloadavg()},
        },
        "seconds": time.time() - began_s,
        "by_lanes": {"rows": by_lanes, **_line(by_lanes, "lanes", "cpu_ms_per_second")},
        "by_customers": {
            "rows": by_customers,
            **_line(by_customers, "customers_per_minute", "cpu_s_per_camera_hour"),
            "cpu_ms_per_customer": _per_customer(by_customers),
        },
        "empty_to_busy": _empty_to_busy(by_customers),
        "limits": LIMITS,
    }


def _row(
    film: Path, lanes: int, *, detector: str, zones_file: Path | None, window_s: float
) -> dict[str, Any]:
    """One number of lanes that show one film."""
    if not film.is_file():
        raise OSError(f"no film at {film}. Give the path of a video file")
    zones = json.loads(zones_file.read_bytes())["zones_px"] if zones_file is not None else {}
    truth = in_own_process(replayed, str(film), str(zones_file) if zones_file else None, detector)
    with tempfile.TemporaryDirectory(prefix="bench-cost-") as name:
        folder = Path(name)
        begins_s = moments(truth["customers"], truth["clip_s"], 4)
        made = films_of(
            film, clip_s=truth["clip_s"], seconds=2 * window_s + 120, begins_s=begins_s, into=folder
        )
        with LiveCamera([one.file for one in made]) as server:
            row = Row(made, server, truth, target_fps=truth["fps"], folder=folder)
            with Box(row, lanes, detector=detector, threads=0, zones=zones) as box:
                told = box.window(window_s)
            with Players(row, 1, "decode") as players:
                alone = players.window(min(window_s, 15.0))
    return cost_row(told, alone, lanes=lanes, per_minute=60 * len(truth["customers"]) / truth["clip_s"])


def cost_row(told: Measure, alone: Measure, *, lanes: int, per_minute: float) -> dict[str, Any]:
    """Seconds of processor time for an hour of one camera: all of it, and above decoding; pure."""
    cores = told["cpu_cores"]
    decode = cores["daemon_decode"]
    return {
        "lanes": lanes,
        "customers_per_minute": per_minute,
        "cpu_ms_per_second": cores["daemon"] * 1e3,
        "cpu_s_per_camera_hour": cores["daemon"] / lanes * 3600,
        "above_decode_s_per_camera_hour": (cores["daemon"] - decode) / lanes * 3600,
        "decode_only_s_per_camera_hour": alone["cpu_cores"]["players"] / alone["throughput"] * 3600,
        "taken_fps_min": told["taken_fps_min"],
        "detect_rate_min": told["detect_rate_min"],
        "stages_ms_per_lane_second": told["stages_ms_per_lane_second"],
        "cpu_cores": cores,
    }


def _line(rows: Sequence[dict[str, Any]], x: str, y: str) -> dict[str, float | None]:
    """Least squares of `y` over `x`; None for fewer than two places."""
    if len({row[x] for row in rows}) < 2:
        return {"slope": None, "intercept": None}
    slope, intercept = np.polyfit([row[x] for row in rows], [row[y] for row in rows], 1)
    return {"slope": float(slope), "intercept": float(intercept)}


def _per_customer(rows: Sequence[dict[str, Any]]) -> float | None:
    slope = _line(rows, "customers_per_minute", "cpu_s_per_camera_hour")["slope"]
    return None if slope is None else slope / 60 * 1e3


def _empty_to_busy(rows: Sequence[dict[str, Any]]) -> float | None:
    """What the emptiest lane costs above decoding, over what the busiest one does."""
    if len(rows) < 2 or rows[0]["customers_per_minute"] > 0:
        return None
    empty, busy = (row["above_decode_s_per_camera_hour"] for row in (rows[0], rows[-1]))
    return float(empty / busy) if busy > 0 else None


def _drawn(figures: dict[str, Any]) -> str:
    return svg(
        [
            Panel(
                title="Processor time by lanes",
                x_name="lanes",
                y_name="ms of processor time a second",
                points=[(row["lanes"], row["cpu_ms_per_second"]) for row in figures["by_lanes"]["rows"]],
                line=(figures["by_lanes"]["slope"], figures["by_lanes"]["intercept"]),
            ),
            Panel(
                title="Processor time by customers",
                x_name="customers a minute",
                y_name="s of processor time a camera-hour",
                points=[
                    (row["customers_per_minute"], row["cpu_s_per_camera_hour"])
                    for row in figures["by_customers"]["rows"]
                ],
                line=(figures["by_customers"]["slope"], figures["by_customers"]["intercept"]),
            ),
        ]
    )


def _print_table(figures: dict[str, Any]) -> None:
    print(
        f"{'lanes':>5} {'cust/min':>8} {'s a camera-hour':>16} {'above decoding':>15} {'decoding alone':>15}"
    )
    for row in figures["by_lanes"]["rows"] + figures["by_customers"]["rows"]:
        print(
            f"{row['lanes']:5} {row['customers_per_minute']:8.1f} {row['cpu_s_per_camera_hour']:16.0f} "
            f"{row['above_decode_s_per_camera_hour']:15.0f} {row['decode_only_s_per_camera_hour']:15.0f}"
        )
    lanes, customers = figures["by_lanes"], figures["by_customers"]
    print(f"a lane more: {_shown(lanes['slope'])} ms a second; the box itself: {_shown(lanes['intercept'])}")
    print(
        f"a customer: {_shown(customers['cpu_ms_per_customer'])} ms; "
        f"an empty camera-hour: {_shown(customers['intercept'])} s"
    )
    print(f"an empty lane to a busy one, above decoding: {_shown(figures['empty_to_busy'])}")


def _say(text: str) -> None:
    print(f"bench cost: {text}", file=sys.stderr, flush=True)


def _shown(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f}"
