"""Where do customers pay and where does the cashier stand? Told from where faces dwell; of pictures nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from edge.flow import Box, Face
from edge.track import Tracker, Zones

__all__ = ["DwellMap", "Stay", "Suggestion", "heat_rows", "suggest"]

_STEADY = 0.6
"""Face widths a second: who moves more slowly stands."""
_STAY_MIN_S = 1.5
_NEAR = 1.6
"""Two places so many face widths apart, or less, are one."""
_SIZE_FACTOR = 1.5
"""Faces whose widths differ by more do not stand at one place: one of them waits behind."""
_CASHIER_STAY = 2.0
"""The cashier stays so many times as long as a customer."""
_MARGIN = 1.5
_VISITS_MIN = 3
_SHADES = " .:-=+*#%@"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One person standing at one place: middle of the face and its width in pixels, and for how long."""

    x: float
    y: float
    face_px: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Zones as `lanes[].zones_px` takes them; None where there was too little to see. `visits`: stays behind each."""

    customer: tuple[tuple[int, int], ...] | None
    cashier: tuple[tuple[int, int], ...] | None
    visits: int
    cashier_visits: int
    seconds: float

    def yaml(self, *, indent: int = 4) -> str:
        """For the configuration; a zone that is not known is left out."""
        pad = " " * indent
        told = [f"{pad}zones_px:"]
        for name, corners in (("customer", self.customer), ("cashier", self.cashier)):
            if corners is not None:
                told.append(f"{pad}  {name}: {[list(corner) for corner in corners]}")
        return "\n".join(told)


class DwellMap:
    """Follows faces and keeps where they stood, as numbers. Feed it frame by frame."""

    def __init__(self) -> None:
        self._tracker = Tracker(zones=Zones(), max_track_s=900.0)
        self._ways: dict[int, list[tuple[int, Box]]] = {}
        self._stays: list[Stay] = []
        self.size_px = (0, 0)
        self.seconds = 0.0
        self._begun_ns: int | None = None

    def add(self, at_ns: int, faces: Sequence[Face], image: NDArray[np.uint8]) -> None:
        """The faces of one frame, later than the one before."""
        self.size_px = (image.shape[1], image.shape[0])
        self._begun_ns = at_ns if self._begun_ns is None else self._begun_ns
        self.seconds = (at_ns - self._begun_ns) / 1e9
        update = self._tracker.update(at_ns, faces, image)
        for track, face in update.seen:
            self._ways.setdefault(track.key, []).append((at_ns, face.box_px))
        for track in update.ended:
            self._end(track.key, still=track.is_still)

    def stays(self) -> list[Stay]:
        """Every stay until now; who still stands there counts too."""
        for track in self._tracker.finish():
            self._end(track.key, still=track.is_still)
        return list(self._stays)

    def _end(self, key: int, *, still: bool) -> None:
        way = self._ways.pop(key, [])
        if not still:  # a poster stays longest of all
            self._stays += stays_of(way)


def stays_of(way: Sequence[tuple[int, Box]]) -> list[Stay]:
    """The spans of one person's way in which the face hardly moved."""
    found: list[Stay] = []
    group: list[tuple[int, Box]] = []
    for at_ns, box in way:
        if group and _speed(group[-1], (at_ns, box)) > _STEADY:
            found += _stay(group)
            group = []
        group.append((at_ns, box))
    return [*found, *_stay(group)]


def _speed(one: tuple[int, Box], other: tuple[int, Box]) -> float:
    (before_ns, (x0, y0, w0, h0)), (at_ns, (x1, y1, w1, h1)) = one, other
    apart = float(np.hypot(x1 + w1 / 2 - x0 - w0 / 2, y1 + h1 / 2 - y0 - h0 / 2))
    return apart / max(1.0, min(w0, w1)) / max(1e-3, (at_ns - before_ns) / 1e9)


def _stay(group: Sequence[tuple[int, Box]]) -> list[Stay]:
    seconds = (group[-1][0] - group[0][0]) / 1e9 if group else 0.0
    if seconds < _STAY_MIN_S:
        return []
    boxes = [box for _, box in group]
    return [
        Stay(
            x=median(x + w / 2 for x, _, w, _ in boxes),
            y=median(y + h / 2 for _, y, _, h in boxes),
            face_px=median(w for _, _, w, _ in boxes),
            seconds=seconds,
        )
    ]


def suggest(stays: Sequence[Stay], *, size_px: tuple[int, int], seconds: float) -> Suggestion:
    """Zones from stays.

    Places are groups of stays near to each other with faces of like width. Customers: the place with most visits,
    weighed by how near to the camera it is, since the next one waits behind. The cashier: another place where people
    stay at least twice as long. Companions beside the customers belong to them. Borders lie one and a half face widths
    around the faces, and half way between both.
    """
    places = _places(stays)
    busy = [place for place in places if len(place) >= _VISITS_MIN]
    if not busy:
        return Suggestion(customer=None, cashier=None, visits=0, cashier_visits=0, seconds=seconds)
    short = median(stay.seconds for stay in stays)
    customers = max(busy, key=lambda place: _crowd(place, short))
    usual_s = median(stay.seconds for stay in customers)
    others = [place for place in places if place is not customers]
    cashiers = [
        place
        for place in others
        if max(stay.seconds for stay in place) >= _CASHIER_STAY * usual_s and _beside(place, customers)
    ]
    cashier = max(cashiers, key=lambda place: sum(stay.seconds for stay in place), default=None)
    party = [
        *customers,
        *(stay for place in others if place not in cashiers and _joins(place, customers) for stay in place),
    ]
    left, top, right, bottom = _around(party)
    cashier_box = None
    if cashier is not None:
        cashier_box = _around(cashier)
        (left, right), (other_left, other_right) = _apart((left, right), cashier_box[::2], party, cashier)
        cashier_box = (other_left, cashier_box[1], other_right, cashier_box[3])
    return Suggestion(
        customer=_corners((left, top, right, bottom), size_px),
        cashier=None if cashier_box is None else _corners(cashier_box, size_px),
        visits=len(customers),
        cashier_visits=0 if cashier is None else len(cashier),
        seconds=seconds,
    )


def _places(stays: Sequence[Stay]) -> list[list[Stay]]:
    """Groups by single linkage: a stay joins every group that has one near to it."""
    groups: list[list[Stay]] = []
    for stay in sorted(stays, key=lambda one: (one.x, one.y, one.face_px)):
        near = [group for group in groups if any(_same_place(stay, other) for other in group)]
        joined = [stay, *(one for group in near for one in group)]
        groups = [group for group in groups if group not in near]
        groups.append(joined)
    return groups


def _same_place(one: Stay, other: Stay) -> bool:
    width = min(one.face_px, other.face_px)
    if max(one.face_px, other.face_px) > _SIZE_FACTOR * width:
        return False
    return float(np.hypot(one.x - other.x, one.y - other.y)) <= _NEAR * width


def _crowd(place: Sequence[Stay], short_s: float) -> float:
    """Visits times the size of faces; a stay counts once however long, for a cashier comes seldom and stays."""
    visits = sum(stay.seconds <= 4 * short_s for stay in place)
    return visits * median(stay.face_px for stay in place) ** 2


def _beside(place: Sequence[Stay], customers: Sequence[Stay]) -> bool:
    """Far enough to the side to be the other side of the counter."""
    width = median(stay.face_px for stay in customers)
    return abs(median(s.x for s in place) - median(s.x for s in customers)) > 2 * width


def _joins(place: Sequence[Stay], customers: Sequence[Stay]) -> bool:
    """Companions stand beside whoever pays, as near to the camera; the next customer waits behind."""
    width, own = (median(stay.face_px for stay in group) for group in (customers, place))
    apart = abs(median(s.x for s in place) - median(s.x for s in customers))
    return apart <= 3 * width and max(width, own) <= 1.35 * min(width, own)


def _around(place: Sequence[Stay]) -> tuple[float, float, float, float]:
    margin = _MARGIN * median(stay.face_px for stay in place)
    xs, ys = [stay.x for stay in place], [stay.y for stay in place]
    return min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + 2 * margin


def _apart(
    one: tuple[float, float], other: tuple[float, ...], first: Sequence[Stay], second: Sequence[Stay]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Both spans across the picture, cut where they would meet."""
    middle = (median(s.x for s in first) + median(s.x for s in second)) / 2
    if median(s.x for s in first) < middle:
        return (one[0], min(one[1], middle)), (max(other[0], middle), other[1])
    return (max(one[0], middle), one[1]), (other[0], min(other[1], middle))


def _corners(
    box: tuple[float, float, float, float], size_px: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]:
    left, right = (int(min(size_px[0], max(0, value))) for value in (box[0], box[2]))
    top, bottom = (int(min(size_px[1], max(0, value))) for value in (box[1], box[3]))
    return (left, top), (right, top), (right, bottom), (left, bottom)


def heat_rows(
    stays: Iterable[Stay], suggestion: Suggestion, *, size_px: tuple[int, int], columns: int = 64
) -> list[str]:
    """The picture's area in letters: darker where people stood longer, C and K at the zones' borders."""
    rows = max(8, round(columns * size_px[1] / size_px[0] / 2))
    heat = np.zeros((rows, columns))
    for stay in stays:
        radius = max(1.0, stay.face_px / size_px[0] * columns / 2)
        across = np.arange(columns)[None, :] - stay.x / size_px[0] * columns
        down = (np.arange(rows)[:, None] - stay.y / size_px[1] * rows) * 2
        heat += stay.seconds * np.exp(-(across**2 + down**2) / (2 * radius**2))
    strongest = float(heat.max()) or 1.0
    shades = np.sqrt(heat / strongest) * (len(_SHADES) - 1)
    canvas = [[_SHADES[int(value)] for value in row] for row in shades]
    for letter, corners in (("C", suggestion.customer), ("K", suggestion.cashier)):
        if corners is not None:
            _frame(canvas, letter, corners, size_px)
    return ["".join(row) for row in canvas]


def _frame(
    canvas: list[list[str]], letter: str, corners: Sequence[tuple[int, int]], size_px: tuple[int, int]
) -> None:
    rows, columns = len(canvas), len(canvas[0])
    xs = [min(columns - 1, int(x / size_px[0] * columns)) for x, _ in corners]
    ys = [min(rows - 1, int(y / size_px[1] * rows)) for _, y in corners]
    for x in range(min(xs), max(xs) + 1):
        canvas[min(ys)][x] = canvas[max(ys)][x] = letter
    for y in range(min(ys), max(ys) + 1):
        canvas[y][min(xs)] = canvas[y][max(xs)] = letter
