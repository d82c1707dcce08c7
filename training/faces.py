"""From a labelled photograph to the one face that the label means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face import Detector, DetectorKind, choose_detector, crop_face, open_detector
from edge.flow import Face

__all__ = [
    "BORDER_PX",
    "CutFace",
    "FaceFinder",
    "Reject",
    "finder_settings",
    "labelled_face",
    "read_picture",
]

BORDER_PX: Final = 30
_SCORE_MIN: Final = 0.5
_LONGER_SIDE_MAX_PX: Final = 640

Reject = Literal["missing", "unreadable", "no_face", "no_upright_face"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CutFace:
    """What became of one picture: `crop` BGR uint8 `(112, 112, 3)`, or None and the reason.

    `faces` counts all faces in it, `eye_distance_px` is the chosen face's in the picture as given.
    """

    crop: NDArray[np.uint8] | None
    reject: Reject | None
    faces: int
    eye_distance_px: float = 0.0


def read_picture(path: Path) -> NDArray[np.uint8] | Reject:
    """A picture as BGR uint8 `(h, w, 3)`, turned upright as its EXIF says, or why there is none."""
    try:
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "unreadable"
    if not data.size:
        return "unreadable"
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error:
        return "unreadable"
    return "unreadable" if image is None else np.asarray(image, dtype=np.uint8)


def finder_settings(detector: str) -> str:
    """One line that names everything which decides what is cut, for manifests."""
    return f"{detector} score {_SCORE_MIN} border {BORDER_PX} px, largest face nearest to the middle"


class FaceFinder:
    """Finds the labelled face: a black border first, then the face that is largest and nearest to the middle.

    Tight chips leave a detector no air around the head, hence the border; the crop is taken from the picture
    without it. Large photographs are scaled down for the search only.
    """

    def __init__(
        self, kind: DetectorKind = "auto", *, models_folder: Path | None = None, threads: int = 1
    ) -> None:
        """Open the detector. Raises edge.face.DetectorError with the way out."""
        choice = choose_detector(kind, models_folder=models_folder)
        self.name = choice.name
        self.digest = choice.sha256
        # The score is YuNet's; MTCNN's last network is scaled differently and keeps its own threshold.
        score_min = _SCORE_MIN if choice.name == "yunet" else None
        self._detector: Detector = open_detector(
            choice, score_min=score_min, input_size_px=None, min_face_px=40, intra_op_threads=threads
        )

    def find(self, image: NDArray[np.uint8]) -> list[Face]:
        """All faces of a picture in its own pixels, best score first."""
        scale = min(1.0, _LONGER_SIDE_MAX_PX / max(image.shape[:2]))
        seen = image
        if scale < 1.0:
            size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
            seen = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        framed = cv2.copyMakeBorder(
            seen, BORDER_PX, BORDER_PX, BORDER_PX, BORDER_PX, cv2.BORDER_CONSTANT, value=(0, 0, 0)
        )
        found = self._detector.detect([np.asarray(framed, dtype=np.uint8)])[0]
        return [_moved(face, scale) for face in found]

    def cut(self, image: NDArray[np.uint8]) -> CutFace:
        """Crop the labelled face of a picture, or say why not."""
        faces = self.find(image)
        if not faces:
            return CutFace(crop=None, reject="no_face", faces=0)
        face = labelled_face(faces, image.shape[1], image.shape[0])
        eyes = float(np.hypot(*(face.landmarks_px[1] - face.landmarks_px[0])))
        try:
            crop = crop_face(image, face.landmarks_px)
        except ValueError:
            return CutFace(crop=None, reject="no_upright_face", faces=len(faces))
        return CutFace(crop=crop, reject=None, faces=len(faces), eye_distance_px=eyes)

    def cut_file(self, path: Path) -> CutFace:
        """`cut` for a file; missing and damaged files are rejects."""
        image = read_picture(path)
        if isinstance(image, str):
            return CutFace(crop=None, reject=image, faces=0)
        return self.cut(image)


def labelled_face(faces: Sequence[Face], width: int, height: int) -> Face:
    """The face that a label means: large and near the middle (√area less the distance, in pixels)."""

    def claim(face: Face) -> float:
        x, y, w, h = face.box_px
        return math.sqrt(max(w * h, 0.0)) - math.hypot(x + w / 2 - width / 2, y + h / 2 - height / 2)

    return max(faces, key=claim)


def _moved(face: Face, scale: float) -> Face:
    """The face in pixels of the picture without border, before scaling."""
    x, y, w, h = face.box_px
    return Face(
        box_px=((x - BORDER_PX) / scale, (y - BORDER_PX) / scale, w / scale, h / scale),
        landmarks_px=((face.landmarks_px - BORDER_PX) / np.float32(scale)).astype(np.float32),
        score=face.score,
    )
