"""The last layer once more: on features of clean faces, drawn as often as people come.

Decoupling what is seen from how often it comes follows Kang et al., "Decoupling Representation and Classifier for
Long-Tailed Recognition" (ICLR 2020).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from training.config import Refit
from training.crops import CropSet
from training.model import AGES, normalise
from training.sampling import Sampler, sampling_weights
from training.targets import loss_for, targets

__all__ = ["features_of", "refit_head"]

_BATCH: Final = 64
_LAYER: Final = "ages"
_F32 = NDArray[np.float32]


def features_of(network: keras.Model, crops: CropSet, *, kept: Path | None = None) -> _F32:
    """Pooled features `(2 n, 2048)` of all crops, then of their mirror images.

    `kept` is a file that they are read from, or written to where it is not there or has another length.
    """
    if kept is not None and kept.is_file():
        stored: _F32 = np.load(kept)
        if len(stored) == 2 * len(crops):
            return stored
    eye = keras.Model(network.input, network.get_layer(_LAYER).input)
    halves: list[list[_F32]] = [[], []]
    for start in range(0, len(crops), _BATCH):
        members = np.arange(start, min(start + _BATCH, len(crops)))
        pixels = crops.take(members)[..., ::-1]
        filled = np.concatenate([pixels, np.repeat(pixels[:1], _BATCH - len(pixels), axis=0)])
        for half, seen in zip(halves, (filled, filled[:, :, ::-1]), strict=True):
            told = eye.predict_on_batch(normalise(np.ascontiguousarray(seen)))
            half.append(np.asarray(told, dtype=np.float32)[: len(pixels)])
    found = np.concatenate([*halves[0], *halves[1]])
    if kept is not None:
        with kept.with_suffix(".new").open("wb") as file:
            np.save(file, found)
        kept.with_suffix(".new").replace(kept)
    return found


def refit_head(
    network: keras.Model,
    crops: CropSet,
    how: Refit,
    *,
    seed: int,
    kept: Path | None = None,
    mirrored: bool = False,
) -> None:
    """Fit the layer `ages` of a network in place, on `crops` and their mirror images.

    With `mirrored` on the mean of both, which is what this layer, being linear, then answers to.
    """
    features = features_of(network, crops, kept=kept)
    if mirrored:
        features = (features[: len(crops)] + features[len(crops) :]) / 2
    answers = targets(crops.ages_min, crops.ages_max, sigma_years=how.loss.sigma_years)
    sampler = Sampler(
        sampling_weights(crops.ages, crops.column("data_set"), how.sampling), batch=how.batch, seed=seed
    )
    kernel, bias = (np.asarray(keras.ops.convert_to_numpy(v)) for v in network.get_layer(_LAYER).weights)
    head = _head(kernel, bias, how)
    sides = np.random.default_rng(seed).integers(0, 1 if mirrored else 2, (how.steps, how.batch))
    for step in range(how.steps):
        members = sampler.members(step)
        head.optimizer.learning_rate.assign(how.rate * 0.5 * (1.0 + np.cos(np.pi * step / how.steps)))
        head.train_on_batch(
            features[members + sides[step] * len(crops)], ops.convert_to_tensor(answers[members])
        )
    network.get_layer(_LAYER).set_weights(head.layers[-1].get_weights())


def _head(kernel: _F32, bias: _F32, how: Refit) -> keras.Model:
    """The layer alone, compiled, at the weights it was trained to."""
    layer = keras.layers.Dense(AGES, name=_LAYER, kernel_regularizer=_Pull(kernel, how.pull), dtype="float32")
    head = keras.Sequential([keras.Input((kernel.shape[0],), dtype="float32"), layer])
    layer.set_weights([kernel, bias])
    head.compile(optimizer=keras.optimizers.Adam(how.rate), loss=loss_for("distribution", how.loss))
    return head


class _Pull(keras.regularizers.Regularizer):  # type: ignore[misc]
    """`weight` times the squared distance to where the layer came from."""

    def __init__(self, origin: _F32, weight: float) -> None:
        self._origin, self._weight = origin, weight

    def __call__(self, x: Any) -> Any:
        return self._weight * ops.sum(ops.square(x - ops.convert_to_tensor(self._origin)))
