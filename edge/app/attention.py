"""One thread for what has to happen without anybody asking: escalation, digests, heartbeats, clocks, the hub."""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from edge.app.clock_watch import clock_offsets
from edge.app.digest import tell_ended_shifts
from edge.app.escalation import escalate
from edge.app.hub import HubSide, MemberSide
from edge.config import Config
from edge.events import MqttSink, StoreError, format_time
from edge.events.attention import forget_parked

if TYPE_CHECKING:
    from edge.app.outbox import Outbox

__all__ = ["Attention"]

_log = logging.getLogger(__name__)
_TURN_S = 1.0
_BEAT_S, _LATE_S, _SHIFTS_S, _CLOCKS_S, _PURGE_S = 10.0, 5.0, 10.0, 600.0, 3600.0
_COMMIT_S = 30.0
_DAY_MS = 86_400_000


class Attention:
    """`start`, then `stop`. Each of its works fails for itself: it is logged once a cause and done again in time."""

    def __init__(
        self,
        config: Config,
        outbox: Outbox,
        *,
        hub: HubSide | MemberSide | None,
        lanes: Callable[[], list[dict[str, Any]]],
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`lanes`: this box's lanes as the page shows them, for the heartbeat."""
        self._config, self._outbox, self._hub = config, outbox, hub
        self._lanes, self._clock_ns = lanes, clock_ns
        self.clocks: Mapping[str, Mapping[str, Any]] = {}
        self.beat_s = time.monotonic()
        self._failed: dict[str, str] = {}
        works: list[tuple[str, float, Callable[[], None]]] = [
            ("heartbeat", _BEAT_S, self._beat),
            ("escalation", _LATE_S, self._escalate),
            ("digest", _SHIFTS_S, self._digest),
            ("clocks", _CLOCKS_S, self._look_at_clocks),
            ("retention", _PURGE_S, self._purge),
        ]
        if hub is not None:
            works.append(("hub", 0.0, hub.tick))
        self._works = works
        self._due_s = {name: 0.0 for name, _, _ in works} | {"retention": time.monotonic() + 60.0}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="attention", daemon=True)

    def start(self) -> None:
        """From now on."""
        if self._hub is not None:
            self._hub.start()
        self._thread.start()

    def stop(self) -> None:
        """End after the work under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)
        if self._hub is not None:
            self._hub.stop()

    def _run(self) -> None:
        while not self._stopping.wait(_TURN_S):
            self.turn()

    def turn(self) -> None:
        """Do what is due."""
        for name, every_s, work in self._works:
            self.beat_s = now_s = time.monotonic()
            if now_s < self._due_s[name] or self._outbox.store is None:
                continue
            self._due_s[name] = now_s + every_s
            try:
                work()
            except (StoreError, sqlite3.Error, TimeoutError) as error:
                self._tell(name, f"the store cannot be had now: {error}")
            except Exception as error:  # noqa: BLE001 - one work that fails must not end the others
                self._tell(name, repr(error), exception=True)
            else:
                self._failed.pop(name, None)

    def _tell(self, name: str, what: str, *, exception: bool = False) -> None:
        if self._failed.get(name) != what:
            self._failed[name] = what
            _log.warning("%s failed and is done again: %s", name, what, exc_info=exception)

    def _beat(self) -> None:
        """From this thread on purpose: a box whose store or state stands still does not say that it lives."""
        sinks = [
            courier.receiver
            for sink, courier in tuple(self._outbox.couriers.values())
            if sink.purpose == "security"
        ]
        brokers = [sink for sink in sinks if isinstance(sink, MqttSink)]
        if brokers:
            told = {"at": format_time(self._clock_ns()), "lanes": self._lanes()}
            body = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
            for broker in brokers:
                broker.beat(body)

    def _escalate(self) -> None:
        at_ns = self._clock_ns()
        self._outbox.submit(lambda transaction: escalate(transaction, self._config, at_ns=at_ns)).result(
            _COMMIT_S
        )

    def _digest(self) -> None:
        at_ns = self._clock_ns()
        self._outbox.submit(
            lambda transaction: tell_ended_shifts(transaction, self._config, at_ns=at_ns)
        ).result(_COMMIT_S)

    def _look_at_clocks(self) -> None:
        store = self._outbox.store
        if store is not None and self._config.till.any_door:
            self.clocks = clock_offsets(store, self._config)

    def _purge(self) -> None:
        self._outbox.submit(lambda transaction: forget_parked(transaction.connection)).result(_COMMIT_S)
        if self._hub is not None:
            before_ms = self._clock_ns() // 10**6 - self._config.state.security_days * _DAY_MS
            self._hub.purge(before_ms=before_ms)
