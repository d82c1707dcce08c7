"""Labels as the loss wants them, and the losses, as Keras ops that run on any backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from training.config import Loss
from training.model import AGES, Head

__all__ = ["TARGET_WIDTH", "absolute_error", "loss_for", "targets"]

TARGET_WIDTH: Final = AGES + 2
_MINORS: Final = (14, 17)
_YEARS: Final = np.arange(AGES, dtype=np.float32)


def targets(
    ages_min: NDArray[np.float64], ages_max: NDArray[np.float64], *, sigma_years: float
) -> NDArray[np.float32]:
    """Float32 `(n, 103)`: a distribution over 0..100, then the label's lowest and highest age.

    A plain age is a Gaussian (label distribution, Gao et al. 2017); an interval is flat inside with Gaussian
    shoulders. Ages above 100 count as 100.
    """
    low, high = np.clip(ages_min, 0, AGES - 1), np.clip(ages_max, 0, AGES - 1)
    beyond = np.maximum(np.maximum(low[:, None] - _YEARS, _YEARS - high[:, None]), 0)
    spread = np.exp(-(beyond**2) / (2 * sigma_years**2))
    spread /= spread.sum(axis=1, keepdims=True)
    return np.column_stack([spread, low, high]).astype(np.float32)


def loss_for(head: Head, loss: Loss) -> Callable[[Any, Any], Any]:
    """The loss of a head, `(targets, answers) -> (n,)`."""

    def distribution(target: Any, logits: Any) -> Any:
        log_p = ops.log_softmax(logits, axis=-1)
        cross = -ops.sum(target[:, :AGES] * log_p, axis=-1)
        p = ops.exp(log_p)
        mean = ops.sum(p * _years(), axis=-1)
        off = _outside(target, mean)
        told = _trust(off, loss.outlier_years) * (cross + loss.absolute * off)
        if loss.challenge > 0:
            told = told + loss.challenge * _challenge(target, p, loss.challenge_age)
        if loss.minors > 0:
            told = told + loss.minors * _minor(target) * ops.maximum(mean - (loss.challenge_age - 1.0), 0.0)
        return told

    def scalar(target: Any, years: Any) -> Any:
        return ops.square(_outside(target, years[:, 0]))

    return distribution if head == "distribution" else scalar


@keras.saving.register_keras_serializable("checkout_age")
def absolute_error(target: Any, answers: Any) -> Any:
    """Years between answer and label, 0 inside an interval, `(n,)`; for the curve."""
    if answers.shape[-1] == 1:
        return _outside(target, answers[:, 0])
    return _outside(target, ops.sum(ops.softmax(answers, axis=-1) * _years(), axis=-1))


def _challenge(target: Any, p: Any, age: int) -> Any:
    """Cross-entropy of being under `age`, where the label says which; 0 for an interval across it."""
    under = ops.clip(ops.sum(p[:, :age], axis=-1), 1e-6, 1.0 - 1e-6)
    is_under = ops.cast(target[:, AGES + 1] < age, "float32")
    is_over = ops.cast(target[:, AGES] >= age, "float32")
    return -(is_under * ops.log(under) + is_over * ops.log(1.0 - under))


def _minor(target: Any) -> Any:
    """1 where the label lies within 14..17 whole years."""
    low, high = target[:, AGES], target[:, AGES + 1]
    return ops.cast((low >= _MINORS[0]) & (high < _MINORS[1] + 1), "float32")


def _years() -> Any:
    return ops.convert_to_tensor(_YEARS)  # torch takes no arrays into its arithmetic


def _outside(target: Any, years: Any) -> Any:
    return ops.maximum(ops.maximum(target[:, AGES] - years, years - target[:, AGES + 1]), 0.0)


def _trust(off: Any, outlier_years: float) -> Any:
    """1, falling with the square of the distance beyond `outlier_years`; no gradient goes through it."""
    if outlier_years <= 0:
        return 1.0
    return ops.stop_gradient(ops.square(outlier_years / ops.maximum(off, outlier_years)))
