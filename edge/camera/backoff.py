"""How long to wait before trying again: longer each time, never all at once, never for good."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

__all__ = ["Backoff", "OpenGate"]


class Backoff:
    """Pauses that double from `least_s` to `most_s`, each drawn between half and all of it.

    The jitter keeps the cameras of a box apart after a switch was restarted. `chance` gives numbers in 0..1.
    """

    def __init__(self, *, least_s: float, most_s: float, chance: random.Random) -> None:
        if not 0 < least_s <= most_s:
            raise ValueError(f"pauses need 0 < least_s <= most_s; got {least_s} and {most_s}")
        self._least_s = least_s
        self._most_s = most_s
        self._chance = chance
        self._next_s = least_s

    def pause_s(self) -> float:
        """The next pause, at most `most_s`."""
        full_s = self._next_s
        self._next_s = min(self._most_s, full_s * 2)
        return full_s * (0.5 + 0.5 * self._chance.random())

    def longest_s(self) -> float:
        """A pause for what will not pass soon, such as a refused password (cameras lock out who insists)."""
        self._next_s = self._most_s
        return self.pause_s()

    def reset(self) -> None:
        """It worked: begin with short pauses again."""
        self._next_s = self._least_s


class OpenGate:
    """Lets the cameras of a box open one after another, `spacing_s` apart. Shared by all, thread-safe.

    It hands out moments and holds nobody who is opening: a slow camera does not keep the others waiting.
    """

    def __init__(self, *, spacing_s: float, monotonic_s: Callable[[], float]) -> None:
        self._spacing_s = spacing_s
        self._monotonic_s = monotonic_s
        self._free_at_s = float("-inf")
        self._lock = threading.Lock()

    def wait_s(self) -> float:
        """Seconds until the caller's turn; the turn is taken by asking."""
        with self._lock:
            now_s = self._monotonic_s()
            turn_s = max(now_s, self._free_at_s)
            self._free_at_s = turn_s + self._spacing_s
        return turn_s - now_s
