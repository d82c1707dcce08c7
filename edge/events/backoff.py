"""How long to wait before the next try."""

from __future__ import annotations

import random

__all__ = ["Backoff"]


class Backoff:
    """Doubles the wait from `first_s` up to `cap_s`; each wait is drawn between half of that and all of it.

    The draw keeps five hundred boxes from knocking at one broker in the same second.
    """

    def __init__(self, *, first_s: float, cap_s: float, chance: random.Random) -> None:
        self._first_s = first_s
        self._cap_s = cap_s
        self._chance = chance
        self._failures = 0

    def next_wait_s(self) -> float:
        """The wait after one more failure."""
        # 2 ** 40 seconds is above every cap; more would overflow after years of failing.
        full_s = min(self._cap_s, self._first_s * 2.0 ** min(self._failures, 40))
        self._failures += 1
        return full_s * self._chance.uniform(0.5, 1.0)

    def reset(self) -> None:
        """It worked: the next failure waits briefly again."""
        self._failures = 0
