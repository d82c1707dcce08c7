"""The parts of `bench live`, each a process of its own: the camera that plays a clip, and the daemon."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from edge.bench import rtsp_server
from edge.bench.child import cpu_s_of

__all__ = ["LiveBox", "LiveCamera", "Sample", "looped"]

_START_S = 60.0

Sample = dict[str, Any]
"""`at_s` since the daemon was started, `rss_mb`, `cpu_s`, and `stats` as `/api/stats` says."""


def looped(clip: Path, *, seconds: float, clip_s: float, into: Path) -> Path:
    """A file that shows the clip over and over for at least so long, its packets untouched. Needs `ffmpeg`."""
    repeats = max(0, int(-(-seconds // clip_s)) - 1)
    if repeats == 0:
        return clip.resolve()
    made = into / "looped.mp4"
    command = [
        "ffmpeg",
        "-v",
        "error",
        "-y",
        "-stream_loop",
        str(repeats),
        "-i",
        str(clip),
        "-c",
        "copy",
        str(made),
    ]
    subprocess.run(command, check=True)
    return made


class LiveCamera:
    """The RTSP server; a context that ends it. Raises OSError where GStreamer's packages are missing."""

    def __init__(self, clips: Sequence[Path]) -> None:
        self._process = subprocess.Popen(
            [rtsp_server.RTSP_PYTHON, "-W", "ignore", rtsp_server.__file__, *map(str, clips)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.clients_s: list[float] = []
        words = self._words()
        if words[:1] != ["port"]:
            raise OSError(f"the RTSP server does not start: apt-get install {rtsp_server.RTSP_PACKAGES}")
        self.url = f"rtsp://127.0.0.1:{words[1]}/lane"
        self.pid = self._process.pid
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> LiveCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def address(self, number: int) -> str:
        """Where the clip of that number is shown, counted from 0."""
        return f"{self.url}-{number}" if number else self.url

    def _words(self) -> list[str]:
        return self._process.stdout.readline().split() if self._process.stdout else []

    def _listen(self) -> None:
        while words := self._words():
            if words[0] == "client":
                self.clients_s.append(float(words[1]))


class LiveBox:
    """`checkout-age run` over `lanes` lanes of one address; a context that ends it in order."""

    def __init__(
        self,
        folder: Path,
        url: str,
        *,
        lanes: int,
        zones: dict[str, Any],
        detector: str,
        threads: int,
    ) -> None:
        folder.mkdir()
        self._folder = folder
        self.lanes = [f"lane-{number + 1}" for number in range(lanes)]
        config = folder / "lane.yaml"
        config.write_text(
            yaml.safe_dump(
                {
                    "cameras": [{"name": f"cam-{lane}", "source": url} for lane in self.lanes],
                    "lanes": [
                        {"name": lane, "camera": f"cam-{lane}", "zones_px": zones} for lane in self.lanes
                    ],
                    "inference": {"provider": "cpu", "detector": detector, "threads": threads},
                    "state": {"dir": str(folder / "state"), "min_free_mb": 1},
                    "http": {"port": 0},
                    "sinks": [{"kind": "file", "name": "out", "purpose": "security", "path": "events.jsonl"}],
                    "log": {"format": "json"},
                }
            )
        )
        self.started_s = time.time()
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "edge", "run", "--config", str(config)], stderr=log, stdout=log
            )
        try:
            self._url = self._wait_for_url()
        except BaseException:
            self._process.kill()
            raise

    def __enter__(self) -> LiveBox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Stop it as a service manager would; what it saw is in its files then. Safe to repeat."""
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def sample(self) -> Sample:
        """Figures of this moment."""
        with urllib.request.urlopen(self._url + "/api/stats", timeout=10) as answer:  # noqa: S310 - our own daemon
            stats = json.loads(answer.read())
        return {
            "at_s": time.time() - self.started_s,
            "rss_mb": stats["rss_bytes"] / 1e6,
            "cpu_s": self.cpu_s(),
            "stats": stats,
        }

    def cpu_s(self) -> float:
        """Seconds of processor time so far."""
        return cpu_s_of(self._process.pid)

    def up_s(self) -> float:
        """Seconds from the start of the process until it said that it is up."""
        [at] = [line["at"] for line in self._log() if line.get("message") == "the box is up"]
        return datetime.fromisoformat(at).timestamp() - self.started_s

    def first_judged_s(self) -> dict[str, float]:
        """When the first frame of each camera was judged, seconds since 1970."""
        return {
            line["camera"]: datetime.fromisoformat(line["at"]).timestamp()
            for line in self._log()
            if line.get("message") == "first frame judged"
        }

    def customers(self, lane: str) -> list[tuple[float, float]]:
        """First and last sight of each customer that the lane told, seconds since its first frame was judged."""
        zero_s = self.first_judged_s()[f"cam-{lane}"]
        file = self._folder / "state" / "events.jsonl"
        events = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [
            (_since(event["data"]["from"], zero_s), _since(event["data"]["to"], zero_s))
            for event in events
            if event["type"] == "checkout.age.estimated.v1"
            and event["data"]["lane"] == lane
            and event["data"]["role"] == "customer"
        ]

    def _wait_for_url(self) -> str:
        while time.time() - self.started_s < _START_S and self._process.poll() is None:
            for line in self._log():
                if line.get("message") == "the box is up":
                    return str(line["url"])
            time.sleep(0.02)
        raise OSError(f"the daemon did not come up: {(self._folder / 'log').read_text()[-2000:]}")

    def _log(self) -> list[dict[str, Any]]:
        found = []
        for line in (self._folder / "log").read_text().splitlines():
            try:
                found.append(dict(json.loads(line)))
            except ValueError:
                continue  # half a line, or words of the interpreter itself
        return found


def _since(moment: str, zero_s: float) -> float:
    return datetime.fromisoformat(moment).timestamp() - zero_s
