"""The way of a frame: motion gate, faces, tracks, crops, ages; one batch over all cameras at each stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.flow import Face, Frame, Sighting, TrackReport
from edge.vision.lane_watch import LaneWatch
from edge.vision.motion import MotionGate
from edge.vision.stages import StageTimes

__all__ = ["AgeModel", "FaceDetector", "Vision"]


class FaceDetector(Protocol):
    """Finds the faces of several pictures at once."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Face]]:
        """BGR uint8 `(h, w, 3)` each, to the faces of each, in pixels of that picture."""


class AgeModel(Protocol):
    """Reads ages from crops."""

    def read(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """BGR uint8 `(n, 112, 112, 3)` to logits float32 `(n, 101)`."""


class Vision:
    """Faces, tracks and estimates of every lane of a box. Knows no thread, no file and no clock.

    Frames of one camera come in order of time. What is told depends on the frames alone, so that a replay gives the
    same reports on any machine under any load.
    """

    def __init__(
        self,
        *,
        lanes: Sequence[LaneWatch],
        detector: FaceDetector,
        ages: AgeModel,
        motion: dict[str, MotionGate] | None = None,
        detectors: Mapping[str, FaceDetector] | None = None,
    ) -> None:
        """`motion`: a gate for each camera that has one; the others are searched at every frame. `detectors`: a
        detector for each camera that has one of its own in place of `detector`."""
        self._lanes = {
            camera: [x for x in lanes if x.camera == camera] for camera in {x.camera for x in lanes}
        }
        self._detector = detector
        self._detectors = dict(detectors or {})
        self._ages = ages
        self._motion = motion or {}
        self.stages = StageTimes()
        self.sightings: list[Sighting] = []
        self.frames_seen = 0
        self.frames_searched = 0

    def step(self, frames: Sequence[Frame]) -> list[TrackReport]:
        """One frame of each of several cameras through every stage; reports in order of the frames.

        `sightings` then holds who was to be seen in them.
        """
        self.sightings = []
        self.frames_seen += len(frames)
        with self.stages.of("motion"):
            searched = [frame for frame in frames if self._must_search(frame)]
        if not searched:
            return []
        self.frames_searched += len(searched)
        with self.stages.of("detect"):
            found = self._detect(searched)
        with self.stages.of("track"):
            for frame, faces in zip(searched, found, strict=True):
                for lane, own in _share_out(self._lanes[frame.camera], faces):
                    lane.track(frame, own)
                    self.sightings += lane.sightings(frame)
        with self.stages.of("gate"):
            wanted = [
                (lane, candidate)
                for frame in searched
                for lane in self._lanes[frame.camera]
                for candidate in lane.candidates(frame)
            ]
        if wanted:
            with self.stages.of("age"):
                logits = self._ages.read(np.stack([candidate.crop.pixels for _, candidate in wanted]))
                for (lane, candidate), row in zip(wanted, logits, strict=True):
                    lane.take(candidate, row)
        return [
            report for frame in searched for lane in self._lanes[frame.camera] for report in lane.reports()
        ]

    def end(self, camera: str) -> list[TrackReport]:
        """The camera shows nothing more (clip over, connection lost): its people are told as gone."""
        return [report for lane in self._lanes.get(camera, []) for report in lane.finish()]

    def _detect(self, frames: Sequence[Frame]) -> list[list[Face]]:
        """The faces of each frame; cameras with the same detector share its batch."""
        batches: dict[int, tuple[FaceDetector, list[int]]] = {}
        for index, frame in enumerate(frames):
            detector = self._detectors.get(frame.camera, self._detector)
            batches.setdefault(id(detector), (detector, []))[1].append(index)
        found: list[list[Face]] = [[] for _ in frames]
        for detector, members in batches.values():
            for index, faces in zip(
                members, detector.detect([frames[i].image for i in members]), strict=True
            ):
                found[index] = faces
        return found

    def _must_search(self, frame: Frame) -> bool:
        """With somebody there, always; else where something moved. The first costs nothing, so it is asked first."""
        if any(lane.live for lane in self._lanes[frame.camera]):
            return True
        gate = self._motion.get(frame.camera)
        return gate is None or gate.admit(frame.at_ns, frame.image)


def _share_out(lanes: Sequence[LaneWatch], faces: Sequence[Face]) -> list[tuple[LaneWatch, list[Face]]]:
    """Faces to the lanes of one camera: to the lane in or nearest to whose customer zone the face is."""
    if len(lanes) == 1:
        return [(lanes[0], list(faces))]
    shares: dict[int, list[Face]] = {number: [] for number in range(len(lanes))}
    for face in faces:
        nearest = min(range(len(lanes)), key=lambda number: lanes[number].zones.distance_px(face.box_px))
        shares[nearest].append(face)
    return [(lanes[number], own) for number, own in shares.items()]
