"""What somebody looks like from afar, for seconds only: the colours of head and clothes as a few numbers.

It tells one customer from the next who takes the same place, and says nothing about who anybody is. It lives and
dies with a track in memory. Colours of clothes in front of one camera stay put for the seconds that matter here, so
no illumination is taken out; a distance is then simply in grey levels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.flow import Box

__all__ = ["Look", "Unlike", "compare", "look_of"]

_Edges = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

Look = NDArray[np.float32]
"""Colour quantiles `(2, 6, 3)` in grey levels 0..255: of head and of clothes, by rising share, of B, G, R; nan where
a part lies outside the picture."""

_HEAD = (0.10, -0.15, 0.90, 0.95)
_CLOTHES = (-0.15, 1.20, 1.15, 1.95)
"""Parts as left, top, right, bottom in widths and heights of the face box: hair and face, and chest below the chin."""

_SHOULDER = 0.9
_LEFT_MIN = 0.33
"""A body reaches so many face widths beyond either side of its face; a look needs so much of the clothes."""

_SHARES = np.array([0.05, 0.2, 0.4, 0.6, 0.8, 0.95])
_GRID = 14
"""Points along the longer side of a part that are looked at; about 200 a part, whatever the face's size."""

_POINTS_MIN = 24


def look_of(image: NDArray[np.uint8], box_px: Box, nearer: Sequence[Box] = ()) -> Look:
    """The look of the person whose face stands in `box_px`. `image`: BGR uint8 `(h, w, 3)`; nothing of it is kept.

    `nearer`: faces of people who stand before this one. What their bodies cover of the clothes is left out.
    """
    x, y, width, height = box_px
    head, chest = (
        (x + left * width, y + top * height, x + right * width, y + bottom * height)
        for left, top, right, bottom in (_HEAD, _CLOTHES)
    )
    return np.stack([_quantiles(image, head), _quantiles(image, _uncovered(chest, nearer))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlike:
    """Distance of two looks in grey levels, part by part; nan for a part that one of them does not show.

    The distance of quantiles is the earth mover's distance of the colour distributions, channel by channel.
    """

    head: float
    clothes: float

    @property
    def both(self) -> float:
        """Mean over the parts that both looks show; 0 where there is none, since nothing speaks against."""
        parts = [part for part in (self.head, self.clothes) if not math.isnan(part)]
        return sum(parts) / len(parts) if parts else 0.0

    @property
    def either(self) -> float:
        """The part that agrees better: the other may be covered for a moment."""
        parts = [part for part in (self.head, self.clothes) if not math.isnan(part)]
        return min(parts, default=0.0)


def compare(one: Look, other: Look) -> Unlike:
    """How far two looks are apart."""
    head, clothes = np.abs(one - other).mean(axis=(1, 2)).tolist()
    return Unlike(head=head, clothes=clothes)


def _uncovered(part: _Edges, nearer: Sequence[Box]) -> _Edges:
    """The wider rest of a part beside each body that stands before it; nothing where less than a third is left."""
    left, top, right, bottom = part
    whole = right - left
    for x, y, width, height in nearer:
        body_left, body_right = x - _SHOULDER * width, x + (1 + _SHOULDER) * width
        if y + height > bottom or body_right <= left or body_left >= right:
            continue
        if body_left - left > right - body_right:
            right = body_left
        else:
            left = body_right
    return (left, top, right, bottom) if right - left >= _LEFT_MIN * whole else (0.0, 0.0, 0.0, 0.0)


def _quantiles(image: NDArray[np.uint8], part: _Edges) -> NDArray[np.float32]:
    left, right = max(0, round(part[0])), min(image.shape[1], round(part[2]))
    top, bottom = max(0, round(part[1])), min(image.shape[0], round(part[3]))
    step = max(1, max(right - left, bottom - top) // _GRID)
    points = (
        image[top:bottom:step, left:right:step].reshape(-1, 3)
        if right > left and bottom > top
        else image[:0, 0]
    )
    if len(points) < _POINTS_MIN:
        return np.full((len(_SHARES), 3), np.nan, np.float32)
    ordered = np.sort(points, axis=0)
    return ordered[(_SHARES * (len(ordered) - 1)).astype(np.intp)].astype(np.float32)
