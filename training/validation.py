"""How good the averaged weights are, on clean crops at full size, while a run goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.crops import CropSet
from training.model import ages_of, normalise

__all__ = ["Figures", "figures_of", "predict"]

_BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Mean absolute error in years, share within 5 years, share of 14–17 judged 25 or older (None without any)."""

    mae: float
    cs5: float
    miss_14_17: float | None


def predict(model: Any, crops: CropSet | NDArray[np.uint8], *, mirrored: bool = False) -> NDArray[np.float32]:
    """Answers `(n, 101)` or `(n, 1)` of a Keras network for all crops of a set, or for BGR `(n, 112, 112, 3)`.

    With `mirrored` the mean of the answers to each crop and to its mirror image.
    """
    if mirrored:
        return (_predict(model, crops, -1) + _predict(model, crops, 1)) / 2
    return _predict(model, crops, 1)


def _predict(model: Any, crops: CropSet | NDArray[np.uint8], across: int) -> NDArray[np.float32]:
    answers = []
    for start in range(0, len(crops), _BATCH):
        members = np.arange(start, min(start + _BATCH, len(crops)))
        pixels = crops.take(members) if isinstance(crops, CropSet) else crops[members]
        # One shape for all batches: a compiled backend would compile the last, smaller one again.
        filled = np.concatenate([pixels, np.repeat(pixels[:1], _BATCH - len(pixels), axis=0)])
        given = model.predict_on_batch(normalise(np.ascontiguousarray(filled[:, :, ::across, ::-1])))
        answers.append(np.asarray(given, dtype=np.float32)[: len(pixels)])
    return np.concatenate(answers)


def figures_of(answers: NDArray[np.float32], crops: CropSet) -> Figures:
    """What a curve shows of these answers."""
    years = ages_of(answers)
    off = np.maximum(np.maximum(crops.ages_min - years, years - crops.ages_max), 0.0)
    teens = (crops.ages >= 14) & (crops.ages < 18)
    return Figures(
        mae=float(off.mean()),
        cs5=float((off <= 5).mean()),
        miss_14_17=float((years[teens] >= 25).mean()) if teens.any() else None,
    )
