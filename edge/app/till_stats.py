"""Desk and doors at one moment, as plain values."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from edge.events import StoreError
from edge.ops.till_stats import DoorStats, TillStats
from edge.till import count_dead_letters

if TYPE_CHECKING:
    from edge.app.desk import Desk
    from edge.app.doors import Doors
    from edge.app.outbox import Outbox

__all__ = ["TillWatch"]

_LETTERS_EVERY_S = 10.0


class TillWatch:
    """Puts the figures of desk and doors together. Any thread; the store is looked at every ten seconds only."""

    def __init__(self, desk: Desk, doors: Doors, outbox: Outbox) -> None:
        self._desk = desk
        self._doors = doors
        self._outbox = outbox
        self._letters: Mapping[str, int] = {}
        self._looked_s = float("-inf")

    def now(self) -> TillStats:
        """The figures of this moment."""
        desk, faults, letters = self._desk, self._doors.faults(), self._dead_letters()
        names = dict.fromkeys([*self._doors.kinds, *desk.accepted, *letters])
        return TillStats(
            doors=tuple(
                DoorStats(
                    door=name,
                    fault=faults.get(name),
                    accepted=desk.accepted[name],
                    duplicate=desk.duplicates[name],
                    refused=dict(desk.refused.get(name, Counter()) + self._doors.turned_away(name)),
                    dead_letters=letters.get(name, 0),
                )
                for name in names
            ),
            birth_dates=self._doors.reader.dropped_birth_dates,
            backlog=desk.backlog,
            too_late=desk.counts["too_late"],
            open_receipts=sum(rules.open_receipts for rules in tuple(desk.rules.values())),
            unsaved=desk.waiting,
            prompts=desk.counts["CheckRequested"],
            outcomes=dict(desk.outcomes),
            alerts=dict(desk.alerts),
        )

    def _dead_letters(self) -> Mapping[str, int]:
        store = self._outbox.store
        if store is not None and time.monotonic() - self._looked_s >= _LETTERS_EVERY_S:
            self._looked_s = time.monotonic()
            try:
                self._letters = store.read(count_dead_letters)
            except StoreError:
                return self._letters
        return self._letters
