"""MTCNN (Zhang, Zhang, Li, Qiao: Joint Face Detection and Alignment using Multi-task Cascaded CNNs, 2016).

Three networks look one after the other: PNet proposes boxes at every scale of a pyramid, RNet sorts out on
24 x 24 patches, ONet says the last word and the landmarks on 48 x 48. Details that the paper leaves open
(order of suppression, the +1 in sizes, thresholds) are those of the PyPI package `mtcnn` 1.0.0, whose weights
the folder carries, so that its answers are ours.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.boxes import suppress_any
from edge.face.detector import PICTURES_MAX, check_picture, in_parts
from edge.face.manifest import verified_files
from edge.face.session import open_session
from edge.flow import Face

if TYPE_CHECKING:
    import onnxruntime

__all__ = ["MtcnnDetector"]

_CELL_PX, _STRIDE_PX = 12, 2  # PNet sees 12 pixels and moves by 2
_PATCH_PX, _LAST_PATCH_PX = 24, 48  # of RNet and ONet
_PROPOSAL_SCORE_MIN, _REFINED_SCORE_MIN = 0.6, 0.7
_OVERLAP_IN_SCALE_MAX, _OVERLAP_MAX = 0.5, 0.7
_OUTSIDE = np.float32(127.5)  # a patch over the picture's edge continues in grey: zero for the networks
_CROWD = 8  # boxes that PNet gives for one face at one scale, about
_PATCHES_MAX = 256  # patches in one run; more are run one after the other, so memory stays bounded

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8] | Floats


class MtcnnDetector:
    """Finds faces with MTCNN; pictures of one size share the runs of PNet, all share those of RNet and ONet.

    `min_face_px` decides the cost: half of it means four times the pixels for PNet. `proposals_max` bounds what
    RNet looks at in a picture, best first; None is no bound. The defaults are the package's own and give its very
    answers. With `width_px` the smallest face is meant for a picture so wide: a wider one shows the same scene in
    more pixels and is searched for faces of the same share. `folder` holds the three networks and `manifest.json`,
    checked against its digests; raises DetectorError as `verified_files` does.
    """

    name = "mtcnn"

    def __init__(
        self,
        folder: Path,
        *,
        score_min: float = 0.8,
        min_face_px: int = 20,
        width_px: int | None = None,
        scale_step: float = 0.709,
        proposals_max: int | None = None,
        intra_op_threads: int = 1,
        allow_spinning: bool = False,
        providers: Sequence[str] = ("CPUExecutionProvider",),
    ) -> None:
        if min_face_px < _CELL_PX:
            raise ValueError(f"min_face_px is at least {_CELL_PX}; got {min_face_px}")
        if not 0 < scale_step < 1 or not 0 < score_min < 1:
            raise ValueError(f"scale_step and score_min lie between 0 and 1; got {scale_step}, {score_min}")
        self._score_min = score_min
        self._min_face_px = min_face_px
        self._width_px = width_px
        self._scale_step = scale_step
        self._proposals_max = proposals_max
        files = verified_files(folder)
        self._pnet, self._rnet, self._onet = (
            open_session(
                files[f"{stage}.onnx"],
                intra_op_threads=intra_op_threads,
                allow_spinning=allow_spinning,
                providers=providers,
            )
            for stage in ("pnet", "rnet", "onet")
        )

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Face]]:
        """See `Detector.detect`. Boxes end at the picture's edge."""
        sizes: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            check_picture(image)
            if image.size:
                sizes[image.shape].append(index)
        factors = [self._reduction(image) for image in images]
        searched = [_reduced(image, factor) for image, factor in zip(images, factors, strict=True)]
        boxes: list[Floats] = [np.zeros((0, 4), np.float32) for _ in images]
        for members in (part for own in sizes.values() for part in in_parts(own, PICTURES_MAX)):
            least_px = self._least_px(images[members[0]]) / factors[members[0]]
            proposals = self._propose([searched[i] for i in members], least_px)
            for index, proposed in zip(members, proposals, strict=True):
                boxes[index] = proposed
        sorted_out = [
            _enlarged(own, factor)
            for own, factor in zip(self._sort_out(searched, boxes), factors, strict=True)
        ]
        views = [
            image if factor > 1 else seen
            for image, factor, seen in zip(images, factors, searched, strict=True)
        ]
        return self._last_word(views, sorted_out)

    def refine(self, image: NDArray[np.uint8], faces: Sequence[Face]) -> list[Face]:  # noqa: ARG002
        """See `Detector.refine`: ONet has read the landmarks from the full picture, there is nothing to add."""
        return list(faces)

    def _least_px(self, image: Picture) -> float:
        """The smallest face that is looked for in this picture."""
        return self._min_face_px * max(1.0, image.shape[1] / self._width_px if self._width_px else 1.0)

    def _reduction(self, image: Picture) -> int:
        """PNet and RNet search a picture reduced by a whole factor where the smallest face still fills RNet's patch."""
        return max(1, int(self._least_px(image)) // _PATCH_PX)

    def _propose(self, images: Sequence[Floats], least_px: float) -> list[Floats]:
        """Boxes (n, 4) of each picture that PNet takes for faces, made square; pictures agree in size."""
        height, width = images[0].shape[:2]
        found: list[list[Floats]] = [[] for _ in images]
        above: Sequence[Floats] = images
        for scale in _scales(height, width, least_px, self._scale_step):
            size = (int(width * scale), int(height * scale))
            made = [
                np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)
                for image in above
            ]
            if (
                self._width_px is not None
            ):  # each level from the one above is cheaper, and not the package's pixels
                above = made
            level = np.stack(made)
            offsets, scores = self._pnet.run(["offsets", "scores"], {"pictures": level})
            picture, row, column = np.nonzero(scores[:, 0] > _PROPOSAL_SCORE_MIN)
            corner = np.stack([column, row, column, row], axis=1) * _STRIDE_PX + [1, 1, _CELL_PX, _CELL_PX]
            boxes = (corner + offsets[picture, :, row, column] * (_CELL_PX - 1)) / scale
            table = np.column_stack([boxes, scores[picture, 0, row, column]]).astype(np.float32)
            for index, rows in enumerate(found):
                own = self._bounded(table[picture == index])
                rows.append(own[suppress_any(own[:, :4], own[:, 4], overlap_max=_OVERLAP_IN_SCALE_MAX)])
        merged = (np.concatenate([np.zeros((0, 5), np.float32), *rows]) for rows in found)
        best = (t[suppress_any(t[:, :4], t[:, 4], overlap_max=_OVERLAP_MAX), :4] for t in merged)
        return [_squared(boxes[: self._proposals_max]) for boxes in best]

    def _bounded(self, table: Floats) -> Floats:
        """The best rows (score last) of one scale, so that a picture full of patterns cannot stop a till."""
        if self._proposals_max is None or len(table) <= _CROWD * self._proposals_max:
            return table
        return table[np.argsort(-table[:, -1], kind="stable")[: _CROWD * self._proposals_max]]

    def _sort_out(self, images: Sequence[Floats], boxes: Sequence[Floats]) -> list[Floats]:
        """The boxes that RNet takes for faces too, moved as it says and made square again."""
        offsets, scores = _run(self._rnet, ["offsets", "scores"], images, boxes, _PATCH_PX)
        kept = []
        for own, move, score in _per_picture(boxes, offsets, scores[:, 0]):
            sure = score > _REFINED_SCORE_MIN
            moved = _moved(own[sure], move[sure])
            kept.append(_squared(moved[suppress_any(moved, score[sure], overlap_max=_OVERLAP_MAX)]))
        return kept

    def _last_word(self, images: Sequence[Picture], boxes: Sequence[Floats]) -> list[list[Face]]:
        """Faces of each picture: ONet's boxes, scores and landmarks."""
        offsets, points, scores = _run(
            self._onet, ["offsets", "points", "scores"], images, boxes, _LAST_PATCH_PX
        )
        found = []
        for image, (own, move, point, score) in zip(
            images, _per_picture(boxes, offsets, points, scores[:, 0]), strict=True
        ):
            sure = np.nonzero(score > self._score_min)[0]
            moved = _moved(own[sure], move[sure])
            order = suppress_any(moved, score[sure], overlap_max=_OVERLAP_MAX, of_smaller=True)
            best = sure[order]
            limit = np.array([image.shape[1] - 1, image.shape[0] - 1] * 2, dtype=np.float32)
            corners = np.clip(moved[order], 0, limit).tolist()
            marks = _landmarks(own[best], point[best])
            found.append(
                [
                    Face(box_px=(left, top, right - left, bottom - top), landmarks_px=five, score=certainty)
                    for (left, top, right, bottom), five, certainty in zip(
                        corners, marks, score[best].tolist(), strict=True
                    )
                ]
            )
        return found


def _reduced(image: NDArray[np.uint8], factor: int) -> Floats:
    """The picture as float32, one pixel for the mean of factor x factor; what is left over at the ends is cut off."""
    if factor == 1 or min(image.shape[:2]) < factor:
        return image.astype(np.float32)
    height, width = image.shape[0] // factor, image.shape[1] // factor
    whole = image[: height * factor, : width * factor]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _enlarged(boxes: Floats, factor: int) -> Floats:
    """Boxes of a reduced picture in pixels of the full one."""
    return boxes * np.float32(factor)


def _scales(height: int, width: int, min_face_px: float, step: float) -> list[float]:
    """The pyramid: the largest scale shows the smallest face as one cell, the smallest scale is one cell high."""
    shorter = min(height, width)
    levels = round(-(math.log(shorter / _CELL_PX) / math.log(step) + 1)) if shorter >= _CELL_PX else 0
    scales = [_CELL_PX / min_face_px * step**level for level in range(levels)]
    return [scale for scale in scales if int(shorter * scale) >= _CELL_PX]


def _patches(image: Picture, boxes: Floats, side: int) -> Floats:
    """The boxes' contents scaled to side x side, corner pixels on the box's corners, grey outside."""
    if not len(boxes):
        return np.empty((0, side, side, 3), dtype=np.float32)
    # The package's sampler counts the picture's last pixel, not its edge, as 1: hence (size - 1) / size.
    last = np.array([image.shape[1] - 1, image.shape[0] - 1] * 2)
    ends = boxes * (last / (last + 1))
    steps = (ends[:, 2:] - ends[:, :2]) / (side - 1)
    cut = np.empty((len(boxes), side, side, 3), dtype=image.dtype)
    for patch, (left, top), (step_x, step_y) in zip(cut, ends[:, :2].tolist(), steps.tolist(), strict=True):
        cv2.warpAffine(
            image,
            np.array([[step_x, 0, left], [0, step_y, top]]),
            (side, side),
            dst=patch,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
    made = cut.astype(np.float32, copy=False)
    places = ends[:, None, :2] + np.arange(side)[None, :, None] * steps[:, None, :]
    outside = (places < 0) | (places > last[:2])
    crossing = np.nonzero(outside.any(axis=(1, 2)))[0]
    made[crossing] = np.where(
        (outside[crossing, None, :, 0] | outside[crossing, :, None, 1])[..., None], _OUTSIDE, made[crossing]
    )
    return made


def _run(
    network: onnxruntime.InferenceSession,
    outputs: list[str],
    images: Sequence[Picture],
    boxes: Sequence[Floats],
    side: int,
) -> list[Floats]:
    """Look at the boxes of all pictures in one go; outputs have one row a box, in order."""
    patches = [
        patch for image, own in zip(images, boxes, strict=True) for patch in _patches(image, own, side)
    ]
    runs = [
        network.run(outputs, {"pictures": np.stack(patches[start : start + _PATCHES_MAX])})
        for start in range(0, len(patches), _PATCHES_MAX)
    ]
    if not runs:
        widths = {"offsets": 4, "points": 10, "scores": 1}
        return [np.zeros((0, widths[name]), np.float32) for name in outputs]
    return [np.concatenate(parts) for parts in zip(*runs, strict=True)]


def _per_picture(boxes: Sequence[Floats], *columns: Floats) -> Iterator[tuple[Floats, ...]]:
    """Each picture's boxes with its rows of what the network said of all pictures' boxes."""
    start = 0
    for own in boxes:
        end = start + len(own)
        yield (own, *(column[start:end] for column in columns))
        start = end


def _squared(boxes: Floats) -> Floats:
    """Boxes with the same middle and the longer side twice."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    return np.hstack([middle - half, middle + half])


def _moved(boxes: Floats, offsets: Floats) -> Floats:
    """Boxes moved by offsets in units of their size, counted as the package counts it: with both end pixels."""
    size = boxes[:, 2:] - boxes[:, :2] + 1
    return boxes + offsets * np.tile(size, 2)


def _landmarks(boxes: Floats, points: Floats) -> Floats:
    """Landmarks (n, 5, 2) from shares of the box that ONet looked at: five x, then five y."""
    size = (boxes[:, 2:] - boxes[:, :2] + 1)[:, None, :]
    shares = points.reshape(-1, 2, 5).transpose(0, 2, 1)
    return np.ascontiguousarray(shares * size + boxes[:, None, :2] - 1, dtype=np.float32)
