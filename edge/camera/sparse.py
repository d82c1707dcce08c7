"""Are the pictures that others are built on enough? Judged by their stamps, once, at a stream's beginning; pure."""

from __future__ import annotations

__all__ = ["Sparseness"]

_JUDGED_SLOTS = 20
_HIT_SHARE_MIN = 0.95


class Sparseness:
    """Counts the slots of `1 / needed_hz` in which a picture came, over the first twenty.

    A camera that leaves out a moment now and then is not sparse: one slot may be missed.
    """

    def __init__(self, needed_hz: float) -> None:
        self._needed_hz = needed_hz
        self._first: int | None = None
        self._hit: set[int] = set()
        self.judged = False
        """Is it known by now?"""

    def too_few(self, stamp_ms: float) -> bool:
        """Hear of a picture; True once, where the first twenty slots were not filled."""
        if self.judged:
            return False
        slot = int(stamp_ms / 1e3 * self._needed_hz + 0.01)
        if self._first is None:
            self._first = slot
        if slot - self._first < _JUDGED_SLOTS:
            self._hit.add(slot)
            return False
        self.judged = True
        return len(self._hit) < _HIT_SHARE_MIN * _JUDGED_SLOTS
