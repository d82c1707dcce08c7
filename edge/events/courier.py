"""The way from the store to one sink: a thread, a cursor, and patience."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from edge.events.backoff import Backoff
from edge.events.errors import SinkDown, StoreError
from edge.events.sink import Sink, allowed_types, without_cashier
from edge.events.store import Store, StoredEvent

__all__ = ["Courier", "CourierStats"]

_CLOSED_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierStats:
    """How a sink is doing. `oldest_pending_ms`: wall clock at which the first waiting event was committed."""

    sink: str
    purpose: str
    delivered: int
    pending: int
    oldest_pending_ms: int | None
    failures: int
    """Failed tries since the last success; 0 while all is well."""
    last_error: str | None
    """Of the last failed try, without secrets; None since the next success."""
    beat_s: float
    """`time.monotonic()` when the thread last turned; a delivery under way may take some 30 s."""


class Courier:
    """Reads events from its own cursor in the store and hands them to one sink, in order, at least once.

    The cursor moves only over what the sink has taken. A sink that fails is tried again for ever, with
    growing pauses. It waits in the store, not in memory: at most `batch` events are held here.
    No event outside the sink's purpose is ever read, and a cashier's name only where `cashier` says so.
    """

    def __init__(
        self,
        store: Store,
        sink: Sink,
        *,
        name: str,
        purpose: str,
        types: Collection[str] | None = None,
        cashier: bool = False,
        from_start: bool = True,
        batch: int = 100,
        first_retry_s: float = 0.5,
        longest_retry_s: float = 60.0,
        chance: random.Random | None = None,
    ) -> None:
        """Attach to the store; nothing moves before `start`. Raises ValueError as `allowed_types` says."""
        self._store = store
        self._sink = sink
        self._name = name
        self._purpose = purpose
        self._types = allowed_types(purpose, types)
        self._cashier = cashier
        self._batch = batch
        self._backoff = Backoff(
            first_s=first_retry_s,
            cap_s=longest_retry_s,
            chance=chance or random.Random(),  # noqa: S311
        )
        attached = store.attach(name, self._types, from_start=from_start)
        self._position = attached.position
        self._waiting = attached.pending - attached.appended_before
        self._delivered = self._failures = 0
        self._last_error: str | None = None
        self._beat_s = time.monotonic()
        self._handing_since_s: float | None = None
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sink {name}", daemon=True)
        store.on_commit(self._wake.set)

    @property
    def types(self) -> frozenset[str]:
        """What this sink gets."""
        return self._types

    @property
    def receiver(self) -> Sink:
        """What it hands events to."""
        return self._sink

    @property
    def beat_s(self) -> float:
        """As in `stats`, without a look into the store."""
        return self._beat_s

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self, *, grace_s: float = 5.0) -> None:
        """End after the delivery under way, or without it when that has taken `grace_s`; what it had not taken stays.

        A receiver that says nothing holds its thread a while longer than its closing; nobody waits for that.
        """
        self._stopping.set()
        self._wake.set()
        begun_s = self._handing_since_s
        spent_s = 0.0 if begun_s is None else time.monotonic() - begun_s
        if self._thread.is_alive():
            self._thread.join(max(0.0, grace_s - spent_s))
        self._sink.close()
        if self._thread.is_alive():
            self._thread.join(min(grace_s, _CLOSED_S))

    def stats(self) -> CourierStats:
        """A snapshot, from any thread; reads one row of the store."""
        # Delivered is read first: an event that arrives in between may show as waiting, never as less than none.
        delivered, position = self._delivered, self._position
        pending = max(0, self._waiting + self._store.appended_since_open(self._types) - delivered)
        oldest = self._store.read_after(position, self._types, limit=1) if pending else ()
        return CourierStats(
            sink=self._name,
            purpose=self._purpose,
            delivered=delivered,
            pending=pending,
            oldest_pending_ms=oldest[0].recorded_ms if oldest else None,
            failures=self._failures,
            last_error=self._last_error,
            beat_s=self._beat_s,
        )

    def _run(self) -> None:
        while True:
            # Cleared before anything is looked at: what comes after is seen or wakes us.
            self._wake.clear()
            if self._stopping.is_set():
                break
            self._beat_s = time.monotonic()
            try:
                moved = self._step()
            except (SinkDown, StoreError) as error:
                self._failed(str(error))
            except Exception as error:  # noqa: BLE001  a fault in one sink must not end its deliveries for good
                self._failed(f"{type(error).__name__} in the sink")
            else:
                if not moved:
                    self._wake.wait(5.0)

    def _step(self) -> bool:
        """Deliver one batch; False where nothing waits."""
        batch = self._store.read_after(self._position, self._types, limit=self._batch)
        if not batch:
            return False
        self._handing_since_s = time.monotonic()
        try:
            taken = self._sink.deliver(self._rendered(batch))
        finally:
            self._handing_since_s = None
        if taken:
            self._position = batch[taken - 1].position
            self._delivered += taken
            self._store.move_cursor(self._name, self._position)
        if taken < len(batch):
            raise SinkDown(f"{self._name} took {taken} of {len(batch)} events")
        self._failures = 0
        self._last_error = None
        self._backoff.reset()
        return True

    def _rendered(self, batch: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        if self._cashier:
            return batch
        return [replace(event, body=without_cashier(event.body)) for event in batch]

    def _failed(self, reason: str) -> None:
        self._failures += 1
        self._last_error = reason
        until_s = time.monotonic() + self._backoff.next_wait_s()
        while not self._stopping.is_set() and (rest_s := until_s - time.monotonic()) > 0:
            self._beat_s = time.monotonic()
            self._stopping.wait(min(rest_s, 5.0))
