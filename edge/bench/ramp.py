"""How many streams fit? Which number to try next, from what the last tries measured; pure."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

__all__ = ["Ramp", "Try"]

_IN_A_ROW = 2
"""So many results of one number that agree, one after the other, decide it."""
_RESULTS_MAX = 5
"""A number that passes and fails by turns is taken for one that fails."""
_FILL = 0.95
"""Where a try left room, the next one aims at this share of what the room would hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One measured window. `room`: how often the work would have fitted; below 1 where streams fell behind."""

    streams: int
    passed: bool
    room: float


class Ramp:
    """By the measured ratio, at the end by one, to where a number passes and the next one does not."""

    def __init__(self, *, start: int = 2, most: int = 64) -> None:
        """`start`: the first number; never more than `most` are tried."""
        self._start = max(1, min(start, most))
        self._most = most
        self._results: dict[int, list[bool]] = defaultdict(list)
        self._room: dict[int, float] = {}
        self._last: Try | None = None

    def take(self, tried: Try) -> None:
        """Hear the result of one window."""
        self._results[tried.streams].append(tried.passed)
        self._room[tried.streams] = tried.room
        self._last = tried

    @property
    def level(self) -> int:
        """The highest number that passed for good; 0 where none did."""
        return max((n for n in self._results if self._verdict(n) is True), default=0)

    def next(self) -> int | None:
        """The number to measure now; None when the level is known."""
        last = self._last
        if last is None:
            return self._start
        if self._verdict(last.streams) is None and not self._may_leap(last):
            return last.streams
        above = min((n for n in self._results if self._verdict(n) is False), default=self._most + 1)
        if last.passed and last.streams < above:
            wanted = max(last.streams + 1, math.floor(last.streams * last.room * _FILL))
            chosen = min(wanted, above - 1, self._most)
            if chosen <= last.streams:  # nothing between it and what failed
                return None if self._verdict(last.streams) else last.streams
            return chosen
        below = min(above - 1, max(self.level + 1, math.floor(above * min(1.0, self._room[above]))))
        return below if below > self.level else None

    def _may_leap(self, last: Try) -> bool:
        """Far below the limit one result is enough to go on up."""
        return last.passed and last.room * _FILL >= 1.25 and last.streams < self._most

    def _verdict(self, streams: int) -> bool | None:
        results = self._results.get(streams, [])
        if len(results) >= _IN_A_ROW and len(set(results[-_IN_A_ROW:])) == 1:
            return results[-1]
        return False if len(results) >= _RESULTS_MAX else None
