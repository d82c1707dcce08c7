"""Is A better than B: the bootstrap of their difference on the same faces. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation.answers import Answers
from training.evaluation.measures import at_ages, bootstrap, challenged

__all__ = ["paired"]

_F64 = NDArray[np.float64]


def paired(
    ages: _F64,
    first: Answers,
    second: Answers,
    *,
    first_tau: float | None = None,
    second_tau: float | None = None,
) -> dict[str, Any]:
    """Figures of both and `difference` = first less second, with its 95 % interval.

    `significant` is true where the interval leaves out zero; below zero the first is better. Misses at 14–17
    go by each model's own τ where both have one, and by the point estimate besides.
    """
    off = [np.abs(answers.mean - ages) for answers in (first, second)]
    told = {"n": len(ages), "mae": _compared(off[0], off[1])}
    teens = at_ages(ages, 14, 17)
    told["miss_14_17_point"] = _misses(teens, first, second, None, None)
    told["miss_14_17_tau"] = (
        _misses(teens, first, second, first_tau, second_tau)
        if first_tau is not None and second_tau is not None
        else None
    )
    return told


def _misses(
    teens: NDArray[np.bool_],
    first: Answers,
    second: Answers,
    first_tau: float | None,
    second_tau: float | None,
) -> dict[str, Any] | None:
    asked = [challenged(first, first_tau), challenged(second, second_tau)]
    if not teens.any() or asked[0] is None or asked[1] is None:
        return None
    return _compared((~asked[0][teens]).astype(np.float64), (~asked[1][teens]).astype(np.float64))


def _compared(first: _F64, second: _F64) -> dict[str, Any]:
    difference = first - second
    interval = bootstrap(len(difference), lambda members: float(difference[members].mean()), rounds=2000)
    return {
        "n": len(difference),
        "first": float(first.mean()),
        "second": float(second.mean()),
        "difference": float(difference.mean()),
        "ci95": interval,
        "significant": interval is not None and (interval[0] > 0 or interval[1] < 0),
    }
