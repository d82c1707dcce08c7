"""Does the picture still show the world? A frozen or a black one looks alive to everybody else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.camera.status import CameraReason

__all__ = ["PictureHealth"]

_NS_PER_S = 1_000_000_000


class PictureHealth:
    """Watches one camera's pictures for standing still (`frozen_s`) and for being black (`black_s`).

    A real sensor's noise survives compression: even an empty lane changes from picture to picture, at the latest
    with the next key picture. So only a picture that is the same, to two grey levels at every 16th pixel,
    counts as still. Black is a picture without any light, lens covered or room dark.
    """

    _STEP = 16
    _SAME_LEVELS = 2
    _DARK_LEVEL = 24
    _DARK_SHARE = 0.995

    def __init__(self, *, frozen_s: float, black_s: float) -> None:
        self._frozen_ns = round(frozen_s * _NS_PER_S)
        self._black_ns = round(black_s * _NS_PER_S)
        self._still: NDArray[np.uint8] | None = None
        self._still_since_ns = 0
        self._black_since_ns: int | None = None

    def judge(self, image: NDArray[np.uint8], now_ns: int) -> tuple[CameraReason, int] | None:
        """What is wrong and since when, or None. `image` is BGR `(h, w, 3)`; a sample of it is copied."""
        sample = image[self._STEP // 2 :: self._STEP, self._STEP // 2 :: self._STEP]
        black = self._black(sample, now_ns)
        still = self._unchanged(sample, now_ns)
        return black or still

    def _unchanged(self, sample: NDArray[np.uint8], now_ns: int) -> tuple[CameraReason, int] | None:
        if self._still is None or self._still.shape != sample.shape or self._differs(sample, self._still):
            self._still, self._still_since_ns = sample.copy(), now_ns
            return None
        if now_ns - self._still_since_ns < self._frozen_ns:
            return None
        return CameraReason.FROZEN, self._still_since_ns

    def _differs(self, sample: NDArray[np.uint8], before: NDArray[np.uint8]) -> bool:
        difference = np.maximum(sample, before) - np.minimum(sample, before)
        return bool(difference.max(initial=0) > self._SAME_LEVELS)

    def _black(self, sample: NDArray[np.uint8], now_ns: int) -> tuple[CameraReason, int] | None:
        if not sample.size or float((sample < self._DARK_LEVEL).mean()) < self._DARK_SHARE:
            self._black_since_ns = None
            return None
        if self._black_since_ns is None:
            self._black_since_ns = now_ns
        if now_ns - self._black_since_ns < self._black_ns:
            return None
        return CameraReason.BLACK, self._black_since_ns
