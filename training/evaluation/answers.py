"""What a model says of each face, after calibration: the one table that all figures are made from. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.age import (
    AGES,
    Intervals,
    interval_years,
    log_softmax,
    mass_under,
    mean_years,
    quantile_years,
    tempered,
)

__all__ = ["Answers", "CalibrationInForce", "answers_of"]

_F64 = NDArray[np.float64]
CHALLENGE_AGE = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationInForce:
    """What a bundle, or a site file bound to it, says about its own numbers; `source` names which.

    `tau` belongs to challenge age 25 and `miss_rate`, and rests on `tau_faces` of 14–17; None where it is unusable
    (`tau_note`).
    """

    source: str
    temperature: float
    intervals: Intervals
    tau: float | None
    miss_rate: float
    tau_faces: int = 0
    tau_note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """One entry a face, years. `low`/`high`/`under_25` are None where nothing was calibrated or the head is scalar."""

    mean: _F64
    median: _F64
    low: _F64 | None
    high: _F64 | None
    under_25: _F64 | None


def answers_of(logits: NDArray[np.floating[Any]], calibration: CalibrationInForce | None) -> Answers:
    """Decode logits `(n, 101)`, or years `(n, 1)` of a scalar head.

    Without a calibration the raw distribution gives mean, median and P(<25), but no interval.
    """
    if logits.ndim == 2 and logits.shape[1] == 1:
        years = logits[:, 0].astype(np.float64)
        return Answers(mean=years, median=years, low=None, high=None, under_25=None)
    if logits.ndim != 2 or logits.shape[1] != AGES:
        raise ValueError(f"expected logits (n, {AGES}) or years (n, 1), got {logits.shape}")
    p = tempered(log_softmax(logits), calibration.temperature if calibration else 1.0)
    low = high = None
    if calibration:
        low, high = interval_years(p, calibration.intervals)
    return Answers(
        mean=mean_years(p),
        median=quantile_years(p, 0.5),
        low=low,
        high=high,
        under_25=mass_under(p, CHALLENGE_AGE),
    )
