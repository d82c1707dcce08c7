"""A row of cameras on this machine, and who looks at it: the daemon itself, or readers for comparison.

One window after another is measured; what it takes to start and to settle is in none of them.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import yaml

from edge.bench.child import Child, busy_and_total_s, cpu_s_of
from edge.bench.films import Film
from edge.bench.found import Stay, matched
from edge.bench.live_box import LiveCamera
from edge.bench.passing import DETECT_HZ, failing, held, room

__all__ = ["SETTLE_S", "Box", "Measure", "Players", "Row"]

Measure = dict[str, Any]

SETTLE_S = 6.0
_PATIENCE_S = 6.0
"""A customer is told so long after the last sight, at the latest."""
_COUNTED = ("frames", "stream_s", "judged", "overwritten", "too_old", "opens")


class Row:
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


class Box:
    """The daemon over so many streams, one window after another."""

    def __init__(
        self,
        row: Row,
        count: int,
        *,
        detector: str,
        threads: int,
        zones: dict[str, Any],
        decode_all: bool = False,
    ) -> None:
        self.count = count
        self._row = row
        self._folder = row.new_folder()
        config = self._folder / "lane.yaml"
        names = [f"lane-{n + 1}" for n in range(count)]
        config.write_text(
            yaml.safe_dump(
                {
                    "cameras": [
                        {
                            "name": f"cam-{name}",
                            "source": address,
                            "detect_hz": DETECT_HZ,
                            "decode_all": decode_all,
                        }
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

    def __enter__(self) -> Box:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.close()

    def window(self, seconds: float) -> Measure:
        """Figures of one window; waits before the first until every camera is seen and things have settled."""
        if not self._settled:
            self._wait_for_all()
            time.sleep(SETTLE_S)
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
        told["room"] = room(told, target_fps=self._row.target_fps)
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


class Players:
    """Readers of so many streams that are no daemon: one process, or one a stream."""

    def __init__(self, row: Row, count: int, kind: Literal["decode", "naive"]) -> None:
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

    def __enter__(self) -> Players:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def window(self, seconds: float) -> Measure:
        """Frames a second of each stream."""
        if not self._settled:
            self._wait_for_all()
            time.sleep(SETTLE_S)
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
        told["passed"] = held(told, target_fps=self._row.target_fps)
        told["room"] = room(told, target_fps=self._row.target_fps)
        return told

    def _wait_for_all(self) -> None:
        ends_s = time.monotonic() + 30 + self.count
        while not all(frames for child in self._children for frames in child.ask("figures")["frames"]):
            if time.monotonic() > ends_s:
                return  # what does not come up takes nothing, and the window says so
            time.sleep(0.5)


def _epoch_s(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
