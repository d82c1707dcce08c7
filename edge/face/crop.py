"""The crop contract, version 1: the one way from a picture and five landmarks to what the age model sees.

Training and the till call this same function. Everything that was measured on its crops (weights,
temperature, margins, τ) carries `CONTRACT`; where the digests differ, the numbers do not hold.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["CONTRACT", "CROP_SIZE_PX", "TEMPLATE_PX", "CropContract", "crop_face", "similarity_to_template"]

CROP_SIZE_PX = 112

# Where the five landmarks land, in image order (design.md, "The crop contract, version 1").
TEMPLATE_PX: NDArray[np.float64] = np.array(
    [(35.639, 47.051), (76.162, 46.827), (56.029, 70.097), (39.382, 93.820), (72.939, 93.635)]
)
TEMPLATE_PX.flags.writeable = False

_SHRINK_MAX = 2.0  # beyond it bilinear skips pixels of the picture, so area averaging comes first
_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CropContract:
    """What bundles, prepared data sets and runs write down to be held to the same crops."""

    version: int
    size: int
    digest: str


def similarity_to_template(landmarks_px: NDArray[np.floating]) -> NDArray[np.float64]:
    """Give the 2×3 similarity that brings landmarks `(5, 2)` closest to the template, never mirrored.

    Least squares in closed form: with both sets centred and read as complex numbers the best factor
    is <p, q> / <p, p>. Raises ValueError for another shape, for values that are not finite and for
    points that coincide or lie so that no upright face fits them.
    """
    points = np.asarray(landmarks_px, dtype=np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all():
        raise ValueError(f"landmarks must be five finite points, shape (5, 2); got {points.tolist()}")
    middle, target = points.mean(axis=0), TEMPLATE_PX.mean(axis=0)
    p, q = points - middle, TEMPLATE_PX - target
    spread = float((p * p).sum())
    along = float((p * q).sum())
    across = float((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum())
    if spread <= 0 or math.hypot(along, across) <= 1e-6 * spread:
        raise ValueError(f"no face has its five landmarks like this: {points.tolist()}")
    a, b = along / spread, across / spread
    shift = target - (a * middle[0] - b * middle[1], b * middle[0] + a * middle[1])
    return np.array([[a, -b, shift[0]], [b, a, shift[1]]])


def crop_face(image: NDArray[np.uint8], landmarks_px: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Cut the aligned face out of a picture: BGR uint8 `(112, 112, 3)`, a new array.

    `image` is BGR uint8 `(h, w, 3)`, `landmarks_px` `(5, 2)` as x, y in its pixels and image order.
    What lies outside the picture repeats its edge. Raises ValueError for another kind of picture, an
    empty one, and as `similarity_to_template` does.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"a picture is BGR uint8 (h, w, 3) and not empty; got {image.dtype} {image.shape}")
    matrix = similarity_to_template(landmarks_px)
    shrink = 1.0 / math.hypot(matrix[0, 0], matrix[1, 0])
    if shrink > _SHRINK_MAX:
        image, matrix = _reduce(image, matrix, int(shrink))
    crop = cv2.warpAffine(
        image,
        matrix,
        (CROP_SIZE_PX, CROP_SIZE_PX),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(crop, dtype=np.uint8)


def _to_picture(
    matrix: NDArray[np.float64], u: NDArray[np.float64], v: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where in the picture the crop's pixels u, v come from: the similarity backwards."""
    (a, b), (shift_x, shift_y) = matrix[:, 0], matrix[:, 2]
    norm = a * a + b * b
    return (
        (a * (u - shift_x) + b * (v - shift_y)) / norm,
        (a * (v - shift_y) - b * (u - shift_x)) / norm,
    )


def _needed_region(
    shape: tuple[int, ...], matrix: NDArray[np.float64], factor: int
) -> tuple[int, int, int, int]:
    """The part of the picture that the crop looks at, as x0, y0, x1, y1: inside it and never empty."""
    edge = np.array([0.0, CROP_SIZE_PX - 1])
    x, y = _to_picture(matrix, *np.meshgrid(edge, edge))
    spans = []
    for values, side in ((x, shape[1]), (y, shape[0])):
        start = min(max(math.floor(values.min()) - 2 * factor, 0), side - 1)
        spans.append((start, min(max(math.ceil(values.max()) + 2 * factor + 1, start + 1), side)))
    (x0, x1), (y0, y1) = spans
    return x0, y0, x1, y1


def _after_reduction(matrix: NDArray[np.float64], x0: int, y0: int, factor: int) -> NDArray[np.float64]:
    """The transform for a picture that starts at x0, y0 and has one pixel for factor × factor."""
    # The centre of a block lies (factor - 1) / 2 pixels beyond the centre of its first pixel.
    origin = np.array([x0, y0]) + (factor - 1) / 2
    return np.column_stack([matrix[:, :2] * factor, matrix[:, :2] @ origin + matrix[:, 2]])


def _reduce(
    image: NDArray[np.uint8], matrix: NDArray[np.float64], factor: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Average blocks of factor × factor over the region that the crop needs; adapt the transform to it."""
    x0, y0, x1, y1 = _needed_region(image.shape, matrix, factor)
    pad_x, pad_y = -(x1 - x0) % factor, -(y1 - y0) % factor
    region = image[y0:y1, x0:x1]
    if pad_x or pad_y:
        padded = cv2.copyMakeBorder(region, 0, pad_y, 0, pad_x, cv2.BORDER_REPLICATE)
        region = np.asarray(padded, dtype=np.uint8)
    size = (region.shape[1] // factor, region.shape[0] // factor)
    small = cv2.resize(region, size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8), _after_reduction(matrix, x0, y0, factor)


_DIGEST_TOLERANCE = 2  # grey levels; OpenCV's builds round differently by one
# Centre x, y, face scale and turn in degrees of the synthetic faces: plain, reduced first, over the edge.
_DIGEST_POSES = ((160.0, 120.0, 0.9, 11.0), (171.0, 133.0, 3.4, -23.0), (30.0, 200.0, 2.1, 4.0))


def _synthetic_picture() -> NDArray[np.uint8]:
    """Three slanted triangle waves in whole numbers: smooth, and no two places look alike."""
    y, x = np.mgrid[0:240, 0:320]
    waves = [np.abs((5 * x + 2 * y) % 510 - 255), np.abs((7 * y - x) % 510 - 255), (x + y) * 255 // 558]
    return np.stack(waves, axis=-1).astype(np.uint8)


def _by_formula(image: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The contract written out with numpy alone: blocks averaged, then bilinear, edges repeated."""
    shrink = 1.0 / math.hypot(matrix[0, 0], matrix[1, 0])
    if shrink > _SHRINK_MAX:
        factor = int(shrink)
        x0, y0, x1, y1 = _needed_region(image.shape, matrix, factor)
        pads = ((0, -(y1 - y0) % factor), (0, -(x1 - x0) % factor), (0, 0))
        region = np.pad(image[y0:y1, x0:x1], pads, mode="edge").astype(np.int64)
        rows, columns = region.shape[0] // factor, region.shape[1] // factor
        sums = region.reshape(rows, factor, columns, factor, 3).sum(axis=(1, 3))
        image = ((2 * sums + factor * factor) // (2 * factor * factor)).astype(np.uint8)
        matrix = _after_reduction(matrix, x0, y0, factor)
    height, width = image.shape[:2]
    v, u = np.mgrid[0:CROP_SIZE_PX, 0:CROP_SIZE_PX].astype(np.float64)
    x, y = _to_picture(matrix, u, v)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    part_x, part_y = (x - left)[..., None], (y - top)[..., None]
    near, far = (np.clip(left + i, 0, width - 1) for i in (0, 1))
    upper, lower = (
        image[row, near] * (1 - part_x) + image[row, far] * part_x
        for row in (np.clip(top + i, 0, height - 1) for i in (0, 1))
    )
    rounded: NDArray[np.uint8] = np.floor(upper * (1 - part_y) + lower * part_y + 0.5).astype(np.uint8)
    return rounded


def _digest() -> str:
    """Hash the numbers and the crops of synthetic faces, the same on every machine.

    A pixel within two grey levels of the formula counts as the formula, because builds of OpenCV
    round differently; anything further off changes the digest.
    """
    digest = hashlib.sha256(f"crop {_VERSION} {CROP_SIZE_PX} {_SHRINK_MAX} {TEMPLATE_PX.tolist()}".encode())
    picture = _synthetic_picture()
    for centre_x, centre_y, scale, turn_deg in _DIGEST_POSES:
        c, s = scale * math.cos(math.radians(turn_deg)), scale * math.sin(math.radians(turn_deg))
        face = (TEMPLATE_PX - 56.0) @ np.array([[c, s], [-s, c]]) + (centre_x, centre_y)
        crop = crop_face(picture, face)
        promised = _by_formula(picture, similarity_to_template(face))
        close = np.abs(crop.astype(int) - promised) <= _DIGEST_TOLERANCE
        digest.update(np.where(close, promised, crop).tobytes())
    return digest.hexdigest()


CONTRACT = CropContract(version=_VERSION, size=CROP_SIZE_PX, digest=_digest())
