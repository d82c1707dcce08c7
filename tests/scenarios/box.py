"""The real daemon in a process of its own, as a service manager would start it."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

__all__ = ["Box", "free_port", "until"]


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], Any], *, within_s: float = 60.0, what: str) -> Any:
    """The first true answer of `holds`; fails with `what` when there is none in time."""
    ends_s = time.monotonic() + within_s
    while time.monotonic() < ends_s:
        answer = holds()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {within_s:.0f} s: {what}")


class Box:
    """One `checkout-age run` with a configuration of its own; a context that ends it."""

    def __init__(self, folder: Path, config: dict[str, Any], *, models: Path, **environment: str) -> None:
        self.folder = folder
        self.port = config.setdefault("http", {}).setdefault("port", free_port())
        config.setdefault("state", {}).setdefault("dir", str(folder / "state"))
        config["state"].setdefault("min_free_mb", 1)
        self.config_file = folder / "lane.yaml"
        self.config_file.write_text(yaml.safe_dump(config))
        self.log = folder / "log.txt"
        self._environment = {**os.environ, "CHECKOUT_AGE_MODELS": str(models), **environment}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Box:
        """Start it; whether it comes up is for the test to see."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge", "run", "--config", str(self.config_file)],
                stdout=log,
                stderr=log,
                env=self._environment,
            )
        return self

    def __enter__(self) -> Box:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def ask(self, path: str) -> tuple[int, str]:
        """Status and body of a GET; 0 while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""

    def stats(self) -> dict[str, Any]:
        """`/api/stats`, empty while nobody answers."""
        code, body = self.ask("/api/stats")
        return dict(json.loads(body)) if code == 200 else {}

    def lines(self, name: str = "events.jsonl") -> list[dict[str, Any]]:
        """What a file sink has delivered so far."""
        file = self.folder / "state" / name
        if not file.exists():
            return []
        return [
            json.loads(line) for line in file.read_bytes().splitlines(keepends=True) if line[-1:] == b"\n"
        ]
