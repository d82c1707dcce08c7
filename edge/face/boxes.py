"""Overlap of boxes and what is left when one face was found several times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["suppress", "suppress_any"]

_ROWS = 128  # boxes compared with all others in one step: bounds memory to 128 x n x 2 floats


def suppress(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], *, overlap_max: float
) -> NDArray[np.intp]:
    """Keep the best of boxes that overlap by more than `overlap_max`; indices, best score first.

    `boxes` is `(n, 4)` as left, top, right, bottom; `scores` `(n,)`; ties keep their order. Overlap is
    intersection over union. A box is dropped only for one that is kept.
    """
    order = np.argsort(-scores, kind="stable")
    boxes = boxes[order]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    alive = np.ones(len(order), dtype=bool)
    kept: list[int] = []
    for i in range(len(order)):
        if alive[i]:
            kept.append(i)
            common = _common(boxes[i], boxes[i + 1 :])
            alive[i + 1 :] &= common <= overlap_max * (areas[i] + areas[i + 1 :] - common)
    return order[kept]


def suppress_any(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    *,
    overlap_max: float,
    of_smaller: bool = False,
) -> NDArray[np.intp]:
    """As `suppress`, but a box is dropped for any better one, even for one that is dropped itself.

    That is what the package `mtcnn` does. With `of_smaller` overlap is intersection over the smaller box.
    """
    order = np.argsort(-scores, kind="stable")
    boxes = boxes[order]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    alive = np.ones(len(order), dtype=bool)
    for start in range(0, len(order), _ROWS):
        rows = slice(start, start + _ROWS)
        low = np.maximum(boxes[rows, None, :2], boxes[None, start:, :2])
        sides = np.maximum(np.minimum(boxes[rows, None, 2:], boxes[None, start:, 2:]) - low, 0)
        common = sides[..., 0] * sides[..., 1]
        mine, rest = areas[rows, None], areas[None, start:]
        whole = np.minimum(mine, rest) if of_smaller else mine + rest - common
        alive[start:] &= ~np.triu(common > overlap_max * whole, k=1).any(axis=0)
    return order[alive]


def _common(box: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Area that one box shares with each of the others."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared: NDArray[np.float32] = np.maximum(sides[:, 0], 0) * np.maximum(sides[:, 1], 0)
    return shared
