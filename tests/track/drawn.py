"""A lane of coloured rectangles: people walk along way points, and their faces are found wherever nobody covers them.

Enough of a picture for a tracker, which sees boxes, colours and whether the pixels move, and drawn in a millisecond.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.flow import Box, Face
from edge.track import Tracker, TrackState, Zones

__all__ = ["CASHIER_PX", "CUSTOMER_PX", "SIZE_PX", "Person", "Told", "shots", "watch"]

SIZE_PX = (640, 360)
CUSTOMER_PX = [(40, 20), (330, 20), (330, 310), (40, 310)]
CASHIER_PX = [(480, 30), (640, 30), (640, 310), (480, 310)]
_TALL = 1.28
_SKIN = (120, 160, 210)

Shot = tuple[int, list[tuple[str, Face]], NDArray[np.uint8]]


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody in clothes of one colour (BGR) on a way of `(seconds, x, y of the face's middle, face width)`.

    Before the first and after the last point the person is not there. `away`: spans in seconds without a face to be
    found. `sway`: 1 for a living person; 0 for a poster.
    """

    name: str
    way: Sequence[tuple[float, float, float, float]]
    clothes: tuple[int, int, int] = (60, 60, 160)
    hair: tuple[int, int, int] = (30, 40, 60)
    away: Sequence[tuple[float, float]] = ()
    sway: float = 1.0

    def box_at(self, at_s: float) -> Box | None:
        """The face's box, or None for somebody who is not there."""
        times = [point[0] for point in self.way]
        if not times[0] <= at_s <= times[-1]:
            return None
        x, y, width = (float(np.interp(at_s, times, [point[i] for point in self.way])) for i in (1, 2, 3))
        x += self.sway * width * (0.035 * math.sin(1.9 * at_s) + 0.015 * math.sin(5.2 * at_s + 1))
        y += self.sway * width * 0.025 * math.sin(3 * at_s)
        return x - width / 2, y - _TALL * width / 2, width, _TALL * width

    def looks_away(self, at_s: float) -> bool:
        """Is there no face to be found just now?"""
        return any(start <= at_s <= end for start, end in self.away)


@dataclass(frozen=True)
class Told:
    """One track as it ended, and on whom it sat how often."""

    state: TrackState
    who: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        """Whom it sat on; all of them, joined, where it was more than one."""
        return "+".join(sorted(self.who))


def shots(
    people: Sequence[Person], *, to_s: float, rate_hz: float = 5.0, from_s: float = 0.0
) -> Iterator[Shot]:
    """Time, found faces with their owners' names, and picture, `rate_hz` times a second."""
    noise = np.random.default_rng(7).integers(0, 5, (SIZE_PX[1], SIZE_PX[0] + 64, 3), np.uint8)
    for index in range(math.ceil(from_s * rate_hz), math.floor(to_s * rate_hz) + 1):
        at_s = index / rate_hz
        image = np.full((SIZE_PX[1], SIZE_PX[0], 3), 90, np.uint8)
        there = [(person, box) for person in people if (box := person.box_at(at_s)) is not None]
        there.sort(key=lambda pair: pair[1][2])
        for person, box in there:
            _paint(image, person, box)
        image += noise[:, (13 * index) % 64 :][:, : SIZE_PX[0]]
        faces = [
            (person.name, _face(box))
            for place, (person, box) in enumerate(there)
            if not person.looks_away(at_s)
            and 0 <= box[0] + box[2] / 2 <= SIZE_PX[0]
            and not any(_covers(nearer, box) for _, nearer in there[place + 1 :])
        ]
        yield round(1e12 + at_s * 1e9), faces, image


def watch(
    people: Sequence[Person],
    *,
    to_s: float,
    rate_hz: float = 5.0,
    zones: Zones | None = None,
    reorder: Callable[[list[tuple[str, Face]]], list[tuple[str, Face]]] = list,
    **settings: float,
) -> list[Told]:
    """Drive a tracker through a drawn scene; every track in order of first sight, those that do not count included."""
    tracker = Tracker(zones=zones or Zones(customer=CUSTOMER_PX, cashier=CASHIER_PX), **settings)
    who: dict[int, Counter[str]] = {}
    ended: list[TrackState] = []
    for at_ns, in_order, image in shots(people, to_s=to_s, rate_hz=rate_hz):
        found = reorder(in_order)
        update = tracker.update(at_ns, [face for _, face in found], image)
        ended.extend(update.ended)
        names = {face.box_px: name for name, face in found}
        for state, face in update.seen:
            who.setdefault(state.key, Counter())[names[face.box_px]] += 1
    ended.extend(tracker.finish())
    return [Told(state, who[state.key]) for state in sorted(ended, key=lambda state: state.key)]


def _face(box_px: Box) -> Face:
    x, y, width, height = box_px
    points = [(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)]
    landmarks = np.array([(x + px * width, y + py * height) for px, py in points], np.float32)
    return Face(box_px=box_px, landmarks_px=landmarks, score=0.9)


def _paint(image: NDArray[np.uint8], person: Person, box_px: Box) -> None:
    _fill(image, box_px, (-0.15, -0.3, 1.15, 0.9), person.hair)
    _fill(image, box_px, (0.05, 0.0, 0.95, 1.0), _SKIN)
    for left in (0.2, 0.6):
        _fill(image, box_px, (left, 0.35, left + 0.2, 0.45), (40, 40, 40))
    _fill(image, box_px, (0.3, 0.75, 0.7, 0.85), (80, 80, 160))
    _fill(image, box_px, (-0.6, 1.15, 1.6, 4.0), person.clothes)


def _fill(
    image: NDArray[np.uint8],
    box_px: Box,
    part: tuple[float, float, float, float],
    colour: tuple[int, int, int],
) -> None:
    x, y, width, height = box_px
    left, right = max(0, round(x + part[0] * width)), max(0, round(x + part[2] * width))
    top, bottom = max(0, round(y + part[1] * height)), max(0, round(y + part[3] * height))
    image[top:bottom, left:right] = colour


def _covers(nearer: Box, box_px: Box) -> bool:
    """Does the head or body of somebody nearer stand before the middle of this face?"""
    x, y = box_px[0] + box_px[2] / 2, box_px[1] + box_px[3] / 2
    left, top, width, height = nearer
    head = left - 0.15 * width <= x <= left + 1.15 * width and top - 0.3 * height <= y <= top + 1.15 * height
    return head or (left - 0.6 * width <= x <= left + 1.6 * width and y >= top + 1.15 * height)
