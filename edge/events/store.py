"""The store: what happened is committed here first, and every sink reads on from its own cursor."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from edge.events.cloudevent import CloudEvent
from edge.events.database import Database, DatabaseStats
from edge.events.errors import StoreError
from edge.events.opening import Opened
from edge.events.schema import SECURITY_MIGRATIONS

__all__ = ["Appended", "Attachment", "Store", "StoredEvent", "Transaction", "kept_here"]

T = TypeVar("T")

_CURSOR_DELAY_S = 5.0
"""A cursor that moved waits this long for a commit to ride on: saves flash, and costs a crash repeats only."""
_PURGE_ROWS = 100
"""Rows deleted in one commit: some 130 pages, so that retention works within the reserve of a full disk."""
_DAY_MS = 86_400_000
NO_CLOCK_BEFORE_MS = 1_735_689_600_000  # 2025-01-01: a box that says less has not found its clock yet


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """One committed event: its place in the order of commits, its type and its line of JSON."""

    position: int
    type: str
    recorded_ms: int
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """What became of a batch: `sequences` of the new ones in order, repeats that were known already."""

    sequences: tuple[int, ...]
    duplicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Where a sink goes on and how many events wait for it; `appended_before`: of `appended_since_open`."""

    position: int
    pending: int
    appended_before: int


def kept_here(type_: str) -> str:
    """The name under which the store keeps an event of this type that is for this box's pages alone."""
    return f"here {type_}"


class Transaction:
    """What a piece of work may do inside one commit: append events and use the tables of its own room."""

    def __init__(self, connection: sqlite3.Connection, *, recorded_ms: int) -> None:
        self.connection = connection
        self.appended: Counter[str] = Counter()
        self._recorded_ms = recorded_ms

    def append(self, events: Sequence[CloudEvent], *, only_here: bool = False) -> Appended:
        """Add events in order, numbering each within its source; one whose id is known is passed over.

        An event that brings its own sequence (from another box) keeps it. `only_here`: for this box's pages alone
        (another box's events, tests); it is kept under `kept_here(type)`, which no sink ever reads.
        """
        position = self.last_position()
        sequences: list[int] = []
        for event in events:
            key = hashlib.blake2b(f"{event.source} {event.id}".encode(), digest_size=16).digest()
            if self.connection.execute("SELECT 1 FROM events WHERE key = ?", (key,)).fetchone():
                continue
            numbered = (
                event if event.sequence is not None else event.numbered(self._next_sequence(event.source))
            )
            position += 1
            type_ = kept_here(event.type) if only_here else event.type
            self.connection.execute(
                "INSERT INTO events (position, key, type, recorded_ms, body) VALUES (?, ?, ?, ?, ?)",
                (position, key, type_, self._recorded_ms, numbered.to_json()),
            )
            sequences.append(numbered.sequence or 0)
            self.appended[type_] += 1
        return Appended(sequences=tuple(sequences), duplicates=len(events) - len(sequences))

    def mark(self, name: str) -> int:
        """A number kept under a name; 0 where there is none."""
        row = self.connection.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def set_mark(self, name: str, value: int) -> None:
        """Keep a number under a name."""
        self.connection.execute(
            "INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )

    def last_position(self) -> int:
        """The place of the newest event that was ever committed; 0 in an empty store."""
        newest = self.connection.execute("SELECT max(position) FROM events").fetchone()[0]
        return max(int(newest or 0), self.mark("purged"))

    def _next_sequence(self, source: str) -> int:
        name = f"sequence {source}"
        sequence = max(self.mark(name), self.mark("sequence floor")) + 1
        self.set_mark(name, sequence)
        return sequence


class Store:
    """Keeps events until every sink has them and retention ends. One instance a process; any thread may ask.

    Commit first, deliver after: a future of `append` or `submit` is done when the event is on disk, and
    only then do sinks see it. Order is the order of commits; no clock decides it, so a clock that jumps
    changes nothing but the age that retention sees. Sinks that are away keep their events from retention.
    """

    def __init__(
        self,
        path: Path,
        *,
        group_s: float = 0.05,
        max_queued: int = 20_000,
        reserve_bytes: int | None = None,
        checkpoint_s: float = 60.0,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Open `security.db` at `path`, made where it is missing; bounds as `Database` says.

        Raises StoreInUse, StoreTooNew, StoreBroken, OSError. A damaged file is set aside: see `opened`.
        """
        self._clock_ms = clock_ms
        self._opened_s = time.monotonic()
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._totals: Counter[str] = Counter()
        self._fresh: Counter[str] = Counter()
        self._cursors: dict[str, int] = {}
        self._cursor_work_waits = False
        self._database = Database(
            path,
            migrations=SECURITY_MIGRATIONS,
            group_s=group_s,
            max_queued=max_queued,
            reserve_bytes=reserve_bytes,
            checkpoint_s=checkpoint_s,
            on_commit=self._after_commit,
            on_rollback=self._fresh.clear,
        )
        try:
            self._opened_position = self._database.submit(self._begin, within_s=0, intake=False).result()
        except BaseException:
            self._database.close()
            raise

    @property
    def opened(self) -> Opened:
        """What was found on opening: migrations that ran, a damaged file that was set aside."""
        return self._database.opened

    def append(self, events: Sequence[CloudEvent], *, now: bool = False) -> Future[Appended]:
        """Commit events in order, all or none; `now` does not wait for company. See `Database.submit`."""
        given = tuple(events)
        return self.submit(lambda transaction: transaction.append(given), now=now, weight=max(1, len(given)))

    def submit(self, act: Callable[[Transaction], T], *, now: bool = False, weight: int = 1) -> Future[T]:
        """Commit what `act` does to the tables of its room together with the events that follow from it.

        `act` runs in the writer thread and is short; one that raises leaves nothing behind. Raises
        StoreFull, StoreBroken, StoreClosed, at once or through the future.
        """

        def run(connection: sqlite3.Connection) -> T:
            transaction = Transaction(connection, recorded_ms=self._clock_ms())
            result = act(transaction)
            self._fresh.update(transaction.appended)
            return result

        return self._database.submit(run, within_s=0 if now else None, weight=weight)

    def read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        """Let `look` read one consistent state, briefly. See `Database.read`."""
        return self._database.read(look)

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Have `wake` called by the writer after each commit that brought events: set a flag, no more."""
        self._listeners.append(wake)

    def attach(self, sink: str, types: Collection[str], *, from_start: bool = True) -> Attachment:
        """Begin or resume the cursor of a sink. A sink never seen before starts at the oldest event kept,
        or, with `from_start` false, at the next one."""
        name = f"cursor {sink}"

        def resume(connection: sqlite3.Connection) -> Attachment:
            transaction = Transaction(connection, recorded_ms=0)
            row = connection.execute("SELECT value FROM marks WHERE name = ?", (name,)).fetchone()
            newest = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()[0]
            position = row[0] if row else 0 if from_start else newest
            if row is None:
                transaction.set_mark(name, position)
            pending = connection.execute(
                "SELECT count(*) FROM events WHERE position > ? AND type IN (SELECT value FROM json_each(?))",
                (position, json.dumps(list(types))),
            ).fetchone()[0]
            with self._lock:
                self._cursors[name] = position
                counted = sum(self._totals[type_] + self._fresh[type_] for type_ in types)
            return Attachment(position=position, pending=pending, appended_before=counted)

        return self._database.submit(resume, within_s=0, intake=False).result()

    def appended_since_open(self, types: Collection[str]) -> int:
        """How many events of these types were committed by this process."""
        with self._lock:
            return sum(self._totals[type_] for type_ in types)

    def read_after(self, position: int, types: Collection[str], *, limit: int) -> tuple[StoredEvent, ...]:
        """The next events of these types behind `position`, in order, at most `limit`."""

        query = (
            "SELECT position, type, recorded_ms, body FROM events WHERE position > ?"
            " AND type IN (SELECT value FROM json_each(?)) ORDER BY position LIMIT ?"
        )
        given = (position, json.dumps(list(types)), limit)
        rows = self.read(lambda connection: connection.execute(query, given).fetchall())
        return tuple(
            StoredEvent(position=at, type=type_, recorded_ms=recorded_ms, body=body)
            for at, type_, recorded_ms, body in rows
        )

    def move_cursor(self, sink: str, position: int) -> None:
        """Remember that a sink has everything up to `position`; on disk within 5 s, or with the next commit."""
        with self._lock:
            self._cursors[f"cursor {sink}"] = position
            waits, self._cursor_work_waits = self._cursor_work_waits, True
        if not waits:
            self._database.submit(self._keep_cursors, within_s=_CURSOR_DELAY_S, intake=False)

    def purge(self, *, retention_s: float) -> int:
        """Delete events older than retention that every attached sink has; returns how many. From any thread.

        A clock that has not been set yet deletes nothing; events of this run are safe until the run
        itself is older than retention; one stamped by a clock that ran ahead is stamped anew.
        """
        now_ms = self._clock_ms()
        if now_ms < NO_CLOCK_BEFORE_MS:
            return 0
        with self._lock:
            floor = min(self._cursors.values(), default=1 << 62)
        if time.monotonic() - self._opened_s < retention_s:
            floor = min(floor, self._opened_position)
        before_ms = now_ms - int(retention_s * 1000)
        deleted = 0
        while True:
            rows = self.read(
                lambda c: c.execute(
                    "SELECT position FROM events WHERE recorded_ms < ? AND position <= ? LIMIT ?",
                    (before_ms, floor, _PURGE_ROWS),
                ).fetchall()
            )
            if rows:
                positions = [row[0] for row in rows]
                self._database.submit(lambda c, p=positions: _delete(c, p), intake=False).result()  # type: ignore[misc]
                deleted += len(rows)
            if len(rows) < _PURGE_ROWS:
                break
        self._database.submit(lambda c: _stamp_anew(c, now_ms), intake=False).result()
        return deleted

    def stats(self) -> DatabaseStats:
        """Size, room, queue and health, for metrics."""
        return self._database.stats()

    def close(self) -> None:
        """Commit what waits, cursors too, and close; safe to repeat."""
        with suppress(StoreError):
            self._database.submit(self._keep_cursors, intake=False)
        self._database.close()

    def _begin(self, connection: sqlite3.Connection) -> int:
        transaction = Transaction(connection, recorded_ms=0)
        if self.opened.set_aside is not None:
            # The numbers of the damaged file are lost: seconds since 1970 are above all it can have given.
            transaction.set_mark("sequence floor", self._clock_ms() // 1000)
        return transaction.last_position()

    def _keep_cursors(self, connection: sqlite3.Connection) -> None:
        with self._lock:
            self._cursor_work_waits = False
            cursors = dict(self._cursors)
        transaction = Transaction(connection, recorded_ms=0)
        for name, position in cursors.items():
            if transaction.mark(name) != position:
                transaction.set_mark(name, position)

    def _after_commit(self) -> None:
        if not self._fresh:
            return
        with self._lock:
            self._totals.update(self._fresh)
        self._fresh.clear()
        for wake in self._listeners:
            wake()


def _delete(connection: sqlite3.Connection, positions: Sequence[int]) -> None:
    transaction = Transaction(connection, recorded_ms=0)
    transaction.set_mark("purged", max(transaction.mark("purged"), *positions))
    connection.executemany("DELETE FROM events WHERE position = ?", [(position,) for position in positions])


def _stamp_anew(connection: sqlite3.Connection, now_ms: int) -> None:
    connection.execute("UPDATE events SET recorded_ms = ? WHERE recorded_ms > ?", (now_ms, now_ms + _DAY_MS))
