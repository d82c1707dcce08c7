"""One SQLite file with one writer thread: grouped commits, a bounded WAL, an answer after every commit."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from edge.events.errors import FullReason, StoreBroken, StoreClosed, StoreError, StoreFull
from edge.events.migrations import Migration
from edge.events.opening import WAL_PAGES, Opened, Ownership, open_for_writing, primary_code
from edge.events.readers import Readers
from edge.events.space import DiskGuard, default_reserve_bytes

__all__ = ["Database", "DatabaseStats"]

T = TypeVar("T")

_GROUP_MAX = 512
"""Works in one commit at most; the rest waits for the next, so that an early sender gets his answer."""
_GIVE_BACK_PAGES, _GIVE_BACK_ROUNDS = 64, 64
"""A step passes through the WAL and must fit into the reserve of a full disk; 16 MiB at most a time."""
_FULL, _IOERR, _CORRUPT, _NOTADB = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseStats:
    """What an operator wants to know; `full` is the reason while intake is refused."""

    queued: int
    commits: int
    works: int
    refused: int
    db_bytes: int
    wal_bytes: int
    wal_pinned: bool
    free_bytes: int
    full: FullReason | None
    broken: str | None
    beat_s: float
    """`time.monotonic()` at the last turn of the writer; it turns at least every 5 s while it works."""


@dataclass(slots=True, kw_only=True)
class _Work(Generic[T]):
    act: Callable[[sqlite3.Connection], T]
    due_s: float
    weight: int
    answer: Future[T]


class Database:
    """Runs pieces of work on one SQLite file, each all or nothing, and answers when it is on disk.

    Work from all threads is gathered for up to `group_s` and committed together (one fsync, fewer pages
    on flash); a piece that cannot wait says so. Works run in the order in which they were submitted.
    One that raises is rolled back alone. Reading goes through `read`, from any thread.

    Bounds: at most `max_queued` waits (weights of works, one for each event), what comes then is
    refused with StoreFull and counted in `refused`. The WAL is folded back every 256 pages and cut to
    nothing every `checkpoint_s`; a reader from outside that stays open can hold that up, then
    `wal_pinned` says so, and the disk reserve is the last bound. Our own readers are cut off after
    `read_limit_s`.
    """

    def __init__(
        self,
        path: Path,
        *,
        migrations: Sequence[Migration],
        group_s: float = 0.05,
        max_queued: int = 20_000,
        reserve_bytes: int | None = None,
        checkpoint_s: float = 60.0,
        read_limit_s: float = 2.0,
        on_commit: Callable[[], None] = lambda: None,
        on_rollback: Callable[[], None] = lambda: None,
    ) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._ownership = Ownership(path)
        try:
            self._connection, self._opened = open_for_writing(path, migrations)
        except BaseException:
            self._ownership.release()
            raise
        self._path = path
        self._wal = path.with_name(path.name + "-wal")
        self._group_s = group_s
        self._max_queued = max_queued
        self._checkpoint_s = checkpoint_s
        self._on_commit = on_commit
        self._on_rollback = on_rollback
        reserve = default_reserve_bytes(path.parent) if reserve_bytes is None else reserve_bytes
        self._guard = DiskGuard(path.parent, reserve_bytes=reserve)
        self._count_free_pages()
        self._turn = threading.Condition()
        self._queue: list[_Work[Any]] = []
        self._queued_weight = 0
        self._closing = False
        self._broken: str | None = None
        self._commits = self._works = self._refused = 0
        self._wal_pinned = self._disk_said_full = False
        self._beat_s = time.monotonic()
        self._readers = Readers(path, limit_s=read_limit_s)
        self._writer = threading.Thread(target=self._run, name=f"writer {path.name}", daemon=True)
        self._writer.start()

    @property
    def path(self) -> Path:
        """The database file."""
        return self._path

    @property
    def opened(self) -> Opened:
        """What was found on opening: migrations that ran, a damaged file that was set aside."""
        return self._opened

    def submit(
        self,
        act: Callable[[sqlite3.Connection], T],
        *,
        within_s: float | None = None,
        weight: int = 1,
        intake: bool = True,
    ) -> Future[T]:
        """Run `act` in the writer's next commit; the future has its result once that is on disk.

        `within_s`: how long it may wait for company (`group_s` where left out, 0 for at once). Work
        that is not `intake` (cursors, retention) passes the bounds of queue and disk. Raises StoreFull,
        StoreBroken, StoreClosed at once; the future raises these too, or what `act` raised.
        """
        with self._turn:
            if self._broken is not None:
                raise StoreBroken(self._broken)
            if self._closing:
                raise StoreClosed(f"{self._path.name} is closed")
            if intake:
                try:
                    self._guard.check(self._reusable_bytes)
                    if self._queued_weight + weight > self._max_queued and self._queue:
                        raise StoreFull(
                            FullReason.QUEUE,
                            f"{self._queued_weight} events wait for the disk already: try again",
                        )
                except StoreFull:
                    self._refused += 1
                    raise
            wait_s = self._group_s if within_s is None else within_s
            work = _Work(act=act, due_s=time.monotonic() + wait_s, weight=weight, answer=Future())
            work.answer.set_running_or_notify_cancel()
            self._queue.append(work)
            self._queued_weight += weight
            self._turn.notify()
        return work.answer

    def read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        """Let `look` read one consistent state, from any thread but the writer's; fetch all rows inside.

        Cut off with sqlite3.OperationalError ("interrupted") after `read_limit_s`, because a reader that
        stays keeps the WAL from shrinking.
        """
        if self._closing:
            raise StoreClosed(f"{self._path.name} is closed")
        return self._readers.read(look)

    def stats(self) -> DatabaseStats:
        """A snapshot, from any thread; asks the disk for its room."""
        with self._turn:
            full = FullReason.QUEUE if self._queued_weight >= self._max_queued else None
            with suppress(StoreFull):
                self._guard.check(self._reusable_bytes)
            return DatabaseStats(
                queued=self._queued_weight,
                commits=self._commits,
                works=self._works,
                refused=self._refused,
                db_bytes=_size(self._path),
                wal_bytes=_size(self._wal),
                wal_pinned=self._wal_pinned,
                free_bytes=self._guard.free_bytes(),
                full=FullReason.DISK if self._guard.refusing or self._disk_said_full else full,
                broken=self._broken,
                beat_s=self._beat_s,
            )

    def close(self) -> None:
        """Commit what waits, fold the WAL back and close; safe to repeat."""
        with self._turn:
            self._closing = True
            self._turn.notify()
        self._writer.join()
        self._readers.close()
        self._ownership.release()

    def _run(self) -> None:
        try:
            self._turn_until_closed()
        except BaseException as error:
            # A dead writer must not leave senders waiting for ever; the watchdog sees `beat_s` stand still.
            with self._turn:
                self._broken = f"the writer of {self._path.name} died ({type(error).__name__}: {error})"
                works, self._queue = self._queue, []
            for work in works:
                work.answer.set_exception(StoreBroken(self._broken))
            raise

    def _turn_until_closed(self) -> None:
        next_checkpoint_s = time.monotonic() + self._checkpoint_s
        while True:
            works, closing = self._gather(next_checkpoint_s)
            if works:
                self._commit(works)
            now_s = time.monotonic()
            if now_s >= next_checkpoint_s:
                self._tidy()
                next_checkpoint_s = now_s + self._checkpoint_s
            if closing:
                break
        self._finish()

    def _gather(self, next_checkpoint_s: float) -> tuple[list[_Work[Any]], bool]:
        with self._turn:
            while True:
                now_s = self._beat_s = time.monotonic()
                due_s = min((work.due_s for work in self._queue), default=now_s + 5.0)
                if due_s <= now_s or self._closing or len(self._queue) >= _GROUP_MAX:
                    break
                if now_s >= next_checkpoint_s:
                    return [], False
                self._turn.wait(min(due_s - now_s, next_checkpoint_s - now_s, 5.0))
            works, self._queue = self._queue[:_GROUP_MAX], self._queue[_GROUP_MAX:]
            self._queued_weight -= sum(work.weight for work in works)
            return works, self._closing and not self._queue

    def _commit(self, works: list[_Work[Any]]) -> None:
        outcomes: list[tuple[_Work[Any], Any, BaseException | None]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for work in works:
                outcomes.append((work, *self._act(work)))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._give_up(works, error)
            return
        self._disk_said_full = False
        self._commits += 1
        self._works += len(works)
        self._on_commit()
        for work, result, fault in outcomes:
            if fault is None:
                work.answer.set_result(result)
            else:
                work.answer.set_exception(fault)

    def _act(self, work: _Work[Any]) -> tuple[Any, BaseException | None]:
        self._connection.execute("SAVEPOINT work")
        try:
            result, fault = work.act(self._connection), None
        except Exception as error:
            if isinstance(error, sqlite3.Error) and (
                _disk_fault(error) or not self._connection.in_transaction
            ):
                raise
            self._connection.execute("ROLLBACK TO work")
            result, fault = None, error
        self._connection.execute("RELEASE work")
        return result, fault

    def _give_up(self, works: list[_Work[Any]], error: sqlite3.Error) -> None:
        """The group could not be written: take all of it back and tell every sender why."""
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        self._on_rollback()
        code = primary_code(error)
        told: StoreError
        if code == _FULL or (code == _IOERR and self._guard.free_bytes() < 64 * 1024):
            self._disk_said_full = True
            told = StoreFull(FullReason.DISK, f"{self._path.parent} is full: free some space there ({error})")
        elif code in (_CORRUPT, _NOTADB):
            told = StoreBroken(
                f"{self._path} is damaged ({error}): restart, the damaged file is then set aside and kept"
            )
            self._broken = str(told)
        else:
            told = StoreError(f"{self._path} could not be written ({error})")
        for work in works:
            work.answer.set_exception(told)

    def _tidy(self) -> None:
        """Cut the WAL to nothing and give pages that retention freed back to the disk, little by little."""
        for _ in range(_GIVE_BACK_ROUNDS):
            self._truncate_wal()
            if self._wal_pinned or not self._give_pages_back():
                break
        with suppress(sqlite3.Error):
            self._count_free_pages()

    def _truncate_wal(self) -> None:
        """Where a reader holds on to the WAL, say so and try again next time."""
        if _size(self._wal) == 0:
            self._wal_pinned = False
            return
        self._connection.execute("PRAGMA busy_timeout = 100")
        try:
            self._wal_pinned = bool(self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
        except sqlite3.OperationalError:
            self._wal_pinned = True
        finally:
            self._connection.execute("PRAGMA busy_timeout = 5000")

    def _give_pages_back(self) -> bool:
        """Shrink the file by one step; False where little is free, since moving pages wears the flash."""
        pages = self._connection.execute("PRAGMA page_count").fetchone()[0]
        free = self._connection.execute("PRAGMA freelist_count").fetchone()[0]
        if free <= max(pages // 4, WAL_PAGES):
            return False
        try:
            # `execute` would stop after the first page: each is a row without columns.
            self._connection.executescript(f"PRAGMA incremental_vacuum({_GIVE_BACK_PAGES})")
        except sqlite3.OperationalError:
            return False
        return True

    def _count_free_pages(self) -> None:
        free_pages = self._connection.execute("PRAGMA freelist_count").fetchone()[0]
        self._reusable_bytes = free_pages * self._connection.execute("PRAGMA page_size").fetchone()[0]

    def _finish(self) -> None:
        with suppress(sqlite3.Error):
            self._tidy()
        self._connection.close()


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _disk_fault(error: sqlite3.Error) -> bool:
    return primary_code(error) in (_FULL, _IOERR, _CORRUPT, _NOTADB)
