"""A reload pauses the lanes for a moment, and nobody outside can make it longer: receivers that say nothing cannot."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.app import START_ERRORS, Daemon
from edge.app.service import Record, Service
from edge.config import load_config
from edge.ops.notify import Notifier

PATIENCE_S = 180.0
LONGER_S = 2.4
"""What receivers may add to a pause; 3 s in all are promised, and a calm one takes about half a second."""


class Reloaded:
    """A service in this process, and the time that each reload took."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "lane.yaml"
        self.daemons: list[Daemon] = []
        self._began = threading.Semaphore(0)
        self.write()
        self._service = Service(
            self.file, notifier=Notifier({}), start_errors=START_ERRORS, record_in=folder, began=self._hear
        )
        self._thread = threading.Thread(target=self._service.run, args=(load_config(self.file),))

    def write(self, **sections: Any) -> None:
        config = {
            "cameras": [{"name": "cam", "source": "demo"}],
            "lanes": [{"name": "lane-1", "camera": "cam"}],
            "http": {"port": 0},
            "state": {"dir": str(self.folder / "state"), "min_free_mb": 1},
            "inference": {"detector": "mtcnn", "threads": 1},
            **sections,
        }
        self.file.write_text(yaml.safe_dump(config))

    def _hear(self, daemon: Daemon) -> None:
        self.daemons.append(daemon)
        self._began.release()

    def __enter__(self) -> Reloaded:
        self._thread.start()
        self.until_ready(0)
        return self

    def __exit__(self, *_: object) -> None:
        self._service.ask_to_stop()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def reload(self) -> float:
        """Seconds without lanes."""
        told = Record.read(self.folder)
        assert told is not None
        self._service.ask_to_reload()
        return self.until_ready(told.reloads + 1)

    def until_ready(self, reloads: int) -> float:
        assert self._began.acquire(timeout=PATIENCE_S)
        tick = threading.Event()
        for _ in range(round(PATIENCE_S / 0.05)):
            told = Record.read(self.folder) if (self.folder / "service.json").exists() else None
            if told is not None and told.reloads >= reloads:
                assert told.problems == ()
                return told.took_s or 0.0
            tick.wait(0.05)
        raise AssertionError("not ready")

    def until_they_are_tried(self) -> None:
        """Every sink has an event that it cannot get rid of."""
        tick = threading.Event()
        couriers = self.daemons[-1].outbox.couriers
        for _ in range(round(PATIENCE_S / 0.1)):
            if all(courier.stats().pending for _, courier in couriers.values()):
                return
            tick.wait(0.1)
        raise AssertionError("no event waits")


@pytest.fixture
def mute(request: pytest.FixtureRequest) -> Iterator[int]:
    """Port of a receiver that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield server.getsockname()[1]


@pytest.fixture
def gone() -> Iterator[int]:
    """Port where connecting itself gets no answer, as behind a cable that was pulled: the queue is full."""
    with ExitStack() as held:
        server = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def test_receivers_that_say_nothing_do_not_hold_up_the_lanes(tmp_path: Path, mute: int, gone: int) -> None:
    """With one broker that did not answer a reload took 8 s; each further receiver added its own."""
    broker = {"kind": "mqtt", "purpose": "security", "host": "127.0.0.1"}
    hook = {"kind": "webhook", "purpose": "operations", "url": f"http://127.0.0.1:{mute}/hook"}
    troubled = {
        "sinks": [
            {**hook, "name": "hook-1"},
            {**hook, "name": "hook-2"},
            {**broker, "name": "mute", "port": mute, "purpose": "operations"},
            {**broker, "name": "shakes-no-hands", "port": mute, "tls": True},
            {**broker, "name": "gone", "port": gone},
        ],
        "hub": {"role": "member", "host": "127.0.0.1", "port": gone},
        "till": {"mqtt": {"host": "127.0.0.1", "port": gone, "topic": "till"}},
    }
    with Reloaded(tmp_path) as box:
        calm_s = box.reload()
        box.write(**troubled)
        box.reload()
        box.until_they_are_tried()
        troubled_s = box.reload()
    assert troubled_s - calm_s <= LONGER_S
    ghosts = [one.name for one in threading.enumerate() if one.name.startswith(("mqtt ", "paho"))]
    assert ghosts == [], "a connection that comes late would speak for the next daemon"
