"""Motion gate: a picture in which nothing moved needs no search for faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MotionGate"]

_CELL_PX = 16
"""Every sixteenth pixel in both directions is looked at: 80 x 45 points of a 720p frame, 30 microseconds."""


class MotionGate:
    """Admits a frame when enough of the picture changed since the last admitted one, or after a while anyway.

    The reference moves only with an admitted frame, so a slow change adds up until it is seen. `every_s` bounds
    what a person who stands dead still, or a blind spot of the rule, can cost; it is most of what an empty lane costs
    beside its decoding. One gate per camera, used from one
    thread.
    """

    def __init__(
        self, *, changed_share_min: float = 0.002, difference_min: int = 18, every_s: float = 2.0
    ) -> None:
        """Settings: share (0..1) of looked-at points that must differ by `difference_min` grey levels."""
        self._changed_share_min = changed_share_min
        self._difference_min = difference_min
        self._every_ns = round(every_s * 1e9)
        self._reference: NDArray[np.int16] | None = None
        self._admitted_ns = 0

    def admit(self, at_ns: int, image: NDArray[np.uint8]) -> bool:
        """Judge one picture, BGR uint8 `(h, w, 3)`; nothing of it is kept but a few thousand grey points."""
        points = image[_CELL_PX // 2 :: _CELL_PX, _CELL_PX // 2 :: _CELL_PX, 1].astype(np.int16)
        if not self._moved(points) and 0 <= at_ns - self._admitted_ns < self._every_ns:
            return False
        self._reference = points
        self._admitted_ns = at_ns
        return True

    def _moved(self, points: NDArray[np.int16]) -> bool:
        if self._reference is None or self._reference.shape != points.shape:
            return True
        changed = np.count_nonzero(np.abs(points - self._reference) >= self._difference_min)
        return bool(changed >= max(1, self._changed_share_min * points.size))
