"""Which faces a step sees: ages balanced, the ages of the till more often, the same at every resume."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.config import Sampling
from training.labels import DataError

__all__ = ["Sampler", "sampling_weights"]


def sampling_weights(
    ages: NDArray[np.float64], data_sets: NDArray[np.str_], sampling: Sampling
) -> NDArray[np.float64]:
    """The probability of each face, `(n,)`, sum 1.

    The frequency of an age is smoothed over five years, so that heaped round ages do not push their
    neighbours up. Raises DataError where a boosted data set has no face.
    """
    years = np.clip(np.floor(ages), 0, 130).astype(int)
    counted = np.bincount(years, minlength=131).astype(np.float64)
    smooth = np.convolve(np.pad(counted, 2, mode="edge"), np.full(5, 0.2), "valid")
    weights = np.maximum(smooth, 1.0)[years] ** -sampling.balance
    for boost in sampling.boosts:
        weights = np.where(
            (years >= boost.from_age) & (years <= boost.to_age), weights * boost.times, weights
        )
    for chosen in sampling.sets:
        members = data_sets == chosen.data_set
        if not members.any():
            raise DataError(
                f"sampling.sets: no face of the data set {chosen.data_set!r}; there are: "
                f"{', '.join(sorted(set(data_sets.tolist()) - {''})) or 'none'}"
            )
        weights = np.where(members, weights * chosen.times, weights)
    return np.asarray(weights / weights.sum())


class Sampler:
    """Draws with replacement; what step k gets depends on the seed and k alone."""

    def __init__(self, weights: NDArray[np.float64], *, batch: int, seed: int) -> None:
        self._ladder = np.cumsum(weights)
        self._ladder[-1] = 1.0
        self._batch, self._seed = batch, seed

    def members(self, step: int) -> NDArray[np.int64]:
        """Indices `(batch,)` into the faces that the weights were made for."""
        draws = np.random.default_rng((self._seed, step)).random(self._batch)
        return np.searchsorted(self._ladder, draws, side="right").astype(np.int64)
