"""`bench long-replay`: does `replay` of an hour of film keep its memory flat?"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from edge.bench.alone import in_own_process
from edge.bench.films import films_of
from edge.bench.machine import machine, resident_mb, versions

HELP = "memory of `replay` over a film of an hour, the clip over and over"

LIMITS = {"growth_share": 0.02}
_EARLY_SHARE = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `checkout-age bench long-replay`."""
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument("--zones", type=Path, metavar="FILE")
    parser.add_argument("--minutes", type=float, default=60.0, help="of film")
    parser.add_argument("--detector", choices=["mtcnn", "yunet", "auto"], default="auto")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Measure and print; 2 where clip or model cannot be read."""
    from edge.app import ReplayError
    from edge.camera import ClipError

    try:
        figures = measure(args.clip, zones=args.zones, minutes=args.minutes, detector=args.detector)
    except (OSError, ReplayError, ClipError) as error:
        print(f"bench long-replay: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(figures))
    else:
        print(
            f"{figures['clip_s'] / 60:.0f} minutes of film: {figures['early_mb']:.0f} MB after a tenth of it, "
            f"{figures['late_mb']:.0f} MB at the end ({figures['growth_share']:+.1%}), {figures['customers']} customers"
        )
    return 0


def measure(clip: Path, *, zones: Path | None, minutes: float, detector: str) -> dict[str, Any]:
    """All figures of `bench long-replay`. Raises OSError, ReplayError, ClipError."""
    if not clip.is_file():
        raise OSError(f"no clip at {clip}. Give the path of a video file")
    began_s = time.time()
    with tempfile.TemporaryDirectory(prefix="bench-long-") as folder:
        [film] = films_of(
            clip, clip_s=_length_s(clip), seconds=minutes * 60, begins_s=[0.0], into=Path(folder)
        )
        told = in_own_process(_replayed, str(film.file), str(zones) if zones else None, detector)
    return {
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "clip": clip.name,
            "minutes": minutes,
            "detector": detector,
            "load_average": os.getloadavg(),
        },
        "seconds": time.time() - began_s,
        **told,
        "limits": LIMITS,
    }


def _length_s(clip: Path) -> float:
    from edge.camera import open_clip

    with open_clip(clip, camera="cam-1", start_ns=0, rate_hz=1.0) as opened:
        if opened.duration_s is None:
            raise OSError(f"{clip} does not declare its length; give an MP4 file")
        return opened.duration_s


def _replayed(film: str, zones: str | None, detector: str) -> dict[str, Any]:
    from edge.app import build_replay

    replay = build_replay(Path(film), zones_file=Path(zones) if zones else None, detector=detector)  # type: ignore[arg-type]
    samples: list[tuple[float, float]] = []

    def sampled(clip_s: float) -> None:
        if not samples or clip_s - samples[-1][0] >= 5.0:
            samples.append((clip_s, resident_mb()))

    customers = sum(event.data["role"] == "customer" for event in replay.events(progress=sampled))
    whole_s = samples[-1][0]
    early = max(mb for at_s, mb in samples if at_s <= max(_EARLY_SHARE * whole_s, samples[0][0]))
    late = max(mb for at_s, mb in samples if at_s >= (1 - _EARLY_SHARE) * whole_s)
    return {
        "clip_s": whole_s,
        "customers": customers,
        "early_mb": early,
        "late_mb": late,
        "growth_share": late / early - 1,
    }
