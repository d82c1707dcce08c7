"""The way of a photograph: faces at a size that suits the detector, the crop contract, the gate, one age batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face import Detector, QualityGate, crop_face
from edge.flow import AgeEstimate, Box, Face, GateVerdict
from edge.vision.person import Estimator
from edge.vision.vision import AgeModel

__all__ = ["FaceReading", "PhotoVision"]

Picture = NDArray[np.uint8]

_SEARCHED_PX = 960  # longer side in which faces are looked for first: people in a group are still found
_CLOSE_PX, _BORDER_PX = 320, 30  # then as a tight chip: small, with a black border around it
_CROPS_MAX = 16  # crops in one run of the age model, so that a crowd needs no more memory than a family


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceReading:
    """One face of a photograph: where it is, in pixels of the photograph, and what is said of its age."""

    box_px: Box
    estimate: AgeEstimate
    quality: float


class PhotoVision:
    """Reads ages off photographs. `sure_score`: what the first look takes for a face; the close look takes all."""

    def __init__(
        self,
        *,
        detector: Detector,
        ages: AgeModel,
        estimator: Estimator,
        gate: QualityGate | None = None,
        sure_score: float = 0.0,
    ) -> None:
        self._detector = detector
        self._ages = ages
        self._estimator = estimator
        self._gate = gate or QualityGate()
        self._sure_score = sure_score

    def read(self, images: Sequence[Picture]) -> list[list[FaceReading]]:
        """The faces of each picture (BGR uint8 `(h, w, 3)`, any sizes) from left to right."""
        shots = [self._shots(image, faces) for image, faces in zip(images, self._faces(images), strict=True)]
        wanted = [crop for own in shots for _, crop, verdict in own if verdict.reason is None]
        logits = iter(self._logits(wanted))
        return [[self._reading(face, verdict, logits.__next__) for face, _, verdict in own] for own in shots]

    def _faces(self, images: Sequence[Picture]) -> list[list[Face]]:
        """Faces from left to right, looked for in the whole picture first and then as in a tight chip."""
        small = [_reduced(image, _SEARCHED_PX) for image in images]
        found = [
            [_moved(face, scale, 0) for face in faces if face.score >= self._sure_score]
            for (_, scale), faces in zip(
                small, self._detector.detect([view for view, _ in small]), strict=True
            )
        ]
        none = [index for index, faces in enumerate(found) if not faces]
        if none:
            close = [_reduced(images[index], _CLOSE_PX) for index in none]
            framed = [_framed(view) for view, _ in close]
            seen = self._detector.detect(framed)
            for index, (_, scale), faces in zip(none, close, seen, strict=True):
                found[index] = [_moved(face, scale, _BORDER_PX) for face in faces]
        return [sorted(faces, key=lambda face: (face.box_px[0], face.box_px[1])) for faces in found]

    def _shots(self, image: Picture, faces: Sequence[Face]) -> list[tuple[Face, Picture, GateVerdict]]:
        shots = []
        for face in self._detector.refine(image, faces) if faces else []:
            crop = crop_face(image, face.landmarks_px)
            shots.append((face, crop, self._gate.judge(face, crop)))
        return shots

    def _logits(self, crops: Sequence[Picture]) -> list[NDArray[np.float32]]:
        rows: list[NDArray[np.float32]] = []
        for start in range(0, len(crops), _CROPS_MAX):
            rows.extend(self._ages.read(np.stack(crops[start : start + _CROPS_MAX])))
        return rows

    def _reading(
        self, face: Face, verdict: GateVerdict, next_logits: Callable[[], NDArray[np.float32]]
    ) -> FaceReading:
        if verdict.reason is not None:
            estimate = AgeEstimate(reason=verdict.reason, quality=verdict.quality)
        else:
            quality = np.array([verdict.quality], dtype=np.float32)
            estimate = self._estimator(next_logits()[None, :], quality)
        return FaceReading(box_px=face.box_px, estimate=estimate, quality=verdict.quality)


def _reduced(image: Picture, longest_px: int) -> tuple[Picture, float]:
    """The picture with its longer side at most so long, and the factor it was scaled by."""
    longest = max(image.shape[:2])
    if longest <= longest_px:
        return image, 1.0
    scale = longest_px / longest
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8), scale


def _framed(image: Picture) -> Picture:
    """The picture with a black border around it."""
    edge = _BORDER_PX
    return np.asarray(cv2.copyMakeBorder(image, edge, edge, edge, edge, cv2.BORDER_CONSTANT), dtype=np.uint8)


def _moved(face: Face, scale: float, border_px: int) -> Face:
    """The face in pixels of the picture before it was scaled and framed."""
    x, y, width, height = face.box_px
    points = (face.landmarks_px - np.float32(border_px)) / np.float32(scale)
    box = ((x - border_px) / scale, (y - border_px) / scale, width / scale, height / scale)
    return replace(face, box_px=box, landmarks_px=points)
