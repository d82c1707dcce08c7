"""Overlap of boxes and what is left when one face was found several times."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["suppress"]


def suppress(
    boxes: NDArray[np.float32], scores: NDArray[np.float32], *, overlap_max: float, of_smaller: bool = False
) -> NDArray[np.intp]:
    """Keep the best of boxes that overlap by more than `overlap_max`; indices, best score first.

    `boxes` is `(n, 4)` as left, top, right, bottom; `scores` `(n,)`; ties keep their order. Overlap is
    intersection over union, or with `of_smaller` intersection over the smaller box.
    """
    order = np.argsort(-scores, kind="stable")
    boxes = boxes[order]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    alive = np.ones(len(order), dtype=bool)
    kept: list[int] = []
    for i in range(len(order)):
        if not alive[i]:
            continue
        kept.append(i)
        rest = slice(i + 1, None)
        sides = np.minimum(boxes[rest, 2:], boxes[i, 2:]) - np.maximum(boxes[rest, :2], boxes[i, :2])
        common = np.maximum(sides[:, 0], 0) * np.maximum(sides[:, 1], 0)
        whole = np.minimum(areas[rest], areas[i]) if of_smaller else areas[rest] + areas[i] - common
        alive[rest] &= common <= overlap_max * whole
    return order[kept]
