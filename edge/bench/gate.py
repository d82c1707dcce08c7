"""`bench gate`: has it become slower? Ratios only, each of two things measured in the same run.

A machine that is busy or slow moves both sides. What a lane costs is compared by processor time: how many lanes would
take what decoding alone, or the naive way, takes for one. A ratio that misses its limit is measured once more, and two
misses fail.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.bench.alone import in_own_process
from edge.bench.films import films_of, moments
from edge.bench.live import replayed
from edge.bench.live_box import LiveCamera
from edge.bench.machine import machine, versions
from edge.bench.row import Box, Players, Row

HELP = "fails where a ratio to decoding alone, to the naive way or between detectors has become worse"

LIMITS_FILE = Path(__file__).with_name("limits.json")
EXIT_WORSE = 1

Limits = Mapping[str, Mapping[str, float]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `checkout-age bench gate`."""
    parser.add_argument("--source", type=Path, required=True, metavar="FILE")
    parser.add_argument("--zones", type=Path, metavar="FILE")
    parser.add_argument(
        "--limits", type=Path, default=LIMITS_FILE, metavar="FILE", help="JSON: the least of each ratio"
    )
    parser.add_argument(
        "--streams", type=int, default=2, help="cameras at a time; few, so that a busy machine holds them"
    )
    parser.add_argument("--seconds", type=float, help="of one window; the length of the film, if left out")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """0 where every ratio holds, 1 with each that does not, 2 where something to measure with is missing."""
    from edge.app import ReplayError
    from edge.camera import ClipError

    try:
        limits: Limits = json.loads(args.limits.read_text())
        figures = measure(
            args.source, zones_file=args.zones, limits=limits, streams=args.streams, window_s=args.seconds
        )
    except (OSError, ReplayError, ClipError) as error:
        print(f"bench gate: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(figures))
    for name, ratio in figures["ratios"].items():
        least = limits[name]["at_least"]
        said = "not measured" if ratio is None else f"{ratio:.2f}"
        mark = "ok    " if name not in figures["worse"] else "WORSE "
        print(f"{mark} {name:26} {said:>8}  (at least {least:g})", file=sys.stderr)
    if figures["worse"]:
        print(f"bench gate: FAILED: {', '.join(figures['worse'])}", file=sys.stderr)
        return EXIT_WORSE
    return 0


def measure(
    source: Path, *, zones_file: Path | None, limits: Limits, streams: int, window_s: float | None
) -> dict[str, Any]:
    """Every ratio that `limits` names. Raises OSError, ReplayError, ClipError where a part is missing."""
    if not source.is_file():
        raise OSError(f"no film at {source}. Give the path of a video file with --source")
    began_s, load = time.time(), os.getloadavg()
    turns = [_once(source, zones_file, streams, window_s)]
    if worse(turns[0], limits):
        _say(f"missed: {', '.join(worse(turns[0], limits))}; once more")
        turns.append(_once(source, zones_file, streams, window_s))
    ratios = better(turns)
    return {
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "source": source.name,
            "streams": streams,
            "load_average": {"before": load, "after": os.getloadavg()},
        },
        "seconds": time.time() - began_s,
        "ratios": ratios,
        "turns": turns,
        "limits": limits,
        "worse": worse(ratios, limits),
    }


def worse(ratios: Mapping[str, float | None], limits: Limits) -> list[str]:
    """The ratios below their limit; what could not be measured has not held it; pure."""
    told = {name: ratios.get(name) for name in limits}
    return [name for name, ratio in told.items() if ratio is None or ratio < limits[name]["at_least"]]


def better(turns: list[dict[str, float | None]]) -> dict[str, float | None]:
    """The better of the turns, ratio by ratio: one disturbance is no regression; pure."""
    return {
        name: max((value for turn in turns if (value := turn.get(name)) is not None), default=None)
        for name in turns[0]
    }


def _once(
    source: Path, zones_file: Path | None, streams: int, window_s: float | None
) -> dict[str, float | None]:
    from edge.bench.pipeline import measure as pipeline

    _say("the pipeline on the film")
    film = pipeline(source, detector="yunet", zones=zones_file, threads=2, turns=3, naive_s=15.0)
    cost, found = _lanes(source, zones_file, streams, window_s)
    return {
        "pipeline_to_decode_only": film["ratio_to_decode_only"],
        "pipeline_to_naive": film["ratio_to_naive"],
        "lane_to_decode_only": cost["decode"] / cost["yunet"],
        "lane_to_naive": cost["naive"] / cost["yunet"],
        "mtcnn_to_yunet": cost["yunet"] / cost["mtcnn"],
        "customers_found": found,
    }


def _lanes(
    source: Path, zones_file: Path | None, streams: int, window_s: float | None
) -> tuple[dict[str, float], float | None]:
    """Processor time for a stream-second of each way, its camera's server included; share of customers found."""
    zones = json.loads(zones_file.read_bytes())["zones_px"] if zones_file is not None else {}
    zones_told = str(zones_file) if zones_file else None
    truth = in_own_process(replayed, str(source), zones_told, "yunet")
    seconds = window_s or truth["clip_s"]
    cost: dict[str, float] = {}
    expected = found = 0
    with tempfile.TemporaryDirectory(prefix="bench-gate-") as name:
        folder = Path(name)
        films = films_of(
            source,
            clip_s=truth["clip_s"],
            seconds=2 * seconds + 120,
            begins_s=moments(truth["customers"], truth["clip_s"], streams),
            into=folder,
        )
        with LiveCamera([film.file for film in films]) as server:
            row = Row(films, server, truth, target_fps=truth["fps"], folder=folder)
            for detector in ("yunet", "mtcnn"):
                _say(f"{streams} lanes with {detector}")
                with Box(row, streams, detector=detector, threads=0, zones=zones) as box:
                    told = box.window(seconds)
                cores = told["cpu_cores"]
                held = min(1.0, told["taken_fps_min"] / truth["fps"])
                cost[detector] = (cores["daemon"] + cores["camera_server"]) / (streams * max(held, 1e-6))
                if detector == "yunet":  # it is YuNet's replay that says who is there
                    expected, found = told["customers_expected"], told["customers_found"]
            for kind in ("decode", "naive"):
                _say("decoding alone" if kind == "decode" else "the naive way")
                with Players(row, streams if kind == "decode" else 1, kind) as players:
                    told = players.window(15.0 if kind == "decode" else seconds)
                cores = told["cpu_cores"]
                cost[kind] = (cores["players"] + cores["camera_server"]) / max(told["throughput"], 1e-6)
    return cost, found / expected if expected else None


def _say(text: str) -> None:
    print(f"bench gate: {text}", file=sys.stderr, flush=True)
