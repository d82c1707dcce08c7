"""Events into a JSON-lines file that other programs follow."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from itertools import dropwhile
from pathlib import Path

from edge.events.errors import SinkDown
from edge.events.jsonlines import JsonLinesFile
from edge.events.store import StoredEvent

__all__ = ["FileSink"]

_TAIL_BYTES = 1 << 20


class FileSink:
    """Appends events to a rotated file, each batch on disk before its cursor moves.

    After a crash some events come again; those that stand in the last MiB of the file already are
    passed over, so that the file itself has no repeats. A folder that is missing or full is an error of
    the moment: the next try opens the file anew.
    """

    def __init__(self, path: Path, *, rotate_bytes: int | None = 64 << 20, keep: int = 5) -> None:
        self._path = path
        self._rotate_bytes = rotate_bytes
        self._keep = keep
        self._lock = threading.Lock()
        self._file: JsonLinesFile | None = None
        self._there: frozenset[tuple[str, str]] = frozenset()

    def deliver(self, batch: Sequence[StoredEvent]) -> int:
        """Append the batch, all of it or none. Raises SinkDown with the operating system's reason."""
        with self._lock:
            try:
                if self._file is None:
                    self._file = JsonLinesFile(self._path, rotate_bytes=self._rotate_bytes, keep=self._keep)
                    self._there = _names_in_tail(self._path)
                self._file.append([event.body for event in self._without_repeats(batch)])
            except OSError as error:
                self._let_go()
                raise SinkDown(f"{self._path}: {error.strerror or error}") from error
        return len(batch)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _without_repeats(self, batch: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        """Repeats come first and all together: behind the first new event there are none."""
        if not self._there:
            return batch
        fresh = list(dropwhile(lambda event: _name(event.body) in self._there, batch))
        if fresh:
            self._there = frozenset()
        return fresh


def _name(body: str | bytes) -> tuple[str, str]:
    event = json.loads(body)
    return event["source"], event["id"]


def _names_in_tail(path: Path) -> frozenset[tuple[str, str]]:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL_BYTES))
        lines = file.read().split(b"\n")
    if size > _TAIL_BYTES:
        lines = lines[1:]  # its beginning is not in the tail
    names = set()
    for line in lines:
        try:
            names.add(_name(line))
        except (ValueError, KeyError, TypeError):
            continue  # somebody else's line
    return frozenset(names)
