"""Does the picture still show the place that it showed an hour ago? Outlines compared within one process.

Of the picture a mean of 64 x 36 grey cells over minutes and one over an hour are kept, in memory only: people who come
and go vanish in them, the shelves stay.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.ops.drift import Finding

__all__ = ["SceneWatch"]

_SMALL, _CELLS = (320, 180), (64, 36)
_NOW_S, _LONG_S = 60.0, 3600.0
_LEARN_S, _LASTS_S = 600.0, 180.0
_AGREES, _MOVED = 0.75, 0.5
"""Correlation of edges. On the clips of a lane it stays above 0.97 with customers, and falls below 0.25 when the
picture is shifted by a fiftieth of its width (2026-11)."""
_SOILED = 0.72
"""Share of detail that is left. People before the shelves bring it down to 0.93. It finds a lens that is badly soiled
or out of focus; less than that shows in the blur of faces, by the day."""
_DARK, _FLAT = 25.0, 6.0
_DIMMED, _BRIGHT = 0.5, 60.0
"""A flat picture is a covered lens where it has half the light that the place had, or this much where nothing is known
of the place; with less the lights are out. A lens covered in black is the camera's own finding (`black`)."""

Grey = NDArray[np.float32]


class SceneWatch:
    """Looks at one camera's pictures, a few seconds apart; `finding` is what stands now. One thread."""

    def __init__(self) -> None:
        self.finding: Finding | None = None
        self.agreement = self.detail_left = 1.0
        """Of the newest picture's minute with the hour before; 1 is the same."""
        self._now: Grey | None = None
        self._long: Grey | None = None
        self._detail_now = self._detail_long = 0.0
        self._last_s: float | None = None
        self._seen_s = 0.0
        self._off_s = self._flat_s = 0.0

    def look(self, at_s: float, image: NDArray[np.uint8]) -> None:
        """Take in one picture, BGR uint8 `(h, w, 3)`; nothing of it is kept but the two means."""
        small = cv2.resize(image, _SMALL, interpolation=cv2.INTER_AREA)
        grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        cells = np.asarray(cv2.resize(grey, _CELLS, interpolation=cv2.INTER_AREA), dtype=np.float32)
        detail = _detail(grey)
        gap_s = min(60.0, at_s - self._last_s) if self._last_s is not None else 0.0
        self._last_s = at_s
        if gap_s < 0 or float(cells.mean()) < _DARK:
            return  # the clock went back, or the lights are out: nothing can be told from this one
        if float(cells.std()) < _FLAT:
            self._nothing_seen(cells, gap_s)
            return
        self._flat_s = 0.0
        if self._now is None or self._long is None:
            self._now, self._long = cells, cells.copy()
            self._detail_now = self._detail_long = detail
            return
        self._now = _blend(self._now, cells, gap_s / _NOW_S)
        self._detail_now += min(1.0, gap_s / _NOW_S) * (detail - self._detail_now)
        self._seen_s += gap_s
        self.agreement = _agreement(self._now, self._long)
        self.detail_left = self._detail_now / self._detail_long if self._detail_long else 1.0
        if self._seen_s >= _LEARN_S and (self.agreement < _MOVED or self.detail_left < _SOILED):
            self._off_s += gap_s
            if self._off_s >= _LASTS_S:
                self.finding = _finding(self.agreement, self.detail_left)
            return  # the long means keep what was there before, so that turning the camera back is seen
        self._off_s = 0.0
        if self.agreement >= _AGREES and self.detail_left >= (_SOILED + 1) / 2:
            self.finding = None
        # At first as fast as pictures come, later by the hour.
        share = min(1.0, gap_s / min(_LONG_S, max(_NOW_S, self._seen_s)))
        self._long = _blend(self._long, cells, share)
        self._detail_long += share * (detail - self._detail_long)

    def _nothing_seen(self, cells: Grey, gap_s: float) -> None:
        """A picture without anything in it; the long mean stays, so that an uncovered lens is seen at once."""
        before = self._long
        least = _BRIGHT if before is None else max(_DARK, _DIMMED * float(before.mean()))
        self._flat_s = self._flat_s + gap_s if float(cells.mean()) >= least else 0.0
        if self._flat_s >= _LASTS_S:
            usual = _FLAT if before is None else float(before.std())
            self.finding = Finding(
                kind="soiled",
                measure="covered",
                recent=float(cells.std()),
                usual=usual,
                tolerance=max(1.0, usual - _FLAT),
                n=0,
                hours=1,
                past=0,
            )


def _blend(mean: Grey, cells: Grey, share: float) -> Grey:
    return np.asarray(mean + np.float32(min(1.0, share)) * (cells - mean), dtype=np.float32)


def _agreement(now: Grey, before: Grey) -> float:
    """Correlation of both pictures' upright or of their level edges, whichever is less; 1 with nothing to compare.

    Each by itself, because a row of shelves that is shifted along itself looks much the same.
    """
    return min(
        _correlation(cv2.Sobel(now, cv2.CV_32F, *way), cv2.Sobel(before, cv2.CV_32F, *way))
        for way in ((1, 0), (0, 1))
    )


def _correlation(one: NDArray[Any], other: NDArray[Any]) -> float:
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread if spread else 1.0


def _detail(grey: NDArray[np.uint8]) -> float:
    """How much fine structure a picture has for its contrast; the finest is left out, there noise looks sharp."""
    contrast = float(grey.std())
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0)
    return float(np.abs(cv2.Laplacian(smooth, cv2.CV_32F)).mean()) / contrast if contrast else 0.0


def _finding(agreement: float, detail: float) -> Finding:
    if agreement < _MOVED:
        return Finding(
            kind="moved",
            measure="scene",
            recent=agreement,
            usual=0.95,
            tolerance=1 - _MOVED,
            n=0,
            hours=1,
            past=0,
        )
    return Finding(
        kind="soiled", measure="detail", recent=detail, usual=1.0, tolerance=1 - _SOILED, n=0, hours=1, past=0
    )
