"""What the box has to tell, on its way to the disk: the store, its couriers, and what waits while it cannot be had."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TypeVar

from edge.app.couriers import build_couriers
from edge.app.together import together
from edge.config import Config, Sink
from edge.events import Appended, CloudEvent, Courier, FullReason, Store, StoreError, StoreFull, Transaction
from edge.ops.latency import LatencyWindow
from edge.ops.stats import StoreStats
from edge.ops.watchdog import Beat

__all__ = ["Outbox"]

T = TypeVar("T")

_log = logging.getLogger(__name__)
_WAITING_MAX = 1000
_GRACE_S = 1.0
"""So long a delivery under way may take at the end: what is not taken stays, and lanes wait for this at a reload."""
_DAY_S, _LEAST_DAYS = 86_400.0, 1.0
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class Outbox:
    """Keeps events in order until they are committed, whatever the disk does.

    A disk that is full at start, or a file that is found damaged on the way, leaves the box without a store for a
    while; `tick` opens it again. Events wait in memory meanwhile, at most `_WAITING_MAX`; then the oldest are dropped
    and counted under `dropped["store_full"]`. `append` and `submit` may be called from any thread, `tick` and `close`
    from one at a time.
    """

    def __init__(self, config: Config) -> None:
        """Open the store and build a courier for each sink; nothing is delivered before `start`.

        A full disk is waited for. Raises StoreError and OSError for anything that will not pass by itself.
        """
        self._config = config
        self._folder = config.state.dir
        self._file = config.state.dir / "security.db"
        self._lock = threading.Lock()
        self._waiting: list[CloudEvent] = []
        self._started = False
        self._reason = ""
        self._set_aside: list[str] = []
        self.store: Store | None = None
        self.couriers: dict[str, tuple[Sink, Courier]] = {}
        self.commits = LatencyWindow()
        self.dropped: Counter[str] = Counter()
        try:
            self._open()
        except (StoreFull, OSError) as error:
            if not _passes_by_itself(error):
                raise
            self._reason = str(error)
            _log.error("the store cannot be opened yet, events wait in memory: %s", error)

    def start(self) -> None:
        """Deliver from now on."""
        self._started = True
        for _, courier in self.couriers.values():
            courier.start()

    def append(self, event: CloudEvent, *, captured_ns: int | None = None) -> None:
        """Commit an event behind those that wait; returns at once.

        `captured_ns`: the capture of the frame that it follows from, for the latency that is shown.
        """
        with self._lock:
            store = self.store
            if store is None or self._waiting:
                self._put_back(event)
                return
            try:
                committed = store.append([event])
            except StoreError as refused:
                _log.error("the store refuses events, they wait in memory: %s", refused)
                self._put_back(event)
                return

        def done(future: Future[Appended]) -> None:
            error = future.exception()
            if error is None:
                if captured_ns is not None:
                    self.commits.add((time.time_ns() - captured_ns) / 1e9)
            elif isinstance(error, StoreError):
                with self._lock:
                    if not self._waiting:
                        _log.error("the store refuses events, they wait in memory: %s", error)
                    self._put_back(event)
            else:
                self.dropped["store_failed"] += 1
                _log.error("an event was not stored: %s", error, extra={"type": event.type})

        committed.add_done_callback(done)

    def submit(self, act: Callable[[Transaction], T], *, now: bool = False, weight: int = 1) -> Future[T]:
        """See `Store.submit`. Raises StoreFull too while there is no store: whoever sends may come again."""
        store = self.store
        if store is None:
            raise StoreFull(FullReason.DISK, self._reason)
        return store.submit(act, now=now, weight=weight)

    @property
    def waiting(self) -> int:
        """Events that wait in memory because the store refuses them."""
        return len(self._waiting)

    def tick(self) -> None:
        """Call about once a second: opens a store that could not be had, commits what waits."""
        if self.store is not None and self.store.stats().broken is not None:
            self._leave(self.store)
        if self.store is None:
            self._try_to_open()
        self._flush()

    def purge(self) -> None:
        """Delete what is delivered and older than retention; where the store is larger than allowed, younger too."""
        store, state = self.store, self._config.state
        if store is None:
            return
        days = float(state.security_days)
        try:
            store.purge(retention_s=days * _DAY_S)
            while _used_bytes(store) > state.max_mb * 1_000_000 and days > _LEAST_DAYS:
                days = max(_LEAST_DAYS, days / 2)
                deleted = store.purge(retention_s=days * _DAY_S)
                _log.warning(
                    "the store is larger than state.max_mb", extra={"days": days, "deleted": deleted}
                )
        except (StoreError, sqlite3.Error) as error:
            _log.warning("retention could not purge: %s", error)

    def stats(self) -> StoreStats:
        """How the store is doing, also where there is none."""
        store = self.store
        if store is None:
            return StoreStats(
                accepting=False,
                reason=self._reason or "it is being opened",
                appended=0,
                refused=0,
                file_bytes=0,
                wal_bytes=0,
                free_bytes=_free_bytes(self._folder),
            )
        seen = store.stats()
        reason = seen.broken or (seen.full.value if seen.full else None)
        return StoreStats(
            accepting=reason is None,
            reason=reason,
            appended=seen.works,
            refused=seen.refused,
            file_bytes=seen.db_bytes,
            wal_bytes=seen.wal_bytes,
            free_bytes=seen.free_bytes,
        )

    def beats(self, *, disk_s: float, delivery_s: float) -> dict[str, Beat]:
        """The store's writer and every courier; a writer waits for the disk, a courier for its receiver. Any thread."""
        store = self.store
        found = {} if store is None else {"store": Beat(at_s=store.stats().beat_s, patience_s=disk_s)}
        for name, (_, courier) in tuple(self.couriers.items()) if self._started else ():
            found[f"sink {name}"] = Beat(at_s=courier.beat_s, patience_s=delivery_s)
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """What somebody should look at."""
        waiting = (f"{self.waiting} events wait in memory for the store",) if self.waiting else ()
        return (*waiting, *self._set_aside)

    def close(self) -> None:
        """Commit what waits, let the sinks take what they can in a moment, close."""
        self._flush()
        together({name: partial(each.stop, grace_s=_GRACE_S) for name, (_, each) in self.couriers.items()})
        if self.store is not None:
            self.store.close()
        if self._waiting:
            _log.error("events are lost: the store took none until the end", extra={"count": self.waiting})

    def _open(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        store = Store(self._file, reserve_bytes=self._config.state.min_free_mb * 1_000_000)
        try:
            self.couriers = build_couriers(self._config, store)
        except BaseException:
            store.close()
            raise
        if store.opened.set_aside is not None:
            aside = store.opened.set_aside
            note = f"a damaged store was set aside as {aside.path}: {aside.reason}"
            _log.error("%s", note)
            self._set_aside.append(note)
        self.store = store

    def _try_to_open(self) -> None:
        try:
            self._open()
        except (StoreError, OSError) as error:
            self._reason = str(error)
            return
        _log.info("the store is open again")
        self._reason = ""
        if self._started:
            for _, courier in self.couriers.values():
                courier.start()

    def _leave(self, store: Store) -> None:
        """The file is damaged: close it, so that opening sets it aside and begins a new one."""
        self._reason = store.stats().broken or "damaged"
        _log.error("the store is left: %s", self._reason)
        self.store = None
        couriers, self.couriers = self.couriers, {}
        for _, courier in couriers.values():
            courier.stop(grace_s=1.0)
        store.close()

    def _flush(self) -> None:
        with self._lock:
            store, waiting = self.store, self._waiting
            if store is None or not waiting:
                return
            try:
                # Handed over under the lock: what comes now queues up behind it.
                committed = store.append(waiting, now=True)
            except StoreError:
                return
            self._waiting = []
        try:
            committed.result(timeout=30)
        except (StoreError, TimeoutError):
            # Repeats are known by their ids: handing over twice what was committed after all does no harm.
            with self._lock:
                self._waiting = waiting + self._waiting
        except Exception as error:  # noqa: BLE001 - one event that cannot be written must not stop all others
            self.dropped["store_failed"] += len(waiting)
            _log.error("events were not stored: %s", error, extra={"count": len(waiting)})
        else:
            _log.info("the store takes events again", extra={"count": len(waiting)})

    def _put_back(self, event: CloudEvent) -> None:
        self._waiting.append(event)
        if len(self._waiting) > _WAITING_MAX:
            del self._waiting[0]
            self.dropped["store_full"] += 1


def _passes_by_itself(error: Exception) -> bool:
    return isinstance(error, StoreFull) or (isinstance(error, OSError) and error.errno in _NO_ROOM)


def _used_bytes(store: Store) -> int:
    def look(connection: sqlite3.Connection) -> int:
        pages, free, size = (
            int(connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    return store.read(look)


def _free_bytes(folder: Path) -> int:
    there = next((one for one in (folder, *folder.parents) if one.exists()), Path("/"))
    room = os.statvfs(there)
    return room.f_bavail * room.f_frsize
