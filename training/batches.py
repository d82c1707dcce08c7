"""Batches of one round for `fit`: a PyDataset, so that every Keras backend is fed the same way."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training.crops import CropSet
from training.sampling import Sampler

__all__ = ["Round"]


class Round(keras.utils.PyDataset):  # type: ignore[misc]
    """Steps `first_step` … of a run: crops uint8 BGR `(batch, 112, 112, 3)` and targets `(batch, 103)`."""

    def __init__(
        self, crops: CropSet, target: NDArray[np.float32], sampler: Sampler, *, first_step: int, steps: int
    ) -> None:
        super().__init__()
        self._crops, self._target, self._sampler = crops, target, sampler
        self._first_step, self._steps = first_step, steps

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        members = self._sampler.members(self._first_step + index)
        return self._crops.take(members), self._target[members]
