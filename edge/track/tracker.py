"""Which face belongs to whom: one person is one track, the next person is the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.flow import Box, Face
from edge.track.appearance import look_of
from edge.track.assign import assign
from edge.track.price import Sight, price
from edge.track.state import TrackState, TrackUpdate
from edge.track.stillness import Stillness
from edge.track.trail import Patience, Trail, size_px
from edge.track.zones import Zones

__all__ = ["Tracker"]

_POSTER_OFF = 0.15
_POSTER_RESIZE = 0.12
_POSTERS_MAX = 16
"""A still face that was covered for longer than patience is known again by its place; of more than so many the oldest
is forgotten, and looked at anew."""

_NEARER = 1.05
"""Whose face is so much larger stands before the other."""

_DOUBLE_SHARE = 0.6
"""Two boxes of one frame that share so much of the smaller one are one face, found twice."""


class Tracker:
    """Joins the faces of one camera, frame after frame, to people. Used from one thread.

    Works at any rate from about 3 pictures a second; all patience is in seconds of event time. A track ends when its
    person is out of sight for longer than patience, and after `max_track_s` at the latest: whoever still stands there
    then is followed in silence until gone, and gives no second track. The tracks found do not depend on the order of
    the faces within a frame.
    """

    def __init__(
        self,
        *,
        zones: Zones,
        patience_s: float = 3.5,
        max_track_s: float = 120.0,
        still_s: float = 5.0,
    ) -> None:
        """Settings: patience with somebody out of sight, the longest track, a poster's stillness."""
        if min(patience_s, max_track_s, still_s) <= 0:
            raise ValueError(f"seconds are above 0; got {patience_s=}, {max_track_s=}, {still_s=}")
        self._zones = zones
        self._patience = Patience(hidden_s=patience_s, still_s=still_s)
        self._max_track_ns = round(max_track_s * 1e9)
        self._trails: list[Trail] = []
        self._posters: list[Stillness] = []
        self._count = 0
        self._now_ns: int | None = None

    @property
    def live(self) -> bool:
        """Is somebody followed of whom there is still something to tell?"""
        return any(not (trail.reported or trail.is_still) for trail in self._trails)

    def update(self, at_ns: int, faces: Sequence[Face], image: NDArray[np.uint8]) -> TrackUpdate:
        """Take in one frame, later than the one before; raises ValueError for one that is not.

        `image`: the picture in which the faces were found, BGR uint8 `(h, w, 3)`. Of it only colour figures and
        thumbnails of 16 x 20 grey cells are kept, in memory and for as long as the track lives; a poster's until the
        camera ends.
        """
        if self._now_ns is not None and at_ns <= self._now_ns:
            raise ValueError(f"frames come in order of time; got {at_ns} ns after {self._now_ns} ns")
        self._now_ns = at_ns
        ended = self._let_go(at_ns, (image.shape[1], image.shape[0]))
        sights = _sights(faces, image)
        prices = np.array([[price(trail, at_ns, sight, image) for sight in sights] for trail in self._trails])
        pairs = assign(prices.reshape(len(self._trails), len(sights)), alone=1.0)
        holders = {column: self._trails[row] for row, column in pairs}
        seen = []
        for column, sight in enumerate(sights):
            trail = self._follow(at_ns, sight, holders.get(column), image)
            if not trail.reported:
                seen.append((trail.state(), sight.face))
        return TrackUpdate(seen=tuple(sorted(seen, key=lambda pair: pair[0].key)), ended=ended)

    def finish(self) -> tuple[TrackState, ...]:
        """The camera shows nothing more: end every track. What comes next may begin at any time, an earlier one too."""
        ended = tuple(trail.state() for trail in self._trails if not trail.reported)
        self._trails, self._posters, self._now_ns = [], [], None
        return ended

    def _follow(self, at_ns: int, sight: Sight, trail: Trail | None, image: NDArray[np.uint8]) -> Trail:
        """Give one face to its trail, or begin one."""
        zone = self._zones.zone_of(sight.face.box_px)
        if trail is not None:
            trail.see(at_ns, sight.face, sight.look, zone, image)
            return trail
        self._count += 1
        trail = Trail(
            key=self._count,
            at_ns=at_ns,
            face=sight.face,
            look=sight.look,
            zone=zone,
            patience=self._patience,
            stillness=self._stillness_of(at_ns, sight.face.box_px, image),
        )
        self._trails.append(trail)
        return trail

    def _stillness_of(self, at_ns: int, box_px: Box, image: NDArray[np.uint8]) -> Stillness:
        """A new face's stillness: the one that was known at this place, or a new one."""
        for poster in self._posters:
            if _same_place(poster.box_px, box_px):
                self._posters.remove(poster)
                return poster
        return Stillness(at_ns=at_ns, box_px=box_px, image=image, after_s=self._patience.still_s)

    def _let_go(self, at_ns: int, picture_px: tuple[int, int]) -> tuple[TrackState, ...]:
        """End the trails whose person has gone, or has been told of for long enough."""
        ended, kept = [], []
        for trail in self._trails:
            over = trail.is_over(at_ns, picture_px)
            too_long = at_ns - trail.first_ns >= self._max_track_ns
            if (over or too_long) and not trail.reported:
                ended.append(trail.state())
                trail.reported = True
            if not over:
                kept.append(trail)
            elif trail.is_still:
                self._posters = [*self._posters, trail.stillness][-_POSTERS_MAX:]
        self._trails = kept
        return tuple(ended)


def _sights(faces: Sequence[Face], image: NDArray[np.uint8]) -> list[Sight]:
    """Each face of one frame once, from left to right, with the look of its bearer."""
    single = _singled(faces)
    sights = []
    for face in single:
        nearer = tuple(
            other.box_px for other in single if size_px(other.box_px) > _NEARER * size_px(face.box_px)
        )
        sights.append(Sight(face=face, look=look_of(image, face.box_px, nearer), nearer=nearer))
    return sights


def _same_place(one: Box, other: Box) -> bool:
    """Are two boxes the same but for a detector's jitter?"""
    size = size_px(one)
    apart = max(abs(one[i] + one[i + 2] / 2 - other[i] - other[i + 2] / 2) for i in (0, 1))
    return apart < _POSTER_OFF * size and abs(size_px(other) - size) < _POSTER_RESIZE * size


def _singled(faces: Sequence[Face]) -> list[Face]:
    """The faces of one frame from left to right, without those that lie upon a surer one."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: (-face.score, face.box_px)):
        if all(_shared(face.box_px, other.box_px) < _DOUBLE_SHARE for other in kept):
            kept.append(face)
    return sorted(kept, key=lambda face: (face.box_px, -face.score))


def _shared(one: Box, other: Box) -> float:
    """Common area in shares of the smaller box."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / min(size_px(one), size_px(other)) ** 2
