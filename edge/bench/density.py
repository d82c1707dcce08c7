"""`bench density`: how many cameras does this machine hold? The real daemon over real streams, up and down by one.

Beside it, in the same run and over the same streams: decoding alone, and the naive way (one process a camera). The
server that plays the cameras runs on the same cores as what is measured; its share is told, not taken off.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import yaml

from edge.bench.alone import in_own_process
from edge.bench.child import Child, busy_and_total_s, cpu_s_of
from edge.bench.films import Film, films_of, moments
from edge.bench.found import Stay, matched
from edge.bench.live import replayed
from edge.bench.live_box import LiveCamera
from edge.bench.machine import machine, versions
from edge.bench.ramp import Ramp, Try

HELP = "how many cameras the machine holds, beside decoding alone and beside the naive way"

Via = Literal["rtsp", "file"]
Measure = dict[str, Any]

LIMITS = {
    "taken_share": 0.95,
    "detect_share": 0.95,
    "latency_ms_p95": 500.0,
    "memory_growth": 0.05,
    "customers_share": 0.95,
}
"""What a level must hold to pass."""
_DETECT_HZ = 5.0
_PATIENCE_S = 6.0
"""A customer is told so long after the last sight, at the latest."""
_SETTLE_S = 6.0
_COMPARED_S = 12.0
_CPU_FULL = 0.93


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
        row = _Row(films, server, truth, target_fps=target_fps, folder=folder)
        lanes: list[Measure] = []
        level = _climb(
            lambda count: _Box(row, count, detector=detector, threads=threads, zones=zones),
            Ramp(start=start, most=most),
            window_s,
            lanes,
        )
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
            "detect_hz": _DETECT_HZ,
            "threads": threads,
            "window_s": window_s,
            "settle_s": _SETTLE_S,
            "begins_s": [film.begins_s for film in films],
            "zones": zones_file.name if zones_file else None,
            "limits": LIMITS,
            "load_average": {"before": load, "after": os.getloadavg()},
        },
        "seconds": time.time() - began_s,
        "level": level,
        "saturated_by": _saturated_by(lanes, level),
        "lanes": lanes,
        "replay_customers": len(stays),
        "decode_only": {"level": decode["level"], "tries": decode["tries"]} if decode else {"level": None},
        "naive": naive or {"level": None, "throughput": None},
        "ratio_to_decode_only": level / decode["level"] if decode and decode["level"] else None,
        "ratio_to_naive": _ratio_to_naive(level, naive),
        "mb_per_lane": _mb_per_lane(lanes),
        "stages_ms_per_lane_second": full[-1]["stages_ms_per_lane_second"],
        "cpu_cores": full[-1]["cpu_cores"],
    }


class _Row:
    """The row of cameras: addresses for so many streams, who plays them, and what is to be found in them."""

    def __init__(
        self,
        films: Sequence[Film],
        server: LiveCamera | None,
        truth: Measure,
        *,
        target_fps: float,
        folder: Path,
    ) -> None:
        self.films, self.server, self.folder = films, server, folder
        self.target_fps = target_fps
        self.clip_s: float = truth["clip_s"]
        self.source_fps: float = truth["fps"]
        self._stays: list[Stay] = [(begin, end) for begin, end in truth["customers"]]
        self._number = 0

    def addresses(self, count: int) -> list[str]:
        """One for each stream; the films take turns."""
        if self.server is None:
            return [str(self.films[n % len(self.films)].file) for n in range(count)]
        return [self.server.address(n % len(self.films)) for n in range(count)]

    def server_cpu_s(self) -> float:
        return cpu_s_of(self.server.pid) if self.server is not None else 0.0

    def expected(self, stream: int, from_s: float, to_s: float) -> list[Stay]:
        """Customers who leave between the two moments, in seconds since the stream was first seen."""
        begin_s = self.films[stream % len(self.films)].begins_s
        rounds = range(math.floor(from_s / self.clip_s) - 1, math.ceil((to_s + begin_s) / self.clip_s) + 1)
        all_stays = [
            (first + turn * self.clip_s - begin_s, last + turn * self.clip_s - begin_s)
            for turn in rounds
            for first, last in self._stays
        ]
        return [stay for stay in all_stays if stay[0] >= 1.0 and from_s <= stay[1] < to_s]

    def new_folder(self) -> Path:
        self._number += 1
        made = self.folder / f"part-{self._number}"
        made.mkdir()
        return made


class _Box:
    """The daemon over so many streams, one window after another."""

    def __init__(self, row: _Row, count: int, *, detector: str, threads: int, zones: dict[str, Any]) -> None:
        self.count = count
        self._row = row
        self._folder = row.new_folder()
        config = self._folder / "lane.yaml"
        names = [f"lane-{n + 1}" for n in range(count)]
        config.write_text(
            yaml.safe_dump(
                {
                    "cameras": [
                        {"name": f"cam-{name}", "source": address, "detect_hz": _DETECT_HZ}
                        | ({"loop": True} if row.server is None else {})
                        for name, address in zip(names, row.addresses(count), strict=True)
                    ],
                    "lanes": [{"name": name, "camera": f"cam-{name}", "zones_px": zones} for name in names],
                    "inference": {"provider": "cpu", "detector": detector, "threads": threads},
                    "state": {"dir": str(self._folder / "state"), "min_free_mb": 1},
                    "http": {"port": 0},
                    "sinks": [{"kind": "file", "name": "out", "purpose": "security", "path": "events.jsonl"}],
                    "log": {"format": "json"},
                }
            )
        )
        self._names = names
        self._child = Child("edge.bench.density_box", str(config), log=self._folder / "log")
        self._settled = False

    def __enter__(self) -> _Box:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close()

    def window(self, seconds: float) -> Measure:
        """Figures of one window; waits before the first until every camera is seen and things have settled."""
        if not self._settled:
            self._wait_for_all()
            time.sleep(_SETTLE_S)
            self._settled = True
        before = self._child.ask("window")
        server_s, (busy_s, _) = self._row.server_cpu_s(), busy_and_total_s()
        rss = [before["rss_mb"]]
        ends_s = time.monotonic() + seconds
        while (left_s := ends_s - time.monotonic()) > 0:
            time.sleep(min(5.0, left_s))
            rss.append(self._child.ask("figures")["rss_mb"])
        after = self._child.ask("figures")
        machine_s = busy_and_total_s()[0] - busy_s
        server_s = self._row.server_cpu_s() - server_s
        return self._judged(before, after, rss, server_s, machine_s)

    def _wait_for_all(self) -> None:
        ends_s = time.monotonic() + 30 + self.count
        while len(self._child.ask("figures")["first_judged_s"]) < self.count:
            if time.monotonic() > ends_s:
                return  # what does not come up takes nothing, and the window says so
            time.sleep(0.5)

    def _judged(
        self, before: Measure, after: Measure, rss: list[float], server_s: float, machine_s: float
    ) -> Measure:
        wall_s = after["at_s"] - before["at_s"]
        cameras = [
            {key: after["cameras"][name][key] - before["cameras"][name][key] for key in _COUNTED}
            for name in after["cameras"]
        ]
        own_s = after["cpu_s"] - before["cpu_s"]
        taken = [self._taken_fps(camera, wall_s) for camera in cameras]
        judged = [camera["judged"] / wall_s for camera in cameras]
        expected, found = self._customers(before, after)
        half = len(rss) // 2
        growth = statistics.median(rss[half:]) / statistics.median(rss[: half + 1]) - 1
        stages = {name: after["stages_ms"][name] - before["stages_ms"][name] for name in after["stages_ms"]}
        threads = {
            kind: after["threads_s"].get(kind, 0.0) - before["threads_s"].get(kind, 0.0)
            for kind in after["threads_s"]
        }
        stages["decode"] = threads.get("decode", 0.0) * 1e3
        told: Measure = {
            "streams": self.count,
            "detector": self._child.first["detector"],
            "seconds": wall_s,
            "taken_fps_min": min(taken),
            "decoded_fps_min": min(camera["frames"] / wall_s for camera in cameras),
            "detect_rate_min": min(judged),
            "latency_ms_p95": after["latency_ms"]["p95"],
            "latency_ms_p50": after["latency_ms"]["p50"],
            "estimates": after["estimates"],
            "customers_expected": expected,
            "customers_found": found,
            "rss_mb": statistics.median(rss),
            "rss_growth": growth,
            "overwritten": sum(camera["overwritten"] for camera in cameras),
            "too_old": sum(camera["too_old"] for camera in cameras),
            "reopened": sum(camera["opens"] for camera in cameras),
            "cpu_cores": {
                "daemon": own_s / wall_s,
                "camera_server": server_s / wall_s,
                "others": max(0.0, machine_s - own_s - server_s) / wall_s,
                **{f"daemon_{kind}": spent_s / wall_s for kind, spent_s in threads.items()},
            },
            "stages_ms_per_lane_second": {
                name: spent_ms / wall_s / self.count for name, spent_ms in stages.items()
            },
        }
        told["fails"] = failing(told, target_fps=self._row.target_fps)
        told["passed"] = not told["fails"]
        told["room"] = _room(told["cpu_cores"], told, self._row.target_fps)
        return told

    def _taken_fps(self, camera: dict[str, float], wall_s: float) -> float:
        """By the stream's own stamps, since pictures that nobody needs are taken off the wire and not decoded."""
        if camera["stream_s"] > 0:
            return self._row.source_fps * camera["stream_s"] / wall_s
        return camera["frames"] / wall_s

    def _customers(self, before: Measure, after: Measure) -> tuple[int, int]:
        """How many who left in this window `replay` knows, and how many of these were told."""
        file = self._folder / "state" / "events.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        told: dict[str, list[Stay]] = {name: [] for name in self._names}
        for event in map(json.loads, lines):
            data = event["data"]
            if event["type"] == "checkout.age.estimated.v1" and data["role"] == "customer":
                told[data["lane"]].append((_epoch_s(data["from"]), _epoch_s(data["to"])))
        expected = found = 0
        for stream, name in enumerate(self._names):
            zero_s = after["first_judged_s"].get(f"cam-{name}", before["wall_s"])
            wanted = self._row.expected(
                stream, before["wall_s"] - zero_s - _PATIENCE_S, after["wall_s"] - zero_s - _PATIENCE_S
            )
            expected += len(wanted)
            found += matched(wanted, [(begin - zero_s, end - zero_s) for begin, end in told[name]])
        return expected, found


_COUNTED = ("frames", "stream_s", "judged", "overwritten", "too_old", "opens")


class _Players:
    """Readers of so many streams that are no daemon: one process, or one a stream."""

    def __init__(self, row: _Row, count: int, kind: Literal["decode", "naive"]) -> None:
        self.count = count
        self._row = row
        self._stack = ExitStack()
        folder = row.new_folder()
        addresses = row.addresses(count)
        shares = [addresses] if kind == "decode" else [[address] for address in addresses]
        self._children = [
            self._stack.enter_context(
                Child("edge.bench.density_player", kind, *share, log=folder / f"log-{n}")
            )
            for n, share in enumerate(shares)
        ]
        self._settled = False

    def __enter__(self) -> _Players:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def window(self, seconds: float) -> Measure:
        """Frames a second of each stream."""
        if not self._settled:
            time.sleep(_SETTLE_S + 0.05 * self.count)
            self._settled = True
        before = [child.ask("figures") for child in self._children]
        server_s, (busy_s, _) = self._row.server_cpu_s(), busy_and_total_s()
        time.sleep(seconds)
        after = [child.ask("figures") for child in self._children]
        machine_s, server_s = busy_and_total_s()[0] - busy_s, self._row.server_cpu_s() - server_s
        wall_s = after[0]["at_s"] - before[0]["at_s"]
        rates = [
            (end - begin) / wall_s
            for one, other in zip(before, after, strict=True)
            for begin, end in zip(one["frames"], other["frames"], strict=True)
        ]
        own_s = sum(o["cpu_s"] - b["cpu_s"] for b, o in zip(before, after, strict=True))
        told: Measure = {
            "streams": self.count,
            "taken_fps_min": min(rates),
            "throughput": sum(min(rate, self._row.target_fps) for rate in rates) / self._row.target_fps,
            "cpu_cores": {
                "players": own_s / wall_s,
                "camera_server": server_s / wall_s,
                "others": max(0.0, machine_s - own_s - server_s) / wall_s,
            },
        }
        told["passed"] = told["taken_fps_min"] >= LIMITS["taken_share"] * self._row.target_fps
        told["room"] = _room(told["cpu_cores"], told, self._row.target_fps)
        return told


def failing(told: Measure, *, target_fps: float) -> list[str]:
    """The conditions that one window does not meet, in the order of the frame's way; pure."""
    p95 = told["latency_ms_p95"]
    checks = {
        "taken_fps": told["taken_fps_min"] >= LIMITS["taken_share"] * target_fps,
        "detect_rate": told["detect_rate_min"] >= LIMITS["detect_share"] * _DETECT_HZ,
        "latency": p95 is not None and p95 <= LIMITS["latency_ms_p95"],
        "memory": told["rss_growth"] <= LIMITS["memory_growth"],
        "customers": told["customers_found"] >= LIMITS["customers_share"] * told["customers_expected"]
        and (told["customers_found"] > 0 or told["customers_expected"] > 0),
    }
    return [name for name, held in checks.items() if not held]


def _room(cores: dict[str, float], told: Measure, target_fps: float) -> float:
    """How often the work would fit into what the others leave of the machine; below 1 where streams fall behind."""
    own = cores.get("daemon", 0.0) + cores.get("players", 0.0) + cores["camera_server"]
    left = max(0.1, len(os.sched_getaffinity(0)) - cores["others"]) / max(own, 1e-3)
    if told["passed"]:
        return float(left)
    return float(min(left, 1.0, told["taken_fps_min"] / target_fps))


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


def _compared(row: _Row, kind: Literal["decode", "naive"], start: int, most: int) -> Measure:
    _say("decoding alone" if kind == "decode" else "the naive way")
    tries: list[Measure] = []
    level = _climb(lambda count: _Players(row, count, kind), Ramp(start=start, most=most), _COMPARED_S, tries)
    return {"level": level, "tries": tries}


def _naive(row: _Row, most: int) -> Measure | None:
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


def _saturated_by(lanes: Sequence[Measure], level: int) -> str | None:
    """The first thing that gave way in the smallest number that failed; None where nothing did."""
    failed = [lane for lane in lanes if not lane["passed"] and lane["streams"] > level]
    if not failed:
        return None
    least = min(failed, key=lambda lane: lane["streams"])
    cores = least["cpu_cores"]
    own = cores["daemon"] + cores["camera_server"]
    if own + cores["others"] >= _CPU_FULL * len(os.sched_getaffinity(0)):
        parts = {name: spent for name, spent in cores.items() if name.startswith("daemon_")}
        most = max(parts, key=lambda name: parts[name]).removeprefix("daemon_")
        return f"cpu ({most})"
    if cores.get("daemon_vision", 0.0) >= 0.9:
        return "vision thread"
    return str(least["fails"][0])


def _mb_per_lane(lanes: Sequence[Measure]) -> float | None:
    """The slope of resident memory between the smallest and the largest number of streams that passed."""
    passed = sorted((lane["streams"], lane["rss_mb"]) for lane in lanes if lane["passed"])
    if not passed or passed[0][0] == passed[-1][0]:
        return None
    (few, little), (many, much) = passed[0], passed[-1]
    return float((much - little) / (many - few))


def _epoch_s(moment: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp()


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
