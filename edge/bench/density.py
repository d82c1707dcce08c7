"""`bench density`: how many cameras does this machine hold? The real daemon over real streams, up and down by one.

Beside it, in the same run and over the same streams: decoding alone, and the naive way (one process a camera). The
server that plays the cameras runs on the same cores as what is measured; its share is told, not taken off.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from edge.bench.alone import in_own_process
from edge.bench.films import films_of, moments
from edge.bench.live import replayed
from edge.bench.live_box import LiveCamera
from edge.bench.machine import machine, versions
from edge.bench.passing import DETECT_HZ, LIMITS, saturated_by
from edge.bench.ramp import Ramp, Try
from edge.bench.row import SETTLE_S, Box, Measure, Players, Row

HELP = "how many cameras the machine holds, beside decoding alone and beside the naive way"

Via = Literal["rtsp", "file"]
_COMPARED_S = 12.0
_FEW = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `checkout-age bench density`."""
    parser.add_argument("--source", type=Path, required=True, metavar="FILE", help="what the cameras show")
    parser.add_argument("--via", choices=["rtsp", "file"], default="rtsp")
    parser.add_argument("--target-fps", type=float, default=15.0)
    parser.add_argument("--detector", choices=["mtcnn", "yunet", "auto"], default="auto")
    parser.add_argument("--zones", type=Path, metavar="FILE")
    parser.add_argument("--seconds", type=float, help="of one window; the length of the film, if left out")
    parser.add_argument("--threads", type=int, default=0, help="of ONNX Runtime; 0: one a core")
    parser.add_argument("--start", type=int, default=4, help="how many streams are tried first")
    parser.add_argument("--most", type=int, default=96, help="never try more streams")
    parser.add_argument("--moments", type=int, default=4, help="different moments at which the cameras begin")
    parser.add_argument("--decode-all", action="store_true", help="leave no picture undecoded")
    parser.add_argument("--without", choices=["decode-only", "naive"], action="append", default=[])
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Measure and print; 2 where source, model or a program is missing."""
    from edge.app import ReplayError
    from edge.camera import ClipError

    try:
        figures = measure(
            args.source,
            via=args.via,
            target_fps=args.target_fps,
            detector=args.detector,
            zones_file=args.zones,
            window_s=args.seconds,
            threads=args.threads,
            start=args.start,
            most=args.most,
            moments_max=args.moments,
            decode_all=args.decode_all,
            without=args.without,
        )
    except (OSError, ReplayError, ClipError) as error:
        print(f"bench density: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(figures))
    else:
        _print_table(figures)
    return 0


def measure(
    source: Path,
    *,
    via: Via,
    target_fps: float,
    detector: str,
    zones_file: Path | None,
    window_s: float | None,
    threads: int = 0,
    start: int = 4,
    most: int = 96,
    moments_max: int = 4,
    decode_all: bool = False,
    without: Sequence[str] = (),
) -> dict[str, Any]:
    """All figures of `schemas.md`, "bench density". Raises OSError, ReplayError, ClipError where a part is missing."""
    began_s, load = time.time(), os.getloadavg()
    if not source.is_file():
        raise OSError(f"no film at {source}. Give the path of a video file with --source")
    zones = json.loads(zones_file.read_bytes())["zones_px"] if zones_file is not None else {}
    _say("replay of the film")
    truth = in_own_process(replayed, str(source), str(zones_file) if zones_file else None, detector)
    stays = [(begin, end) for begin, end in truth["customers"]]
    window_s = window_s or truth["clip_s"]
    with tempfile.TemporaryDirectory(prefix="bench-density-") as name, ExitStack() as open_parts:
        folder = Path(name)
        films = films_of(
            source,
            clip_s=truth["clip_s"],
            seconds=6 * window_s + 120,
            begins_s=moments(stays, truth["clip_s"], moments_max),
            into=folder,
        )
        server = (
            open_parts.enter_context(LiveCamera([film.file for film in films])) if via == "rtsp" else None
        )
        row = Row(films, server, truth, target_fps=target_fps, folder=folder)
        lanes: list[Measure] = []
        few: Measure | None = None
        level = _climb(
            lambda count: Box(
                row, count, detector=detector, threads=threads, zones=zones, decode_all=decode_all
            ),
            Ramp(start=start, most=most),
            window_s,
            lanes,
        )
        if level > _FEW:  # memory of a lane is the slope from few to many; an ordinary climb begins with many
            with Box(
                row, 1, detector=detector, threads=threads, zones=zones, decode_all=decode_all
            ) as one_lane:
                few = one_lane.window(min(window_s, 15.0))
        decode = None if "decode-only" in without else _compared(row, "decode", max(start, level), most)
        naive = None if "naive" in without else _naive(row, most)
    one = min(lanes, key=lambda lane: lane["streams"])
    full = [lane for lane in lanes if lane["streams"] == level] or [one]
    return {
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "source": source.name,
            "via": via,
            "target_fps": target_fps,
            "detector": full[0]["detector"],
            "detect_hz": DETECT_HZ,
            "threads": threads,
            "decode_all": decode_all,
            "window_s": window_s,
            "settle_s": SETTLE_S,
            "begins_s": [film.begins_s for film in films],
            "zones": zones_file.name if zones_file else None,
            "limits": LIMITS,
            "load_average": {"before": load, "after": os.getloadavg()},
        },
        "seconds": time.time() - began_s,
        "level": level,
        "saturated_by": saturated_by(lanes, level),
        "lanes": lanes,
        "replay_customers": len(stays),
        "decode_only": {"level": decode["level"], "tries": decode["tries"]} if decode else {"level": None},
        "naive": naive or {"level": None, "throughput": None},
        "ratio_to_decode_only": level / decode["level"] if decode and decode["level"] else None,
        "ratio_to_naive": _ratio_to_naive(level, naive),
        "mb_per_lane": _mb_per_lane(lanes, level, few),
        "stages_ms_per_lane_second": full[-1]["stages_ms_per_lane_second"],
        "cpu_cores": full[-1]["cpu_cores"],
        "cpu_ms_per_stream_second": {
            "daemon": full[-1]["cpu_cores"]["daemon"] / full[-1]["streams"] * 1e3,
            "decode_only": _cpu_ms(decode),
            "naive": _cpu_ms(naive),
        },
    }


def _climb(build: Callable[[int], Any], ramp: Ramp, window_s: float, tries: list[Measure]) -> int:
    """Measure until the ramp knows the level; a number that is measured again is not built again."""
    count = ramp.next()
    while count is not None:
        with build(count) as part:
            current = count
            while count == current:
                told = part.window(window_s)
                tries.append(told)
                _say(
                    f"{current} streams: {'passes' if told['passed'] else 'fails'} "
                    f"{' '.join(told.get('fails', []))} room {told['room']:.2f} "
                    f"taken {told['taken_fps_min']:.1f} p95 {told.get('latency_ms_p95')} cores {told['cpu_cores']}"
                )
                ramp.take(Try(streams=current, passed=told["passed"], room=told["room"]))
                count = ramp.next()
    return ramp.level


def _compared(row: Row, kind: Literal["decode", "naive"], start: int, most: int) -> Measure:
    _say("decoding alone" if kind == "decode" else "the naive way")
    tries: list[Measure] = []
    level = _climb(lambda count: Players(row, count, kind), Ramp(start=start, most=most), _COMPARED_S, tries)
    return {"level": level, "tries": tries}


def _naive(row: Row, most: int) -> Measure | None:
    """Level and throughput in streams; None without YuNet, whose detector it is."""
    from edge.face import find_yunet

    if find_yunet() is None:
        return None
    told = _compared(row, "naive", 1, most)
    return {
        "level": told["level"],
        "throughput": max(one["throughput"] for one in told["tries"]),
        "tries": told["tries"],
    }


def _ratio_to_naive(level: int, naive: Measure | None) -> float | None:
    """To its level, or to its throughput where not one stream fits."""
    if naive is None:
        return None
    below = naive["level"] or naive["throughput"]
    return level / below if below else None


def _cpu_ms(compared: Measure | None) -> float | None:
    """Processor time for a second of one stream, by the last window of a comparison."""
    if not compared:
        return None
    last = compared["tries"][-1]
    return float(last["cpu_cores"]["players"] / max(last["throughput"], 1e-6) * 1e3)


def _mb_per_lane(lanes: Sequence[Measure], level: int, few: Measure | None) -> float | None:
    """The slope of resident memory from one lane to the level, the most that was seen of either."""
    least = few or next((lane for lane in lanes if lane["streams"] == 1), None)
    most = max((lane["rss_mb"] for lane in lanes if lane["streams"] == level), default=None)
    if least is None or most is None or level <= 1:
        return None
    return float((most - least["rss_mb"]) / (level - 1))


def _say(text: str) -> None:
    print(f"bench density: {text}", file=sys.stderr, flush=True)


def _print_table(figures: Measure) -> None:
    print(f"{figures['level']} streams ({figures['settings']['detector']}), then: {figures['saturated_by']}")
    print(f"{'streams':>7} {'fps':>6} {'detect':>7} {'p95 ms':>7} {'found':>9} {'MB':>6} {'cores':>6}  held")
    for lane in figures["lanes"]:
        p95 = lane["latency_ms_p95"]
        found = f"{lane['customers_found']}/{lane['customers_expected']}"
        print(
            f"{lane['streams']:7} {lane['taken_fps_min']:6.1f} {lane['detect_rate_min']:7.2f} "
            f"{'-' if p95 is None else format(p95, '7.0f'):>7} {found:>9} {lane['rss_mb']:6.0f} "
            f"{lane['cpu_cores']['daemon']:6.2f}  {'yes' if lane['passed'] else ', '.join(lane['fails'])}"
        )
    for name, spent in figures["stages_ms_per_lane_second"].items():
        print(f"  {name:8} {spent:7.2f} ms a second and lane")
    decode, ratio = figures["decode_only"]["level"], figures["ratio_to_decode_only"]
    print(f"decode only   {_shown(decode)} streams, ratio {_shown(ratio)}")
    print(
        f"naive way     {_shown(figures['naive']['level'])} streams, throughput "
        f"{_shown(figures['naive']['throughput'])}, ratio {_shown(figures['ratio_to_naive'])}"
    )
    print(f"MB a lane     {_shown(figures['mb_per_lane'])}")


def _shown(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
