"""Does this face ever move? A poster and a mannequin do not; people sway, even while they wait.

A detector's boxes are no help: at the size at which a lane is searched they jitter on a poster as much as a waiting
person sways. So the place is looked at itself: a thumbnail of 16 x 20 grey cells where the face was first seen, against
the same cells later. What a shift of the picture would change is known from the thumbnail's own slopes.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.flow import Box

__all__ = ["Stillness"]

_CELLS = (16, 20)
_MARGIN = 0.1
_POINTS_A_CELL = 4
"""Pixels along a cell's side that are looked at; noise is averaged away and a large face costs no more than a small."""

_MOVED_SHARE = 0.012
"""Shift, in face widths, that only a living face shows. A printed one stayed below 0.006 in 95 of 100 pictures, a
waiting person was beyond 0.02 in half of them; see `docs/decisions/0002-own-tracker.md`."""

_LEFT_SHARE = 0.35
"""Whose box is so many widths from where it was born has walked, and is never asked again."""

_STILL_FROM, _STILL_UNTIL = 0.8, 0.5
"""Share of unmoved pictures at which a face becomes still, and below which it is so no longer: people pass before
posters, and somebody who froze for some seconds moves again."""

_SIGHTINGS_MIN = 5
_SLOPE_MIN = 0.5
_GAIN_MAX = 1.6

Cells = NDArray[np.float32]


class Stillness:
    """Whether a face stood still ever since it was born at one place. Fed in order of time.

    `after_s`: seconds of event time from the first sighting before anything is said.
    """

    def __init__(self, *, at_ns: int, box_px: Box, image: NDArray[np.uint8], after_s: float) -> None:
        self.box_px = box_px
        self.is_still = False
        self._after_ns = round(after_s * 1e9)
        self._first_ns = self._moved_ns = self._last_ns = at_ns
        self._cells: Cells | None = _cells(image, box_px)
        self._sightings = self._unmoved = 0

    @property
    def still_s(self) -> float:
        """Seconds from the last picture in which the face was seen to have moved to the last one."""
        return (self._last_ns - self._moved_ns) / 1e9

    def see(self, at_ns: int, box_px: Box, image: NDArray[np.uint8]) -> None:
        """Look again: the face was found at `box_px` in `image` (BGR uint8, of the same size as the first)."""
        self._last_ns = at_ns
        if self._cells is not None and _apart_px(box_px, self.box_px) > _LEFT_SHARE * self.box_px[2]:
            self._cells, self.is_still = None, False
        if self._cells is None or _shift(self._cells, _cells(image, self.box_px)) > _MOVED_SHARE:
            self._moved_ns = at_ns
        else:
            self._unmoved += 1
        self._sightings += 1
        if self._cells is not None and self._sightings >= _SIGHTINGS_MIN:
            share = self._unmoved / self._sightings
            long_enough = at_ns - self._first_ns >= self._after_ns
            self.is_still = long_enough and share >= (_STILL_UNTIL if self.is_still else _STILL_FROM)


def _cells(image: NDArray[np.uint8], box_px: Box) -> Cells:
    x, y, width, height = box_px
    left, right = _within(x - _MARGIN * width, x + (1 + _MARGIN) * width, image.shape[1])
    top, bottom = _within(y - _MARGIN * height, y + (1 + _MARGIN) * height, image.shape[0])
    step = max(1, (right - left) // (_POINTS_A_CELL * _CELLS[0]))
    points = np.ascontiguousarray(image[top:bottom:step, left:right:step])
    cells: Cells = cv2.resize(points, _CELLS, interpolation=cv2.INTER_AREA).astype(np.float32).mean(axis=2)
    return cells


def _within(low: float, high: float, size: int) -> tuple[int, int]:
    """At least one pixel between two coordinates, inside the picture."""
    first = min(max(0, int(low)), size - 1)
    return first, max(first + 1, min(size, int(high)))


def _shift(before: Cells, after: Cells) -> float:
    """By how many face widths the picture moved between two thumbnails, apart from light and contrast.

    For a small shift d the difference is d times the slope (Lucas and Kanade 1981), so the ratio of their energies
    gives d; anything else that changes counts as a shift too.
    """
    before, after = before - before.mean(), after - after.mean()
    gain = float((before * after).sum() / max(1.0, float((before * before).sum())))
    difference = after / min(_GAIN_MAX, max(1 / _GAIN_MAX, gain)) - before
    down, across = np.gradient(before)
    slope = math.sqrt(float((down * down + across * across).mean()) / 2)
    cells = math.sqrt(float((difference * difference).mean())) / max(_SLOPE_MIN, slope)
    return cells * (1 + 2 * _MARGIN) / _CELLS[0]


def _apart_px(one: Box, other: Box) -> float:
    return math.hypot(
        one[0] + one[2] / 2 - other[0] - other[2] / 2, one[1] + one[3] / 2 - other[1] - other[3] / 2
    )
