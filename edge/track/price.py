"""How likely a face is the next sight of a trail: by the way, the size and the look."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.flow import Box, Face
from edge.track.appearance import Look, look_of
from edge.track.trail import Trail, size_px

__all__ = ["Sight", "price"]

_STEP_SIZES = 0.6
_STEP_SIZES_PER_S = 5.0
_STEP_S_MAX = 0.4
"""A face may be off its expected way by 0.6 sizes plus 5 a second, at most as after 0.4 s: walking starts and stops.
Overlap of boxes, the usual measure, is nothing between two pictures of a passer-by at 3 pictures a second."""

_RESIZE_MAX = 0.55
_RESIZE_PER_S = 0.6
"""As natural logarithm. Turning away makes a face as much smaller as two steps towards the camera make it larger."""

_UNLIKE_MAX = 34.0
_UNLIKE_LATE_MAX = 18.0
_LATE_S = 1.2
"""Grey levels by which a look may differ between two neighbouring pictures, where place and size tell enough, and
after a gap, where they do not: there the next customer stands where the last one stood. One person who stands
differs by 3 (median) to 19, two people by 9 to 17 at the least and 35 in the median (shared clips, 2026-11)."""

_UNLIKE_SAME = 12.0
_SAME_AFTER_S = 0.3
_SAME_STEP_SIZES = 1.2
_SAME_STEP_SIZES_PER_S = 6.0
_SAME_RESIZE = 0.7
_SAME_RESIZE_PER_S = 0.8
_SAME_S_MAX = 1.0
"""Who looks the same but for 12 grey levels and was walking may have gone further while covered by somebody."""

_STILL_STEP_SIZES = 0.3
_STILL_RESIZE = 0.25
"""A still face is known by its place alone, whoever stands before its chest."""

_NEXT_S = 0.35
_NEXT_OFF = 0.6
_NEXT_STRANGE_MIN, _NEXT_STRANGE_MAX = 0.2, 0.6
_AGREES = 8.0
"""In neighbouring pictures, at the expected place, it is enough that head or clothes agree well, since somebody may
just pass before the other; and no look at all outweighs place and size, the less the better they fit, since somebody
may come out from behind."""

_TURNED_OFF = 0.8
_TURNED_SIZE_MAX = 1.1
"""A face that turns away is found at its place, smaller than before, with hair for skin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A face in the present picture, what its bearer looks like, and the faces of who may stand before."""

    face: Face
    look: Look
    nearer: tuple[Box, ...]


def price(trail: Trail, at_ns: int, sight: Sight, image: NDArray[np.uint8]) -> float:
    """What it costs to take this face for the one of this trail: 0 for a perfect fit, 1 and above for none, or inf."""
    box_px, gap_s = sight.face.box_px, trail.gap_s(at_ns)
    off, resized = trail.off_track(at_ns, box_px), trail.resized(box_px)
    if trail.is_still:
        return (off / _STILL_STEP_SIZES) ** 2 + (resized / _STILL_RESIZE) ** 2
    near = min(gap_s, _STEP_S_MAX)
    step, resize = _STEP_SIZES + _STEP_SIZES_PER_S * near, _RESIZE_MAX + _RESIZE_PER_S * near
    fit = (off / step) ** 2 + (resized / resize) ** 2
    far = min(gap_s, _SAME_S_MAX)
    step, resize = _SAME_STEP_SIZES + _SAME_STEP_SIZES_PER_S * far, _SAME_RESIZE + _SAME_RESIZE_PER_S * far
    far_fit = (off / step) ** 2 + (resized / resize) ** 2
    if min(fit, far_fit) >= 1:
        return float("inf")
    unlike = _unlike(trail, gap_s, off, sight, image)
    late = min(1.0, gap_s / _LATE_S)
    strange = (unlike / (_UNLIKE_MAX + late * (_UNLIKE_LATE_MAX - _UNLIKE_MAX))) ** 2
    if gap_s < _NEXT_S and off < _NEXT_OFF:
        strange = min(strange, _NEXT_STRANGE_MIN + 2 * fit, _NEXT_STRANGE_MAX)
    likely = fit + strange
    same = far_fit + (unlike / _UNLIKE_SAME) ** 2
    if gap_s >= _SAME_AFTER_S and trail.is_walking and same < 1:
        return min(likely, (1 + same) / 2)
    return likely


def _unlike(trail: Trail, gap_s: float, off: float, sight: Sight, image: NDArray[np.uint8]) -> float:
    """Grey levels that speak against this face being that of the trail."""
    apart = trail.unlike(sight.look)
    if apart.both <= _AGREES:
        return apart.both
    if gap_s < _NEXT_S and off < _NEXT_OFF and apart.either <= _AGREES:
        return apart.either
    larger = size_px(sight.face.box_px) / size_px(trail.clear_box_px)
    if trail.off_clear(sight.face.box_px) < _TURNED_OFF and larger <= _TURNED_SIZE_MAX:
        # The box of a turned head sits elsewhere, and so do the clothes below it: look where they were.
        chest = trail.unlike(look_of(image, trail.clear_box_px, sight.nearer)).clothes
        if trail.is_walking and not math.isnan(apart.head):
            chest = max(chest, apart.head / 2)  # the walker's own coat may fill the place that he just left
        return apart.both if math.isnan(chest) else min(apart.both, chest)
    return apart.both
