"""What a shop's camera does to a face, as batched Keras ops: far away, blurred, compressed, noisy, dark.

All functions take and give float32 RGB `(n, h, w, 3)` in 0..255; `share` says how many of the batch it hits.
"""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

__all__ = ["blurred", "compressed", "dark", "hit", "noisy", "small"]

_SMALL_SIDES_PX: Final = (28, 40, 56, 80)
# Luminance quantisation of JPEG (ITU-T T.81, table K.1), used for every channel after the change to YCbCr.
_QUANTISERS: Final = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    dtype=np.float32,
)
_YCBCR: Final = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], dtype=np.float32
)
_RGB: Final = np.linalg.inv(_YCBCR).astype(np.float32)


def _cosines() -> NDArray[np.float32]:
    """The orthonormal 8-point cosine transform as a matrix."""
    k, x = np.mgrid[0:8, 0:8]
    rows = np.cos((2 * x + 1) * k * np.pi / 16) * np.where(k == 0, np.sqrt(1 / 8), 0.5)
    return np.asarray(rows, dtype=np.float32)


_DCT: Final = _cosines()


def hit(pictures: Any, share: float, seed: keras.random.SeedGenerator) -> Any:
    """1.0 or 0.0 for each picture, `(n, 1, 1, 1)`: whether a change with this share applies to it."""
    draw = keras.random.uniform((ops.shape(pictures)[0], 1, 1, 1), seed=seed)
    return ops.cast(draw < share, "float32")


def _between(pictures: Any, low: float, high: float, seed: keras.random.SeedGenerator) -> Any:
    return keras.random.uniform((ops.shape(pictures)[0], 1, 1, 1), low, high, seed=seed)


def _mix(pictures: Any, changed: Any, where: Any) -> Any:
    return pictures + where * (changed - pictures)


def small(pictures: Any, share: float, seed: keras.random.SeedGenerator) -> Any:
    """As if the face had been 28 to 80 px and was scaled up."""
    size = pictures.shape[1:3]
    draw = _between(pictures, 0.0, 1.0, seed)
    each = share / len(_SMALL_SIDES_PX)
    result = pictures
    for index, side in enumerate(_SMALL_SIDES_PX):
        low = ops.image.resize(pictures, (side, side), interpolation="bilinear", antialias=True)
        back = ops.image.resize(low, size, interpolation="bilinear")
        mine = ops.cast((draw >= index * each) & (draw < (index + 1) * each), "float32")
        result = _mix(result, back, mine)
    return result


def blurred(pictures: Any, share: float, seed: keras.random.SeedGenerator) -> Any:
    """Out of focus: a 5 × 5 binomial filter, of random strength."""
    line = np.array([1, 4, 6, 4, 1], dtype=np.float32) / 16
    kernel = np.repeat((line[:, None] * line[None, :])[:, :, None, None], 3, axis=2)
    soft = ops.depthwise_conv(pictures, kernel, padding="same", data_format="channels_last")
    return _mix(pictures, soft, hit(pictures, share, seed) * _between(pictures, 0.4, 1.0, seed))


def compressed(pictures: Any, share: float, seed: keras.random.SeedGenerator) -> Any:
    """JPEG's losses at quality 20 to 75: blocks of 8 × 8 through the cosine transform and its quantisers."""
    height, width = pictures.shape[1:3]
    if height % 8 or width % 8:
        raise ValueError(f"JPEG blocks need sides that are multiples of 8, got {height} x {width}")
    quality = ops.floor(_between(pictures, 20.0, 76.0, seed))
    factor = ops.where(quality < 50.0, 50.0 / quality, 2.0 - quality / 50.0)
    steps = ops.maximum(
        ops.floor(ops.reshape(factor, (-1, 1, 1, 1, 1, 1)) * ops.convert_to_tensor(_QUANTISERS) + 0.5), 1.0
    )
    blocks = ops.reshape(ops.matmul(pictures, _YCBCR.T), (-1, height // 8, 8, width // 8, 8, 3)) - _CENTRE
    waves = ops.einsum("ku,nyuxvc,lv->nyxckl", _DCT, blocks, _DCT)
    kept = ops.round(waves / steps) * steps
    back = ops.einsum("ku,nyxckl,lv->nyuxvc", _DCT, kept, _DCT) + _CENTRE
    rgb = ops.clip(ops.matmul(ops.reshape(back, (-1, height, width, 3)), _RGB.T), 0.0, 255.0)
    return _mix(pictures, rgb, hit(pictures, share, seed))


_CENTRE: Final = np.array([128.0, 0.0, 0.0], dtype=np.float32)  # Y around 0; Cb, Cr already are


def noisy(pictures: Any, share: float, seed: keras.random.SeedGenerator) -> Any:
    """Sensor noise of 2 to 14 grey values."""
    strength = hit(pictures, share, seed) * _between(pictures, 2.0, 14.0, seed)
    return pictures + strength * keras.random.normal(ops.shape(pictures), seed=seed)


def dark(pictures: Any, share: float, seed: keras.random.SeedGenerator) -> Any:
    """A fifth to a half of the light, with the noise that comes with it."""
    dimmed = pictures * _between(pictures, 0.2, 0.5, seed)
    grain = keras.random.normal(ops.shape(pictures), stddev=3.0, seed=seed)
    return _mix(pictures, dimmed + grain, hit(pictures, share, seed))
