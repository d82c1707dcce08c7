"""Does this face ever move? A poster and a mannequin do not; people sway, even while they wait."""

from __future__ import annotations

import math

from edge.flow import Box

__all__ = ["Stillness"]

_SMOOTH_S = 0.6
"""Detector jitter is averaged over so long; a person's sway, of two to four seconds, outlasts it."""

_MOVED_SHARE = 0.03
"""Wander of the smoothed middle, in face sizes, that only a living face shows. Posters stayed below 0.017 over 8 s,
waiting people went beyond 0.05 within 5 s; `docs/decisions/0002-own-tracker.md` has the command."""


class Stillness:
    """How long a face has stood within its detector's own jitter, in seconds of event time."""

    def __init__(self) -> None:
        self._since_ns = self._last_ns = 0
        self._x = self._y = 0.0
        self._reach: tuple[float, float, float, float] | None = None
        self._seen = False

    @property
    def since_ns(self) -> int:
        """When the face was last seen to move, or first seen at all; 0 before any sighting."""
        return self._since_ns

    def still_s(self) -> float:
        """Seconds from the last move, or from the first sighting, to the last sighting."""
        return (self._last_ns - self._since_ns) / 1e9

    def see(self, at_ns: int, box_px: Box) -> None:
        """Take in one sighting, in order of time."""
        x, y, width, height = box_px
        x, y, size = x + width / 2, y + height / 2, max(1.0, math.sqrt(width * height))
        if not self._seen:
            self._seen = True
            self._restart(at_ns, x, y)
            return
        gap_s, age_s = (at_ns - self._last_ns) / 1e9, (at_ns - self._since_ns) / 1e9
        self._last_ns = at_ns
        share = -math.expm1(-gap_s / min(_SMOOTH_S, max(age_s, 1e-3)))
        self._x += share * (x - self._x)
        self._y += share * (y - self._y)
        if self._reach is None:
            if age_s < _SMOOTH_S:
                return  # the mean of a few jittery boxes still settles
            self._reach = (self._x, self._y, self._x, self._y)
        left, top, right, bottom = self._reach
        left, right = min(left, self._x), max(right, self._x)
        top, bottom = min(top, self._y), max(bottom, self._y)
        self._reach = (left, top, right, bottom)
        if max(right - left, bottom - top) > _MOVED_SHARE * size:
            self._restart(at_ns, x, y)

    def _restart(self, at_ns: int, x: float, y: float) -> None:
        self._since_ns = self._last_ns = at_ns
        self._x, self._y, self._reach = x, y, None
