"""What security staff said of the alerts that they looked at: labels for how often an alert is right."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable

from edge.app.outbox import Outbox
from edge.events import StoreError
from edge.ops.stats import AlertLabels
from edge.rules import wilson

__all__ = ["LabelCount", "alert_labels"]

_EVERY_S = 30.0


def alert_labels(connection: sqlite3.Connection) -> tuple[AlertLabels, ...]:
    """By kind of alert: how the newest word on each stands, and the precision that follows.

    Right is `checked`, wrong is `false_alarm`; `escalated` was passed on and counts as neither. Alerts are counted for
    as long as the store keeps them.
    """
    counts: dict[str, dict[str, int]] = {}
    for kind, told in connection.execute("SELECT kind, acknowledged FROM alerts"):
        outcome = "unlabelled" if told is None else str(json.loads(told).get("outcome"))
        own = counts.setdefault(kind, {})
        own[outcome] = own.get(outcome, 0) + 1
    return tuple(_labels(kind, counts[kind]) for kind in sorted(counts))


def _labels(kind: str, counts: dict[str, int]) -> AlertLabels:
    right, wrong = counts.get("checked", 0), counts.get("false_alarm", 0)
    n = right + wrong
    low, high = wilson(right, n) if n else (None, None)
    return AlertLabels(
        kind=kind,
        checked=right,
        false_alarm=wrong,
        escalated=counts.get("escalated", 0),
        unlabelled=counts.get("unlabelled", 0),
        precision=right / n if n else None,
        low=low,
        high=high,
    )


class LabelCount:
    """The labels of a running box, counted anew every half minute at most. Any thread."""

    def __init__(self, outbox: Outbox, *, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._outbox = outbox
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._counted_s: float | None = None
        self._labels: tuple[AlertLabels, ...] = ()

    def now(self) -> tuple[AlertLabels, ...]:
        """The newest count; the one before while the store cannot be read."""
        with self._lock:
            now_s = self._monotonic_s()
            store = self._outbox.store
            if store is None or (self._counted_s is not None and now_s - self._counted_s < _EVERY_S):
                return self._labels
            self._counted_s = now_s
            try:
                self._labels = store.read(alert_labels)
            except (StoreError, sqlite3.Error):
                return self._labels
            return self._labels
