"""`bench pipeline`: the whole way of a frame beside decoding alone and beside the loop that a tutorial would write.

All three run one after the other, in turns, each in a process of its own with the same threads; the ratios are of
medians over the turns of one call, so a machine whose speed drifts moves both sides.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from edge.bench.alone import in_own_process
from edge.bench.decode import decode_only
from edge.bench.machine import machine, versions
from edge.bench.naive import naive_loop
from edge.face import DetectorKind

HELP = "the whole pipeline on a clip: speed by stage, beside decoding alone and beside a naive loop"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `checkout-age bench pipeline`."""
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--detector", choices=["mtcnn", "yunet", "auto"], default="auto")
    parser.add_argument("--zones", type=Path, metavar="FILE")
    parser.add_argument(
        "--threads", type=int, default=2, help="threads of decoder and models, all three sides"
    )
    parser.add_argument("--turns", type=int, default=3, help="how often pipeline and decoding are measured")
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="seconds of the clip that the naive loop gets"
    )


def run(args: argparse.Namespace) -> int:
    """Measure and print; 2 where clip or model cannot be read."""
    if not args.clip.is_file():
        print(f"bench pipeline: no clip at {args.clip}. Give the path of a video file.", file=sys.stderr)
        return 2
    from edge.app import ReplayError
    from edge.camera import ClipError

    try:
        figures = measure(
            args.clip,
            detector=args.detector,
            zones=args.zones,
            threads=args.threads,
            turns=args.turns,
            naive_s=args.seconds,
        )
    except (ReplayError, ClipError) as error:
        print(f"bench pipeline: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(figures))
    else:
        _print_table(figures)
    return 0


def measure(
    clip: Path, *, detector: DetectorKind, zones: Path | None, threads: int, turns: int, naive_s: float
) -> dict[str, Any]:
    """All figures of `bench pipeline` as `schemas.md` names them."""
    pipeline, decode = [], []
    for turn in range(turns):
        _say(f"turn {turn + 1} of {turns}: the pipeline, then decoding alone")
        # The pipeline first: it says what cannot be read.
        pipeline.append(
            in_own_process(_pipeline, str(clip), detector, str(zones) if zones else None, threads)
        )
        decode.append(in_own_process(decode_only, str(clip), threads))
    _say("the naive loop")
    naive = in_own_process(naive_loop, str(clip), threads, naive_s)
    speed = statistics.median(turn["realtime_factor"] for turn in pipeline)
    decode_speed = statistics.median(turn["realtime_factor"] for turn in decode)
    middle = min(pipeline, key=lambda turn: abs(turn["realtime_factor"] - speed))
    naive_speed = naive["realtime_factor"]
    return {
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "clip": clip.name,
            "detector": middle["detector"],
            "detect_hz": middle["detect_hz"],
            "zones": zones.name if zones else None,
            **_defaults(),
            "threads": threads,
            "turns": turns,
            "naive": naive["settings"],
        },
        "seconds": sum(turn["wall_s"] for turn in [*pipeline, *decode, naive]),
        "realtime_factor": speed,
        "cpu_seconds_per_clip_minute": middle["cpu_seconds_per_clip_minute"],
        "stages_ms": middle["stages_ms"],
        "decode_only": {"realtime_factor": decode_speed},
        "naive": {"realtime_factor": naive_speed},
        "ratio_to_decode_only": speed / decode_speed,
        "ratio_to_naive": None if naive_speed is None else speed / naive_speed,
        "peak_rss_mb": max(turn["peak_rss_mb"] for turn in pipeline),
        "customers": middle["customers"],
    }


def _defaults() -> dict[str, Any]:
    """What a replay without a configuration takes, which is what is measured."""
    from edge.config import Camera, Tracking

    return {
        "detect_size": list(Camera(name="cam-1", source="demo").detect_size),
        "crops_per_track": Tracking().crops_per_track,
        "model": "int8",
    }


def _pipeline(clip: str, detector: DetectorKind, zones: str | None, threads: int) -> dict[str, Any]:
    """One replay, measured, in this process."""
    import time

    from edge.app import build_replay
    from edge.bench.machine import peak_rss_mb

    replay = build_replay(
        Path(clip), detector=detector, zones_file=Path(zones) if zones else None, threads=threads
    )
    wall, cpu = time.perf_counter(), time.process_time()
    customers = sum(event.data["role"] == "customer" for event in replay.events())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    clip_s = replay.clip.position_s
    stages = {name: ns / 1e6 for name, ns in replay.stage_ns().items()}
    stages["other"] = max(0.0, wall * 1e3 - sum(stages.values()))
    return {
        "realtime_factor": clip_s / wall,
        "cpu_seconds_per_clip_minute": cpu / clip_s * 60,
        "stages_ms": stages,
        "peak_rss_mb": peak_rss_mb(),
        "customers": customers,
        "detector": replay.detector_name,
        "detect_hz": replay.detect_hz,
        "wall_s": wall,
    }


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


def _print_table(figures: dict[str, Any]) -> None:
    naive = figures["naive"]["realtime_factor"]
    ratio = figures["ratio_to_naive"]
    print(f"pipeline      {figures['realtime_factor']:8.1f} x real time ({figures['settings']['detector']})")
    print(
        f"decode only   {figures['decode_only']['realtime_factor']:8.1f} x  "
        f"(pipeline / decode only = {figures['ratio_to_decode_only']:.2f})"
    )
    print(
        "naive loop    not measured"
        if naive is None
        else f"naive loop    {naive:8.1f} x  (pipeline / naive = {ratio:.1f})"
    )
    print(f"memory        {figures['peak_rss_mb']:8.0f} MB resident at most")
    for name, spent_ms in figures["stages_ms"].items():
        print(f"  {name:8} {spent_ms:9.0f} ms")
