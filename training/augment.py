"""From crops to what the network trains on, on the device: colour order, changes, size, normalisation."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from training.config import Augmentation, Degradation
from training.degrade import blurred, compressed, dark, hit, noisy, small
from training.model import normalise

__all__ = ["Augment"]


class Augment(keras.layers.Layer):  # type: ignore[misc]
    """BGR uint8 `(n, 112, 112, 3)` to normalised RGB float32 `(n, size_px, size_px, 3)`.

    All changes happen in training only and every picture has its own. Randomness comes from one seed
    generator whose state is a variable of the model: a checkpoint that keeps all variables resumes exactly.
    """

    def __init__(
        self, augmentation: Augmentation, degradation: Degradation, *, size_px: int, seed: int, **options: Any
    ) -> None:
        super().__init__(dtype="float32", **options)
        self._how, self._camera, self._size_px = augmentation, degradation, size_px
        self._seed = keras.random.SeedGenerator(seed)

    def call(self, crops: Any, training: bool = False) -> Any:
        rgb = ops.flip(ops.cast(crops, "float32"), axis=-1)
        if training:
            rgb = self._seen_by_camera(rgb)
            rgb = self._moved(rgb)
            rgb = self._coloured(rgb)
        if self._size_px != rgb.shape[1]:
            rgb = ops.image.resize(
                rgb, (self._size_px, self._size_px), interpolation="bilinear", antialias=True
            )
        pictures = normalise(rgb)
        return self._erased(pictures) if training and self._how.erase else pictures

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (input_shape[0], self._size_px, self._size_px, 3)

    def _draw(self, like: Any, low: float, high: float) -> Any:
        return keras.random.uniform((ops.shape(like)[0], 1, 1, 1), low, high, seed=self._seed)

    def _seen_by_camera(self, rgb: Any) -> Any:
        camera = self._camera
        for change, share in (
            (small, camera.small),
            (blurred, camera.blur),
            (dark, camera.dark),
            (noisy, camera.noise),
            (compressed, camera.jpeg),
        ):
            if share > 0:
                rgb = change(rgb, share, self._seed)
        return rgb

    def _moved(self, rgb: Any) -> Any:
        """Mirror, turn, scale and shift around the middle, in one resampling."""
        how, side = self._how, float(rgb.shape[1])
        angle = self._draw(rgb, -how.turn_deg, how.turn_deg) * (math.pi / 180.0)
        zoom = ops.exp(self._draw(rgb, -how.scale, how.scale))
        mirror = 1.0 - 2.0 * hit(rgb, 0.5, self._seed) if how.flip else ops.ones_like(angle)
        a, b = ops.cos(angle) * zoom, ops.sin(angle) * zoom
        middle = (side - 1.0) / 2.0
        shift_x = self._draw(rgb, -how.shift, how.shift) * side
        shift_y = self._draw(rgb, -how.shift, how.shift) * side
        across, down = a * mirror, b * mirror
        zero = ops.zeros_like(a)
        rows = [
            across,
            -b,
            middle - across * middle + b * middle + shift_x,
            down,
            a,
            middle - down * middle - a * middle + shift_y,
            zero,
            zero,
        ]
        matrix = ops.reshape(ops.concatenate(rows, axis=-1), (-1, 8))
        return ops.image.affine_transform(rgb, matrix, interpolation="bilinear", fill_mode="nearest")

    def _coloured(self, rgb: Any) -> Any:
        how = self._how
        rgb = 255.0 * ops.power(
            ops.clip(rgb, 0.0, 255.0) / 255.0, ops.exp(self._draw(rgb, -how.gamma, how.gamma))
        )
        rgb = rgb * ops.exp(self._draw(rgb, -how.brightness, how.brightness))
        middle = ops.mean(rgb, axis=(1, 2, 3), keepdims=True)
        rgb = middle + (rgb - middle) * ops.exp(self._draw(rgb, -how.contrast, how.contrast))
        grey = ops.mean(rgb, axis=-1, keepdims=True)
        colour = self._draw(rgb, 1.0 - how.saturation, 1.0 + how.saturation)
        colour = colour * (1.0 - hit(rgb, how.grey, self._seed))
        return ops.clip(grey + (rgb - grey) * colour, 0.0, 255.0)

    def _erased(self, pictures: Any) -> Any:
        """A rectangle of 15 to 45 % of each side turns grey, as a hand, a mask or a shelf hides a part."""
        places = (ops.arange(self._size_px, dtype="float32") + 0.5) / self._size_px
        down, across = ops.reshape(places, (1, -1, 1, 1)), ops.reshape(places, (1, 1, -1, 1))
        high, wide = self._draw(pictures, 0.15, 0.45), self._draw(pictures, 0.15, 0.45)
        y, x = self._draw(pictures, 0.0, 1.0) * (1.0 - high), self._draw(pictures, 0.0, 1.0) * (1.0 - wide)
        inside = (down > y) & (down < y + high) & (across > x) & (across < x + wide)
        hidden = ops.cast(inside, "float32") * hit(pictures, self._how.erase, self._seed)
        return pictures * (1.0 - hidden)
