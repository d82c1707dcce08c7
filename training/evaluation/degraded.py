"""The four ways in which pictures of a shop are worse, made from clean crops, the same at every run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["DEGRADATIONS", "degrade"]

_Crop = NDArray[np.uint8]
_SMALL_PX: Final = 56
_JPEG_QUALITY: Final = 30
_NOISE: Final = 12.0
_LIGHT: Final = 0.25
_DARK_NOISE: Final = 4.0


def _px56(crop: _Crop, _rng: np.random.Generator) -> _Crop:
    small = cv2.resize(crop, (_SMALL_PX, _SMALL_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _jpeg30(crop: _Crop, _rng: np.random.Generator) -> _Crop:
    _, data = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def _noise(crop: _Crop, rng: np.random.Generator) -> _Crop:
    return _grey(crop + rng.normal(0.0, _NOISE, crop.shape))


def _dark(crop: _Crop, rng: np.random.Generator) -> _Crop:
    return _grey(crop * _LIGHT + rng.normal(0.0, _DARK_NOISE, crop.shape))


def _grey(values: NDArray[np.float64]) -> _Crop:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


DEGRADATIONS: Final[Mapping[str, Callable[[_Crop, np.random.Generator], _Crop]]] = {
    "px56": _px56,  # a face of 56 px scaled up
    "jpeg30": _jpeg30,
    "noise": _noise,  # a deviation of 12 grey values
    "dark": _dark,  # a quarter of the light, with a deviation of 4 grey values
}


def degrade(crops: NDArray[np.uint8], name: str, *, seed: int = 0) -> NDArray[np.uint8]:
    """Degraded copies of BGR crops uint8 `(n, 112, 112, 3)`; each crop's noise depends on its place alone."""
    change = DEGRADATIONS[name]
    return np.stack([change(crop, np.random.default_rng((seed, i))) for i, crop in enumerate(crops)])
