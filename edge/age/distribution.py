"""Arithmetic of age distributions: 101 probabilities over the completed years 0..100. Pure, any leading shape.

The mass of age a is taken to lie evenly over a − ½ .. a + ½, so that quantiles are smooth in the
probabilities and the median of a sharp distribution is its age.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["AGES", "log_softmax", "mass_under", "mean_years", "merged", "quantile_years", "tempered"]

AGES = 101

_F64 = NDArray[np.float64]


def log_softmax(logits: NDArray[np.floating]) -> _F64:
    """Log-probabilities `(…, 101)` of logits `(…, 101)`; raises ValueError for other shapes or non-finite values."""
    values = np.asarray(logits, np.float64)
    if values.ndim < 1 or values.shape[-1] != AGES:
        raise ValueError(f"expected logits (…, {AGES}), got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("logits are not finite: the model or its input is broken")
    shifted = values - values.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def tempered(log_p: _F64, temperature: float) -> _F64:
    """Probabilities `(…, 101)` of log-probabilities divided by a temperature above 0 (above 1 widens)."""
    if not temperature > 0:
        raise ValueError(f"a temperature is above 0, got {temperature}")
    return np.asarray(np.exp(log_softmax(log_p / temperature)))


def merged(log_p: _F64, weights: NDArray[np.floating] | Sequence[float]) -> _F64:
    """The weighted geometric mean of k distributions, `(k, 101)` to `(101,)`, as log-probabilities.

    A mean and no product: crops of one person are no independent witnesses, so k equal crops say what one
    says. Where all weights are 0 they count the same. Raises ValueError for k = 0, negative or non-finite weights.
    """
    share = np.asarray(weights, np.float64)
    if log_p.ndim != 2 or share.shape != (len(log_p),) or not len(log_p):
        raise ValueError(f"expected (k, {AGES}) and k ≥ 1 weights, got {log_p.shape} and {share.shape}")
    if not np.isfinite(share).all() or (share < 0).any():
        raise ValueError(f"weights are finite and not negative, got {share.tolist()}")
    share = np.full(len(share), 1 / len(share)) if share.max() == 0 else share / share.max()
    share = share / share.sum()
    return log_softmax(share @ log_p)


def mean_years(p: _F64) -> _F64:
    """Expected age in years, `(…)` of probabilities `(…, 101)`."""
    return np.asarray(np.clip(p @ np.arange(AGES, dtype=np.float64), 0.0, AGES - 1.0))


def quantile_years(p: _F64, share: float) -> _F64:
    """The age below which `share` (0..1) of the mass lies, 0..100 years, `(…)` of probabilities `(…, 101)`."""
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies in 0..1, got {share}")
    table = np.atleast_2d(p)
    upto = np.minimum(np.cumsum(table, axis=-1), 1.0)
    age = np.minimum((upto < share).sum(axis=-1), AGES - 1)
    rows = np.arange(len(table))
    before = np.where(age > 0, upto[rows, np.maximum(age - 1, 0)], 0.0)
    within = np.clip((share - before) / np.maximum(table[rows, age], 1e-300), 0.0, 1.0)
    years = np.clip(age - 0.5 + within, 0.0, AGES - 1.0)
    return np.asarray(years.reshape(p.shape[:-1]))


def mass_under(p: _F64, age: int) -> _F64:
    """Probability of being younger than `age`, so of 0..age − 1 completed years; 0..1, `(…)`."""
    if age < 0:
        raise ValueError(f"an age is not negative, got {age}")
    # A running sum: adding in one order for all ages, the mass under a higher age is never a rounding less.
    return np.asarray(
        np.clip(np.cumsum(p, axis=-1)[..., min(age, p.shape[-1]) - 1] if age else 0.0 * p[..., 0], 0.0, 1.0)
    )
