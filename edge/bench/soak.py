"""`bench soak`: the real daemon for as long as you like while its cameras and sinks fail at random.

Every part is a process or a socket of its own: an RTSP server behind a wire that is cut, falls silent, refuses or
garbles; a webhook's receiver that fails in every way that receivers do; a till that sells all the time. What is told
is whether memory, descriptors and threads stay flat, how late things get, and whether anything was lost.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from edge.bench.live_box import LiveCamera, looped
from edge.bench.machine import machine, versions
from edge.bench.soak_world import Receiver, Till, Wire

HELP = "the daemon for minutes or days while cameras and sinks fail at random: flat, bounded, nothing lost?"
_SETTLED_S = 120.0
_EVERY_S = 2.0
_FAULT_S = (2.0, 25.0)
_CALM_S = (5.0, 30.0)
_LONG_CALM_S, _LONG_CALM_EVERY = (80.0, 100.0), 10
"""After every tenth fault nothing is broken for so long: lag is judged after a minute of calm."""
_DRAIN_S = 120.0
_START_S = 600.0
_TOKEN = "bench-soak-till-token-0123456789"  # noqa: S105 - of a box that lives for one measurement
LIMITS = {"growth_share": 0.05, "descriptors_growth": 8, "threads_growth": 4, "lost": 0, "calm_lag_s": 75.0}
"""What counts as flat and bounded. A sink that was away is tried once a minute at the latest, hence `calm_lag_s`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `checkout-age bench soak`."""
    parser.add_argument(
        "--clip", type=Path, required=True, metavar="FILE", help="what the cameras show (H.264, MP4)"
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--detector", choices=["mtcnn", "yunet", "auto"], default="auto")
    parser.add_argument("--seed", type=int, default=1, help="of the faults")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Measure and print; 1 where a limit was broken, 2 where a part is missing."""
    try:
        figures = measure(
            args.clip, seconds=args.minutes * 60, lanes=args.lanes, detector=args.detector, seed=args.seed
        )
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"bench soak: {error}", file=sys.stderr)
        return 2
    print(json.dumps(figures) if args.json else _table(figures))
    return 1 if figures["broken"] else 0


def measure(clip: Path, *, seconds: float, lanes: int, detector: str, seed: int) -> dict[str, Any]:
    """All figures; what was too short to measure is None. Raises OSError where a part is missing."""
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as folder:
        film = looped(clip, seconds=seconds + 300, clip_s=_length_s(clip), into=Path(folder))
        with LiveCamera([film]) as camera:
            world = _World(Path(folder), camera.address(0), lanes=lanes, detector=detector, seed=seed)
            try:
                samples = world.live(seconds)
                return _figures(world, samples, seconds=seconds, clip=clip, lanes=lanes, seed=seed)
            finally:
                world.end()


class _World:
    """One daemon, its cameras' wires, its receiver, its till, and the chance that breaks them."""

    def __init__(self, folder: Path, camera_url: str, *, lanes: int, detector: str, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311
        self.faults: Counter[str] = Counter()
        host = camera_url.split("/")[2]
        self._wires = [Wire(int(host.rpartition(":")[2]), seed=seed + number) for number in range(lanes)]
        self.receiver = Receiver(random.Random(seed))  # noqa: S311
        self.lanes = [f"lane-{number + 1}" for number in range(lanes)]
        self._folder = folder
        (folder / "token").write_text(_TOKEN)
        path = camera_url.split(host)[1]
        urls = [f"rtsp://127.0.0.1:{wire.port}{path}" for wire in self._wires]
        config = folder / "lane.yaml"
        config.write_text(yaml.safe_dump(self._settings(urls, detector)))
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge", "run", "--config", str(config)], stdout=log, stderr=log
            )
        self._url = self._up()
        self.till = Till(f"{self._url}/api/till", _TOKEN, self.lanes, random.Random(seed))  # noqa: S311
        self._calm_since_s = time.monotonic()

    def _settings(self, urls: Sequence[str], detector: str) -> dict[str, Any]:
        cameras = [
            {"name": f"cam-{lane}", "source": url, "reconnect_min_s": 0.5, "reconnect_max_s": 5}
            for lane, url in zip(self.lanes, urls, strict=True)
        ]
        return {
            "cameras": cameras,
            "lanes": [
                {"name": lane, "camera": f"cam-{lane}", "reports_id_checks": "till"} for lane in self.lanes
            ],
            "inference": {"provider": "cpu", "detector": detector},
            "till": {"http": {"token_file": "token", "max_events_per_s": 500}},
            "policy": {"lateness_s": 0.5},
            "state": {"dir": str(self._folder / "state"), "min_free_mb": 1},
            "http": {"port": 0},
            "sinks": [
                {
                    "kind": "file",
                    "name": "lines",
                    "purpose": "security",
                    "path": "events.jsonl",
                    "rotate_mb": 0.5,
                },
                {"kind": "webhook", "name": "hook", "purpose": "security", "url": self.receiver.url},
            ],
            "log": {"format": "json", "level": "info"},
        }

    def live(self, seconds: float) -> list[dict[str, Any]]:
        """Break something, mend it, again and again; a sample every two seconds."""
        self.till.start()
        began_s = time.monotonic()
        samples: list[dict[str, Any]] = []
        next_s = began_s + 10
        mend: list[Callable[[], None]] = []
        while (now_s := time.monotonic()) - began_s < seconds:
            if now_s >= next_s:
                if mend:
                    mend.pop()()
                    self._calm_since_s = now_s
                    long_one = self.faults.total() % _LONG_CALM_EVERY == 0
                    next_s = now_s + self._chance.uniform(*(_LONG_CALM_S if long_one else _CALM_S))
                else:
                    mend.append(self._break())
                    next_s = now_s + self._chance.uniform(*_FAULT_S)
            samples.append(self._sample(now_s - began_s, calm_s=0.0 if mend else now_s - self._calm_since_s))
            time.sleep(_EVERY_S)
        if mend:
            mend.pop()()
        self.till.stop()
        self._drain()
        return samples

    def _break(self) -> Callable[[], None]:
        """Something fails; what mends it again."""
        if self._chance.random() < 0.5:
            wire, kind = self._chance.choice(self._wires), self._chance.choice(Wire.FAULTS)
            self.faults[f"camera {kind}"] += 1
            wire.fail(kind)
            return wire.mend
        kind = self._chance.choice(Receiver.FAULTS)
        self.faults[f"webhook {kind}"] += 1
        self.receiver.fail(kind)
        return self.receiver.mend

    def _drain(self) -> None:
        """Wait until the sinks have everything, or for two minutes."""
        ends_s = time.monotonic() + _DRAIN_S
        while time.monotonic() < ends_s:
            stats = self._stats()
            if stats and not any(sink["pending"] for sink in stats["sinks"]):
                return
            time.sleep(0.5)

    def _sample(self, at_s: float, *, calm_s: float) -> dict[str, Any]:
        stats = self._stats()
        return {
            "at_s": at_s,
            "calm_s": calm_s,
            "rss_mb": stats["rss_bytes"] / 1e6,
            "descriptors": stats["file_descriptors"],
            "descriptors_by_kind": stats["descriptors"],
            "threads": stats["threads"],
            "lag_s": max(sink["oldest_pending_s"] for sink in stats["sinks"]),
            "pending": max(sink["pending"] for sink in stats["sinks"]),
            "event_p95_s": stats["latency"]["event_p95_s"],
        }

    def _stats(self) -> dict[str, Any]:
        if self.process.poll() is not None:
            raise OSError(f"the daemon ended with {self.process.returncode}: {self._log()[-2000:]}")
        with urllib.request.urlopen(self._url + "/api/stats", timeout=60) as answer:  # noqa: S310 - our own daemon
            return dict(json.loads(answer.read()))

    def committed(self) -> set[tuple[str, str]]:
        """Source and id of every event in the store."""
        import sqlite3
        from contextlib import closing

        file = self._folder / "state" / "security.db"
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            bodies = [json.loads(body) for (body,) in connection.execute("SELECT body FROM events")]
        return {(one["source"], one["id"]) for one in bodies}

    def in_files(self) -> set[tuple[str, str]]:
        """The same of the file sink, its rotated files too."""
        lines = [
            line
            for file in (self._folder / "state").glob("events.jsonl*")
            for line in file.read_bytes().splitlines()
        ]
        return {(one["source"], one["id"]) for one in map(json.loads, lines)}

    def errors(self) -> int:
        """Log lines of level error with a trace: something nobody expected."""
        return sum('"error": "Traceback' in line for line in self._log().splitlines())

    def end(self) -> None:
        """Stop everything; safe to repeat."""
        self.till.stop()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.receiver.close()
        for wire in self._wires:
            wire.close()

    def _up(self) -> str:
        ends_s = time.monotonic() + _START_S
        while time.monotonic() < ends_s and self.process.poll() is None:
            for line in self._log().splitlines():
                if '"the box is up"' in line:
                    return str(json.loads(line)["url"])
            time.sleep(0.1)
        self.process.kill()
        raise OSError(f"the daemon did not come up: {self._log()[-2000:]}")

    def _log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")


def _figures(
    world: _World, samples: list[dict[str, Any]], *, seconds: float, clip: Path, lanes: int, seed: int
) -> dict[str, Any]:
    committed, in_files, hooked = world.committed(), world.in_files(), world.receiver.heard
    calm_lags = [sample["lag_s"] for sample in samples if sample["calm_s"] > 60]
    figures = {
        "machine": machine(),
        "versions": versions(),
        "settings": {"clip": clip.name, "lanes": lanes, "minutes": seconds / 60, "seed": seed},
        "seconds": samples[-1]["at_s"],
        "faults": dict(sorted(world.faults.items())),
        "rss_mb": _course(samples, "rss_mb"),
        "descriptors": _course(samples, "descriptors"),
        "descriptors_by_kind": _by_kind(samples),
        "threads": _course(samples, "threads"),
        "lag_s": {
            "max": max(one["lag_s"] for one in samples),
            "max_after_a_calm_minute": max(calm_lags, default=None),
        },
        "pending_max": max(one["pending"] for one in samples),
        "event_p95_ms_max": max(
            (one["event_p95_s"] * 1e3 for one in samples if one["event_p95_s"]), default=None
        ),
        "till": world.till.figures(),
        "events": {
            "committed": len(committed),
            "lost_in_file": len(committed - in_files),
            "lost_in_webhook": len(committed - set(hooked)),
            "repeats_in_webhook": sum(hooked.values()) - len(hooked),
        },
        "unexpected_errors_in_log": world.errors(),
        "limits": LIMITS,
    }
    return {**figures, "broken": _broken(figures)}


def _course(samples: list[dict[str, Any]], what: str) -> dict[str, float | None]:
    """Medians of the first fifth after two minutes and of the last fifth, and the highest; growth between them."""
    values = [sample[what] for sample in samples]
    fifths = _fifths(samples)
    if fifths is None:
        return {"early": None, "late": None, "max": max(values), "growth": None}
    early, late = (statistics.median(sample[what] for sample in fifth) for fifth in fifths)
    settled = [sample[what] for sample in samples if sample["at_s"] >= _SETTLED_S]
    return {"early": early, "late": late, "max": max(settled), "growth": late - early}


def _by_kind(samples: list[dict[str, Any]]) -> dict[str, dict[str, float]] | None:
    """The same for every kind of descriptor, what grew most first; None where it was too short."""
    fifths = _fifths(samples)
    if fifths is None:
        return None
    counts = [[sample["descriptors_by_kind"] for sample in fifth] for fifth in fifths]
    told = {}
    for kind in sorted({kind for fifth in counts for one in fifth for kind in one}):
        early, late = (statistics.median(one.get(kind, 0) for one in fifth) for fifth in counts)
        told[kind] = {"early": early, "late": late, "growth": late - early}
    return dict(sorted(told.items(), key=lambda item: -item[1]["growth"]))


def _fifths(samples: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
    """The first fifth after two minutes and the last one; None where that is too little to say anything."""
    settled = [sample for sample in samples if sample["at_s"] >= _SETTLED_S]
    if len(settled) < 50:
        return None
    return settled[: len(settled) // 5], settled[-(len(settled) // 5) :]


def _broken(figures: dict[str, Any]) -> list[str]:
    """The limits that were not kept, by name."""
    rss, events = figures["rss_mb"], figures["events"]
    tests = {
        "growth_share": rss["growth"] is not None and rss["growth"] / rss["early"] > LIMITS["growth_share"],
        "descriptors_growth": (figures["descriptors"]["growth"] or 0) > LIMITS["descriptors_growth"],
        "threads_growth": (figures["threads"]["growth"] or 0) > LIMITS["threads_growth"],
        "lost": events["lost_in_file"] + events["lost_in_webhook"] + figures["till"]["unanswered"]
        > LIMITS["lost"],
        "calm_lag_s": (figures["lag_s"]["max_after_a_calm_minute"] or 0) > LIMITS["calm_lag_s"],
    }
    return [name for name, broken in tests.items() if broken]


def _length_s(clip: Path) -> float:
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(clip)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _table(figures: dict[str, Any]) -> str:
    lines = [f"{figures['seconds'] / 60:.1f} minutes, {sum(figures['faults'].values())} faults"]
    lines += [f"  {name:28} {count}" for name, count in figures["faults"].items()]
    for name in ("rss_mb", "descriptors", "threads"):
        course = figures[name]
        told = {key: "not measured" if value is None else f"{value:.1f}" for key, value in course.items()}
        lines.append(f"{name:12} early {told['early']}  late {told['late']}  max {told['max']}")
    lines.append(f"lag          {figures['lag_s']}")
    lines.append(f"till         {figures['till']}")
    lines.append(f"events       {figures['events']}")
    lines.append(f"limits broken: {', '.join(_told(name, figures) for name in figures['broken']) or 'none'}")
    return "\n".join(lines)


def _told(limit: str, figures: dict[str, Any]) -> str:
    """A broken limit in words; for descriptors, what it is that grew."""
    if limit != "descriptors_growth":
        return limit
    grown = [
        f"{kind} +{count['growth']:g}"
        for kind, count in figures["descriptors_by_kind"].items()
        if count["growth"] > 0
    ]
    return f"{limit} ({', '.join(grown)})"
