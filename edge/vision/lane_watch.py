"""One lane between two frames: who is there, which of their crops shall be read, what is to be told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.face import QualityGate, crop_face
from edge.flow import Box, Crop, Face, Frame, Role, Sighting, TrackReport, Zone
from edge.track import Tracker, TrackState, Zones
from edge.vision.person import Estimator, Person

__all__ = ["Candidate", "LaneWatch", "Refine"]

CUSTOMER_FROM_S = 1.0
"""Seconds in the customer zone that make a customer (`schemas.md`: `role`)."""

Refine = Callable[[NDArray[np.uint8], Sequence[Face]], list[Face]]
"""Faces found on a reduced picture to the same faces with landmarks exact enough for the crop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A crop that shall be read, and the person whom it shows."""

    person: Person
    crop: Crop


class LaneWatch:
    """Tracks, best shots and estimates of one lane. Used from one thread."""

    def __init__(
        self,
        *,
        lane: str,
        camera: str,
        zones: Zones,
        tracker: Tracker,
        gate: QualityGate,
        refine: Refine,
        estimator: Estimator,
        model: str,
        budget: int,
    ) -> None:
        self.lane = lane
        self.camera = camera
        self.zones = zones
        self._tracker = tracker
        self._gate = gate
        self._refine = refine
        self._estimator = estimator
        self._model = model
        self._budget = budget
        self._people: dict[int, Person] = {}
        self._seen: list[tuple[TrackState, Face]] = []
        self._ended: list[TrackState] = []

    @property
    def live(self) -> bool:
        """Is anybody tracked here, so that the lane must be looked at even when nothing moves?"""
        return self._tracker.live

    def track(self, frame: Frame, faces: Sequence[Face]) -> None:
        """Join the faces of one frame to the people of this lane."""
        update = self._tracker.update(frame.at_ns, faces, frame.image)
        self._seen = list(update.seen)
        self._ended.extend(update.ended)

    def sightings(self, frame: Frame) -> list[Sighting]:
        """Who is to be seen in the frame that was tracked last."""
        return [
            Sighting(
                lane=self.lane,
                camera=self.camera,
                track=_track_id(self.lane, track.first_ns, track.key),
                at_ns=frame.at_ns,
                zone=self.zones.zone_of(face.box_px),
                face_px=face.box_px[2],
            )
            for track, face in self._seen
        ]

    def candidates(self, frame: Frame) -> list[Candidate]:
        """The crops of this frame that are worth reading, by gate and best-shot budget."""
        found = []
        for track, face in self._seen:
            if self.zones.zone_of(face.box_px) is Zone.CASHIER:
                continue
            person = self._people.setdefault(track.key, Person(budget=self._budget))
            crop = self._shot(frame, face)
            if crop.verdict.reason is not None:
                person.refused(crop.verdict, frame.at_ns, face.box_px)
            elif person.shots.wants(crop):
                [exact] = self._refine(frame.image, [face])
                crop = self._shot(frame, exact)
                if crop.verdict.reason is not None:
                    person.refused(crop.verdict, frame.at_ns, face.box_px)
                elif person.shots.admit(crop):
                    found.append(Candidate(person=person, crop=crop))
        return found

    def take(self, candidate: Candidate, logits: NDArray[np.float32]) -> None:
        """What the age model answered for one candidate of this lane."""
        candidate.person.read(candidate.crop, logits, self._estimator)

    def reports(self) -> list[TrackReport]:
        """What is new since the last call: changed estimates, and everybody who left."""
        told = []
        for track, face in self._seen:
            person = self._people.get(track.key)
            if person is not None and person.changed:
                person.changed = False
                told.append(self._report(track, person, face.box_px, ended=False))
        self._seen = []
        for track in self._ended:
            person = self._people.pop(track.key, None) or Person(budget=self._budget)
            if track.counts:
                told.append(self._report(track, person, track.box_px, ended=True))
        self._ended = []
        return told

    def finish(self) -> list[TrackReport]:
        """The camera ended: everybody who is still here is told as gone."""
        self._ended.extend(self._tracker.finish())
        return self.reports()

    def _shot(self, frame: Frame, face: Face) -> Crop:
        pixels = crop_face(frame.image, face.landmarks_px)
        verdict = self._gate.judge(face, pixels)
        return Crop(pixels=pixels, at_ns=frame.at_ns, box_px=face.box_px, verdict=verdict)

    def _report(self, track: TrackState, person: Person, box_px: Box, *, ended: bool) -> TrackReport:
        role = Role.CUSTOMER if track.customer_zone_s >= CUSTOMER_FROM_S else Role.PASSER_BY
        return TrackReport(
            lane=self.lane,
            camera=self.camera,
            track=_track_id(self.lane, track.first_ns, track.key),
            from_ns=track.first_ns,
            to_ns=track.last_ns,
            zone=Zone.CUSTOMER if role is Role.CUSTOMER else track.zone,
            role=role,
            estimate=person.estimate,
            seen_ns=person.seen_ns or track.last_ns,
            seen_box_px=person.seen_box_px if person.seen_ns else track.box_px,
            face_px=person.face_px or round(track.box_px[2]),
            customer_zone_s=track.customer_zone_s,
            box_px=box_px,
            model=self._model,
            ended=ended,
            blur=None if person.verdict is None else person.verdict.blur,
            brightness=None if person.verdict is None else person.verdict.brightness,
        )


def _track_id(lane: str, first_ns: int, key: int) -> str:
    """A name that follows from lane and moment alone: a replay tells the same one, nobody can be known by it."""
    return "t-" + hashlib.blake2s(f"{lane}|{first_ns}|{key}".encode(), digest_size=8).hexdigest()
