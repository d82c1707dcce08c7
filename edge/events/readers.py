"""Read-only connections to one SQLite file, lent for one look each."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edge.events.opening import open_for_reading

__all__ = ["Readers"]

T = TypeVar("T")

_KEPT = 4
"""Connections that stay open for the next looks: one for each of the usual loops that a commit wakes together."""
_CACHE_KIB = 256
"""Pages that each keeps for itself: looks are at the newest rows, and the system keeps the rest of the file in memory.
SQLite's own 2 MiB a connection would fill for as long as the file grows."""


class Readers:
    """As many connections are open as looks go on at once; four at most stay open in between. Any thread.

    They belong to no thread. Web workers end after seconds without work: with a connection for each thread, every one
    left two descriptors and a page cache behind until the process ended.
    """

    def __init__(self, path: Path, *, limit_s: float) -> None:
        self._path = path
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False

    def read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        """Let `look` read one consistent state; fetch all rows inside.

        Cut off with sqlite3.OperationalError ("interrupted") after `limit_s`, because a reader that stays keeps the
        WAL from shrinking.
        """
        connection = self._take()
        try:
            until_s = time.monotonic() + self._limit_s
            connection.set_progress_handler(lambda: time.monotonic() > until_s, 10_000)
            connection.execute("BEGIN")
            try:
                return look(connection)
            finally:
                connection.set_progress_handler(None, 0)
                connection.execute("ROLLBACK")
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """Keep none open; a look that goes on closes its own at its end. Safe to repeat."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._idle:
                return self._idle.pop()  # the one used last has the warmest cache
        connection = open_for_reading(self._path)
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        return connection

    def _give_back(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _KEPT and not connection.in_transaction:
                self._idle.append(connection)
                return
        connection.close()
