"""YuNet (Wu, Peng, Yu: YuNet, a tiny millisecond-level face detector, 2023) from its raw outputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.boxes import suppress
from edge.face.detector import PICTURES_MAX, check_picture, in_parts
from edge.face.session import open_session
from edge.flow import Box, Face

__all__ = ["YunetDetector"]

_STRIDES = (8, 16, 32)
_GRID = 32  # the network halves its picture five times
_OUTPUTS = [f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in _STRIDES]
_OVERLAP_MAX = 0.3  # OpenCV's FaceDetectorYN has the same default
_CLOSE_PX = 160  # side of the close look: the face is half of it, as the network likes faces best
_SAME_OVERLAP_MIN = 0.3


class YunetDetector:
    """Finds faces with YuNet; pictures that agree in scaled size share one run of the network.

    A picture larger than `input_size_px` (width, height; sides a multiple of 32) is scaled down to fit
    and padded with black to whole cells; a smaller one keeps its size. None never scales.
    """

    name = "yunet"

    def __init__(
        self,
        path: Path,
        *,
        score_min: float = 0.6,
        input_size_px: tuple[int, int] | None = (320, 192),
        intra_op_threads: int = 1,
        allow_spinning: bool = False,
        providers: Sequence[str] = ("CPUExecutionProvider",),
    ) -> None:
        if input_size_px is not None and (
            min(input_size_px) < _GRID or any(s % _GRID for s in input_size_px)
        ):
            raise ValueError(f"input_size_px: multiples of {_GRID} are needed; got {input_size_px}")
        if not 0 < score_min < 1:
            raise ValueError(f"score_min lies between 0 and 1; got {score_min}")
        self._score_min = score_min
        self._input_size_px = input_size_px
        self._session = open_session(
            path, intra_op_threads=intra_op_threads, allow_spinning=allow_spinning, providers=providers
        )
        self._cells = _Cells()

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Face]]:
        """See `Detector.detect`."""
        found: list[list[Face]] = [[] for _ in images]
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        scaled: dict[int, tuple[NDArray[np.uint8], float]] = {}
        for index, image in enumerate(images):
            check_picture(image)
            if image.size:
                small, scale = _scale_to_fit(image, self._input_size_px)
                scaled[index] = (small, scale)
                groups[_padded(small.shape[0]), _padded(small.shape[1])].append(index)
        for (height, width), group in groups.items():
            for members in in_parts(group, PICTURES_MAX):
                pictures = [scaled[index][0] for index in members]
                scales = [scaled[index][1] for index in members]
                for index, faces in zip(members, self._run(pictures, scales, height, width), strict=True):
                    found[index] = faces
        return found

    def refine(self, image: NDArray[np.uint8], faces: Sequence[Face]) -> list[Face]:
        """See `Detector.refine`: search the surroundings of each face again, in one batch, at a good scale.

        Box and landmarks are those of the closer look; a face that it does not find again stays as it is.
        """
        if not faces:
            return []
        views = [_close_view(image, face) for face in faces]
        found = self._run([view.image for view in views], [1.0] * len(views), _CLOSE_PX, _CLOSE_PX)
        return [
            view.best(face, [view.in_picture(seen) for seen in again])
            for face, view, again in zip(faces, views, found, strict=True)
        ]

    def _run(
        self, images: Sequence[NDArray[np.uint8]], scales: Sequence[float], height: int, width: int
    ) -> list[list[Face]]:
        """Faces of pictures that fit height × width, coordinates divided by each picture's scale."""
        batch = np.zeros((len(images), 3, height, width), dtype=np.float32)
        for place, image in enumerate(images):
            for channel, plane in enumerate(cv2.split(image)):
                batch[place, channel, : image.shape[0], : image.shape[1]] = plane
        outputs = dict(zip(_OUTPUTS, self._session.run(_OUTPUTS, {"input": batch}), strict=True))
        pictures: list[NDArray[np.intp]] = []
        rows: list[NDArray[np.float32]] = []
        for stride in _STRIDES:
            squared = np.clip(outputs[f"cls_{stride}"], 0, 1) * np.clip(outputs[f"obj_{stride}"], 0, 1)
            picture, cell, _ = np.nonzero(squared >= self._score_min**2)
            if picture.size:
                corner = self._cells.corners(height, width, stride)[cell]
                box = outputs[f"bbox_{stride}"][picture, cell]
                points = outputs[f"kps_{stride}"][picture, cell]
                middle = (box[:, :2] + corner) * stride
                half = np.exp(box[:, 2:]) * (stride / 2)
                landmarks = (points + np.tile(corner, 5)) * stride
                score = np.sqrt(squared[picture, cell])
                pictures.append(picture)
                rows.append(np.hstack([middle - half, middle + half, landmarks, score]))
        if not rows:
            return [[] for _ in scales]
        whose, table = np.concatenate(pictures), np.concatenate(rows)
        return [_faces(table[whose == i], scale) for i, scale in enumerate(scales)]


class _Cells:
    """The grid positions of the network's output rows, made once for each picture size and stride."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int, int], NDArray[np.float32]] = {}

    def corners(self, height: int, width: int, stride: int) -> NDArray[np.float32]:
        """Column and row of every cell, float32 `(cells, 2)`, rows first as the network lists them."""
        key = (height, width, stride)
        if key not in self._made:
            if len(self._made) >= 64:  # photographs come in any size; a till has one or two
                self._made.clear()
            row, column = np.mgrid[0 : height // stride, 0 : width // stride]
            self._made[key] = np.stack([column.ravel(), row.ravel()], axis=1).astype(np.float32)
        return self._made[key]


def _faces(table: NDArray[np.float32], scale: float) -> list[Face]:
    """Turn one picture's rows (box corners, ten coordinates, score) into faces in its own pixels."""
    if not len(table):
        return []
    # OpenCV compares boxes in whole pixels of the network's picture, corner and size cut off; two people
    # close together are kept apart by it a little longer, and its answers are the yardstick of ours.
    corner = np.trunc(table[:, :2])
    coarse = np.hstack([corner, corner + np.trunc(table[:, 2:4] - table[:, :2])])
    kept = table[suppress(coarse, table[:, 14], overlap_max=_OVERLAP_MAX)]
    boxes = kept[:, :4] / np.float32(scale)
    landmarks = (kept[:, 4:14] / np.float32(scale)).reshape(-1, 5, 2)
    return [
        Face(box_px=(left, top, right - left, bottom - top), landmarks_px=points, score=score)
        for (left, top, right, bottom), points, score in zip(
            boxes.tolist(), landmarks, kept[:, 14].tolist(), strict=True
        )
    ]


@dataclass(frozen=True, slots=True)
class _View:
    """A square part of a picture, scaled: `image`, and where its first pixel's corner lies."""

    image: NDArray[np.uint8]
    left: float
    top: float
    scale: float

    def in_picture(self, face: Face) -> Face:
        """The face in pixels of the picture that the view was cut from."""
        x, y, width, height = (value / self.scale for value in face.box_px)
        points = face.landmarks_px / np.float32(self.scale) + np.array(
            [self.left, self.top], dtype=np.float32
        )
        return replace(face, box_px=(x + self.left, y + self.top, width, height), landmarks_px=points)

    @staticmethod
    def best(face: Face, again: Sequence[Face]) -> Face:
        """Of the faces in view the one that lies on `face`, with its score; else `face` itself."""
        overlap, nearest = max(
            ((_overlap(face.box_px, seen.box_px), seen) for seen in again),
            key=lambda pair: pair[0],
            default=(0.0, face),
        )
        return replace(nearest, score=face.score) if overlap >= _SAME_OVERLAP_MIN else face


def _close_view(image: NDArray[np.uint8], face: Face) -> _View:
    """Cut the square of twice the face's longer side around it and scale it to the close look's size."""
    x, y, width, height = face.box_px
    side = max(2, round(2 * max(width, height)))
    left, top = round(x + width / 2 - side / 2), round(y + height / 2 - side / 2)
    inside = image[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    square = np.zeros((side, side, 3), dtype=np.uint8)
    row, column = max(-top, 0), max(-left, 0)
    square[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
    method = cv2.INTER_AREA if side > 2 * _CLOSE_PX else cv2.INTER_LINEAR
    view = cv2.resize(square, (_CLOSE_PX, _CLOSE_PX), interpolation=method)
    return _View(image=np.asarray(view, dtype=np.uint8), left=left, top=top, scale=_CLOSE_PX / side)


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    common = max(width, 0.0) * max(height, 0.0)
    return common / max(a[2] * a[3] + b[2] * b[3] - common, 1e-9)


def _padded(side: int) -> int:
    return -(-side // _GRID) * _GRID


def _scale_to_fit(
    image: NDArray[np.uint8], size_px: tuple[int, int] | None
) -> tuple[NDArray[np.uint8], float]:
    """Shrink a picture to fit `size_px`, never enlarge; with the scale of its coordinates."""
    height, width = image.shape[:2]
    scale = 1.0 if size_px is None else min(1.0, size_px[0] / width, size_px[1] / height)
    if scale == 1.0:
        return image, scale
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8), scale
