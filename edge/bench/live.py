"""`bench live`: the real daemon beside real RTSP cameras that play a clip at its own rate.

Two phases, one after the other: one lane (its memory, its growth where `--soak-minutes` asks for it), then `--lanes`
lanes at once. Everything runs on this machine, so the cameras' own work is in the machine's load, not in the figures
of the daemon.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from edge.bench.alone import in_own_process
from edge.bench.found import Stay, matched
from edge.bench.live_box import LiveBox, LiveCamera, Sample, looped
from edge.bench.machine import machine, versions

HELP = "the daemon over RTSP: customers found, latency, memory, CPU, with one lane and with several"
_EARLY_S, _WINDOW_S = 120.0, 20.0
_SETTLED_S = 20.0
_TAIL_S = 2.0
_LIMITS = {
    "lost": 0,
    "event_ms_p95": 500,
    "one_lane_rss_mb": 400,
    "growth_share": 0.02,
    "first_frame_s": 3.0,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `checkout-age bench live`."""
    parser.add_argument("--clip", type=Path, required=True, metavar="FILE")
    parser.add_argument("--zones", type=Path, metavar="FILE")
    parser.add_argument("--lanes", type=int, default=4)
    parser.add_argument("--detector", choices=["mtcnn", "yunet", "auto"], default="auto")
    parser.add_argument("--threads", type=int, default=2, help="threads of ONNX Runtime")
    parser.add_argument(
        "--soak-minutes", type=float, default=0.0, help="let one lane run so long; from 3 on growth is told"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Measure and print; 2 where clip, zones or GStreamer's packages are missing."""
    try:
        figures = measure(
            args.clip,
            zones_file=args.zones,
            lanes=args.lanes,
            detector=args.detector,
            threads=args.threads,
            soak_s=args.soak_minutes * 60,
        )
    except OSError as error:
        print(f"bench live: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(figures))
    else:
        _print_table(figures)
    return 0


def measure(
    clip: Path, *, zones_file: Path | None, lanes: int, detector: str, threads: int, soak_s: float = 0.0
) -> dict[str, Any]:
    """All figures of `bench live`; what was not measured is None. Raises OSError where a part is missing."""
    began_s = time.time()
    zones = json.loads(zones_file.read_bytes())["zones_px"] if zones_file is not None else {}
    _say("replay of the clip")
    truth = in_own_process(replayed, str(clip), str(zones_file) if zones_file else None, detector)
    clip_s, expected = truth["clip_s"], truth["customers"]
    phases = []
    with tempfile.TemporaryDirectory(prefix="bench-live-") as folder:
        for number, count in enumerate(dict.fromkeys((1, lanes))):
            lasts_s = max(clip_s, soak_s) if count == 1 else clip_s
            film = looped(clip, seconds=lasts_s, clip_s=clip_s, into=Path(folder))
            with (
                LiveCamera([film]) as camera,
                LiveBox(
                    Path(folder) / f"box-{number}",
                    camera.url,
                    lanes=count,
                    zones=zones,
                    detector=detector,
                    threads=threads,
                ) as box,
            ):
                samples = _watch(box, lasts_s + _TAIL_S)
                answered_s = min(camera.clients_s, default=None)
                box.end()
                phases.append(_phase(box, samples, expected, clip_s, answered_s))
    one, several = phases[0], phases[-1]
    several_rss = (several["rss_mb"] - one["rss_mb"]) / (lanes - 1) if lanes > 1 else None
    return {
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "clip": clip.name,
            "lanes": lanes,
            "detector": several["detector"],
            "threads": threads,
            "soak_minutes": soak_s / 60,
        },
        "seconds": time.time() - began_s,
        "replay_customers": len(expected),
        "one_lane": one,
        "lanes": several if lanes > 1 else None,
        "mb_per_extra_lane": several_rss,
        "limits": _LIMITS,
    }


def replayed(clip: str, zones: str | None, detector: str) -> dict[str, Any]:
    """Length and rate of the clip, and first and last sight of each customer that `replay` finds, in its seconds."""
    from datetime import datetime

    from edge.app import build_replay

    start = "2026-01-05T10:00:00Z"
    replay = build_replay(
        Path(clip),
        start=start,
        zones_file=Path(zones) if zones else None,
        detector=detector,  # type: ignore[arg-type]  # one of the option's choices
    )
    zero_s = datetime.fromisoformat(start).timestamp()
    stays = [
        tuple(datetime.fromisoformat(event.data[key]).timestamp() - zero_s for key in ("from", "to"))
        for event in replay.events()
        if event.data.get("role") == "customer"
    ]
    clip_s = replay.clip.duration_s or replay.clip.position_s
    fps = (replay.clip.frame_count or 0) / clip_s
    return {"clip_s": clip_s, "fps": fps, "customers": stays}


def _watch(box: LiveBox, seconds: float) -> list[Sample]:
    """A sample each second, beginning when the first camera has shown a frame."""
    while not box.first_judged_s():
        time.sleep(0.05)
        if time.time() - box.started_s > 60:
            raise OSError("no frame was judged within a minute")
    ends_s = time.time() + seconds
    samples = []
    while time.time() < ends_s:
        samples.append(box.sample())
        if len(samples) % 30 == 0:
            _say(f"{len(box.lanes)} lanes, {samples[-1]['at_s']:.0f} s, {samples[-1]['rss_mb']:.0f} MB")
        time.sleep(1.0)
    return samples


def _phase(
    box: LiveBox, samples: list[Sample], expected: list[Stay], clip_s: float, answered_s: float | None
) -> dict[str, Any]:
    last = samples[-1]["stats"]
    settled = [sample for sample in samples if sample["at_s"] > _SETTLED_S] or samples
    judged = box.first_judged_s()
    wall_s = samples[-1]["at_s"] - samples[0]["at_s"]
    once = {lane: _first_pass(box.customers(lane), clip_s) for lane in box.lanes}
    found = {lane: matched(expected, stays) for lane, stays in once.items()}
    return {
        "streams": len(box.lanes),
        "detector": last["inference"]["detector"],
        "customers_found": {lane: len(stays) for lane, stays in once.items()},
        "customers_of_replay_found": found,
        "lost": sum(len(expected) - count for count in found.values()),
        "taken_fps_min": min(camera["frames"] for camera in last["cameras"]) / last["uptime_s"],
        "judged_hz_min": min(camera["judged"] for camera in last["cameras"]) / last["uptime_s"],
        "overwritten": sum(camera["overwritten"] for camera in last["cameras"]),
        "estimate_ms": _ms(last["latency"], "estimate"),
        "event_ms": _ms(last["latency"], "event"),
        "rss_mb": statistics.median(sample["rss_mb"] for sample in settled),
        "rss_mb_max": max(sample["rss_mb"] for sample in samples),
        "growth_share": _growth(samples),
        "cpu_share_of_a_core": (samples[-1]["cpu_s"] - samples[0]["cpu_s"]) / wall_s,
        "first_frame_s": {
            "after_process_start": min(judged.values()) - box.started_s,
            "after_camera_answered": None if answered_s is None else min(judged.values()) - answered_s,
        },
    }


def _first_pass(stays: list[Stay], clip_s: float) -> list[Stay]:
    """The stays of the clip's first showing."""
    return [(begin, end) for begin, end in stays if begin < clip_s]


def _ms(latency: dict[str, float | None], what: str) -> dict[str, float | None]:
    return {
        share: None if (value := latency[f"{what}_{share}_s"]) is None else value * 1e3
        for share in ("p50", "p95")
    }


def _growth(samples: list[Sample]) -> float | None:
    """How much more memory is resident at the end than at minute 2, medians over 20 s; None for a short run."""
    ends_s = samples[-1]["at_s"]
    if ends_s < _EARLY_S + 3 * _WINDOW_S:
        return None

    def median_from(from_s: float) -> float:
        chosen = [
            float(sample["rss_mb"]) for sample in samples if from_s <= sample["at_s"] <= from_s + _WINDOW_S
        ]
        return statistics.median(chosen)

    early = median_from(_EARLY_S)
    return (median_from(ends_s - _WINDOW_S) - early) / early


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


def _print_table(figures: dict[str, Any]) -> None:
    for phase in filter(None, (figures["one_lane"], figures["lanes"])):
        print(f"{phase['streams']} lane(s), {phase['detector']}")
        print(f"  customers lost    {phase['lost']} of {phase['streams'] * figures['replay_customers']}")
        print(
            f"  capture to event  p50 {_shown(phase['event_ms']['p50'])} p95 {_shown(phase['event_ms']['p95'])}"
        )
        print(f"  resident          {phase['rss_mb']:.0f} MB, growth {phase['growth_share']}")
        print(
            f"  first frame       {phase['first_frame_s']['after_camera_answered']} s after the camera answered"
        )
        print(f"  CPU               {phase['cpu_share_of_a_core']:.2f} of a core")


def _shown(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.0f} ms"
