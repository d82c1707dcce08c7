"""The real daemon with a trap: at the Nth time that it comes to a chosen place it is killed there, as by SIGKILL.

`python -m tests.soak.doomed CONFIG PLACE N`. Places: `begin` and `committed` of a commit, `commit` (somewhere within,
by a timer of at most 4 ms), `torn` (half of a file sink's bytes are written), `delivered` (a sink has the events, its
cursor does not know), `sent` (a webhook's request is out, its answer not read), `cursor` (cursors are being kept),
`answered` (the till's events are on disk, the till was not told).
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from typing import Any

PLACES = ("begin", "commit", "committed", "torn", "delivered", "sent", "cursor", "answered")


class Trap:
    """Falls at the Nth call of `reached` for its place."""

    def __init__(self, place: str, number: int) -> None:
        self._place = place
        self._left = number
        self._lock = threading.Lock()

    def due(self, place: str) -> bool:
        """Is it this time?"""
        if place != self._place:
            return False
        with self._lock:
            self._left -= 1
            return self._left == 0

    def reached(self, place: str) -> None:
        """Die here, if it is time."""
        if self.due(place):
            die()


def die() -> None:
    """No handler, no flush, no goodbye."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def die_soon() -> None:
    """Within the next moments, whatever the other threads are in."""
    wait_s = random.uniform(0, 0.004)
    threading.Thread(target=lambda: (time.sleep(wait_s), die()), daemon=True).start()


class _Connection:
    """SQLite's connection, and what is done with it."""

    def __init__(self, real: Any, trap: Trap) -> None:
        self._real = real
        self._trap = trap

    def execute(self, text: str, *given: Any) -> Any:
        if text == "BEGIN IMMEDIATE":
            self._trap.reached("begin")
        if text == "COMMIT" and self._trap.due("commit"):
            die_soon()
        done = self._real.execute(text, *given)
        if text == "COMMIT":
            self._trap.reached("committed")
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


def set_up(trap: Trap) -> None:
    """Put the trap into the parts; nothing else of them changes."""
    from edge.app.desk import Desk
    from edge.events import database, jsonlines, store, webhook_sink

    opened = database.open_for_writing

    def open_for_writing(*given: Any) -> Any:
        connection, found = opened(*given)
        return _Connection(connection, trap), found

    database.open_for_writing = open_for_writing  # type: ignore[assignment]
    write = os.write

    def half(fd: int, block: bytes) -> int:
        if trap.due("torn"):
            write(fd, block[: len(block) // 2])
            die()
        return write(fd, block)

    jsonlines.os = _Like(os, write=half)  # type: ignore[attr-defined]
    _before(store.Store, "move_cursor", trap, "delivered")
    _before(store.Store, "_keep_cursors", trap, "cursor")
    real_connect = webhook_sink.WebhookSink._connect

    def connect(sink: Any) -> Any:
        line = real_connect(sink)
        _before(line, "getresponse", trap, "sent")
        return line

    webhook_sink.WebhookSink._connect = connect  # type: ignore[method-assign]
    take = Desk.take

    def taken(desk: Desk, *given: Any, **named: Any) -> Any:
        future = take(desk, *given, **named)
        if trap.due("answered"):
            future.add_done_callback(lambda _done: die())
        return future

    Desk.take = taken  # type: ignore[method-assign]


class _Like:
    """A module with one function of another's."""

    def __init__(self, module: Any, **changed: Any) -> None:
        self._module = module
        self.__dict__.update(changed)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _before(owner: Any, name: str, trap: Trap, place: str) -> None:
    real = getattr(owner, name)

    def run(*given: Any, **named: Any) -> Any:
        trap.reached(place)
        return real(*given, **named)

    setattr(owner, name, run)


if __name__ == "__main__":
    config, place, number = sys.argv[1:4]
    set_up(Trap(place, int(number)))
    from edge.cli import main

    sys.exit(main(["run", "--config", config]))
