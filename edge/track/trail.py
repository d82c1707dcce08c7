"""One person's way through the picture, kept while the person may come back into view."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.flow import Box, Face, Zone
from edge.track.appearance import Look, Unlike, compare
from edge.track.state import TrackState
from edge.track.stillness import Stillness

__all__ = ["Patience", "Trail"]

_SIGHTINGS_MIN = 4
_SURE_SIGHTINGS_MIN = 3
_SEEN_MIN_S = 0.8
_UNSURE_SIGHTINGS_MIN = 10
_UNSURE_WAY_MIN = 1.5
"""Minimal evidence for a person. False alarms of a detector come once or twice; the stubborn ones, on goods and on
folds of cloth, stay in their place and hardly ever score like a face. So a track needs four sightings over 0.8 s or
more, three of them sure, or else ten and a way of one and a half face sizes."""

_VELOCITY_S = 0.25
"""The velocity is the mean over so long, exponentially weighted; somebody stops or starts within half a second."""

_COAST_S = 0.35
"""Somebody out of sight is expected to stop: the way ahead is at most so many seconds of the last velocity."""

_WALKING_SIZES_PER_S = 0.8

_LOOK_SHARE = 0.3
_ODD_LOOK_SHARE = 0.05
_ODD_LOOK = 14.0
_ODD_WAY = 0.8
"""Weight of the newest look, and of one that differs by so many grey levels: a moment's cover by somebody else, or a
face that turns away, shall not repaint its bearer. Who has gone on by so many face sizes came out from behind something
and looks like that now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """For how long somebody may be out of sight, in seconds of event time, and what is no living face.

    People look away and are covered by others: `hidden_s`. Whose way led out of the picture has gone: `leaving_s`.
    A face that has stood still for `still_s` since it was first seen is no living one. A detector is sure of a face
    from `sure_score` on.
    """

    hidden_s: float = 3.5
    leaving_s: float = 0.7
    still_s: float = 5.0
    sure_score: float = 0.8


class Trail:
    """Where a face was, where it is going and what its bearer looks like. Changed by its tracker only."""

    def __init__(
        self,
        *,
        key: int,
        at_ns: int,
        face: Face,
        look: Look,
        zone: Zone,
        patience: Patience,
        stillness: Stillness,
    ) -> None:
        box_px = face.box_px
        self.key = key
        self.first_ns = self.last_ns = at_ns
        self.box_px = self.clear_box_px = self.largest_box_px = self._first_box_px = box_px
        self._sure_sightings = int(face.score >= patience.sure_score)
        self._way = 0.0
        self.reported = False
        self.sightings = 1
        self._patience = patience
        self._look = self._latest_look = look
        self._zone = zone
        self._zone_s = dict.fromkeys(Zone, 0.0)
        self._velocity = (0.0, 0.0)
        self.stillness = stillness

    def see(self, at_ns: int, face: Face, look: Look, zone: Zone, image: NDArray[np.uint8]) -> None:
        """The face was found again, later than before."""
        box_px = face.box_px
        gap_s = (at_ns - self.last_ns) / 1e9
        share = -math.expm1(-gap_s / _VELOCITY_S) if self.sightings > 1 else 1.0
        (x0, y0), (x1, y1) = _middle(self.box_px), _middle(box_px)
        steps = ((x1 - x0) / gap_s, (y1 - y0) / gap_s)
        self._velocity = (
            self._velocity[0] + share * (steps[0] - self._velocity[0]),
            self._velocity[1] + share * (steps[1] - self._velocity[1]),
        )
        self._zone_s[self._zone] += gap_s / 2
        self._zone_s[zone] += gap_s / 2
        as_ever = compare(self._look, look).both < _ODD_LOOK or self.off_clear(box_px) > _ODD_WAY
        share = _LOOK_SHARE if as_ever else _ODD_LOOK_SHARE
        blend = self._look + np.float32(share) * (look - self._look)
        self._look = np.where(np.isnan(blend), np.where(np.isnan(look), self._look, look), blend)
        self._latest_look = look
        self._zone, self.box_px, self.last_ns = zone, box_px, at_ns
        if as_ever:
            self.clear_box_px = box_px
        self._sure_sightings += face.score >= self._patience.sure_score
        self._way = max(self._way, _apart_px(box_px, self._first_box_px) / size_px(self._first_box_px))
        self.sightings += 1
        if size_px(box_px) > size_px(self.largest_box_px):
            self.largest_box_px = box_px
        self.stillness.see(at_ns, box_px, image)

    @property
    def is_still(self) -> bool:
        """Is this a face that never moves?"""
        return self.stillness.is_still

    @property
    def is_walking(self) -> bool:
        """Did the face move like that of somebody who walks, when last in sight?"""
        return math.hypot(*self._velocity) >= _WALKING_SIZES_PER_S * size_px(self.box_px)

    def gap_s(self, at_ns: int) -> float:
        """Seconds out of sight."""
        return (at_ns - self.last_ns) / 1e9

    def off_track(self, at_ns: int, box_px: Box) -> float:
        """How far a face is from the way between the last place and where the last velocity leads, in face sizes."""
        coast_s = _COAST_S * -math.expm1(-self.gap_s(at_ns) / _COAST_S)
        ahead = (self._velocity[0] * coast_s, self._velocity[1] * coast_s)
        (x0, y0), (x, y) = _middle(self.box_px), _middle(box_px)
        away = (x - x0, y - y0)
        length2 = ahead[0] ** 2 + ahead[1] ** 2
        along = min(1.0, max(0.0, (away[0] * ahead[0] + away[1] * ahead[1]) / length2)) if length2 else 0.0
        apart_px = math.hypot(away[0] - along * ahead[0], away[1] - along * ahead[1])
        return apart_px / math.sqrt(size_px(box_px) * size_px(self.box_px))

    def off_clear(self, box_px: Box) -> float:
        """How far a face is from where this one last looked as ever, in sizes that it had there."""
        return _apart_px(box_px, self.clear_box_px) / size_px(self.clear_box_px)

    def resized(self, box_px: Box) -> float:
        """Change of size from the last box, as absolute natural logarithm."""
        return abs(math.log(size_px(box_px) / size_px(self.box_px)))

    def unlike(self, look: Look) -> Unlike:
        """How far this look is from what was seen until now, or from what was seen last: the closer of the two."""
        steady, latest = compare(self._look, look), compare(self._latest_look, look)
        return steady if steady.both <= latest.both else latest

    def is_over(self, at_ns: int, picture_px: tuple[int, int]) -> bool:
        """Has this person been out of sight for longer than patience lasts?"""
        leaves = self.is_walking and self._heads_out(picture_px)
        return self.gap_s(at_ns) > (self._patience.leaving_s if leaves else self._patience.hidden_s)

    def state(self) -> TrackState:
        """What is known now."""
        zone_s = self._zone_s
        most = max(Zone, key=lambda zone: (zone_s[zone], zone is self._zone))
        seen_s = (self.last_ns - self.first_ns) / 1e9
        if self._sure_sightings >= _SURE_SIGHTINGS_MIN:
            enough = self.sightings >= _SIGHTINGS_MIN and seen_s >= _SEEN_MIN_S
        else:
            enough = self.sightings >= _UNSURE_SIGHTINGS_MIN and self._way >= _UNSURE_WAY_MIN
        return TrackState(
            key=self.key,
            first_ns=self.first_ns,
            last_ns=self.last_ns,
            sightings=self.sightings,
            zone=most,
            customer_zone_s=zone_s[Zone.CUSTOMER],
            cashier_zone_s=zone_s[Zone.CASHIER],
            box_px=self.box_px,
            largest_box_px=self.largest_box_px,
            still_s=self.stillness.still_s,
            is_still=self.is_still,
            counts=enough and not self.is_still and most is not Zone.CASHIER,
        )

    def _heads_out(self, picture_px: tuple[int, int]) -> bool:
        """Would another half second have led out of the picture?"""
        (x, y), (dx, dy) = _middle(self.box_px), self._velocity
        width, height = picture_px
        return not (0 <= x + dx / 2 <= width and 0 <= y + dy / 2 <= height)


def size_px(box_px: Box) -> float:
    """Side of the square of the same area; steadier than the width of a face that turns."""
    return max(1.0, math.sqrt(box_px[2] * box_px[3]))


def _apart_px(one: Box, other: Box) -> float:
    (x0, y0), (x1, y1) = _middle(one), _middle(other)
    return math.hypot(x1 - x0, y1 - y0)


def _middle(box_px: Box) -> tuple[float, float]:
    x, y, width, height = box_px
    return x + width / 2, y + height / 2
