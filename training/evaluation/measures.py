"""Figures about answers: errors, Challenge 25, calibration, and their bootstrap intervals. Pure.

A figure without anybody to measure it on is None, never zero. Shares lie in 0..1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.evaluation.answers import Answers

__all__ = [
    "AGE_BANDS",
    "at_ages",
    "bootstrap",
    "bootstrap_mean",
    "challenge",
    "clean",
    "coverage",
    "error_intervals",
    "errors",
    "expected_calibration_error",
    "false_35_plus",
    "missed_14_17",
    "reliability",
    "share_intervals",
]

_F64 = NDArray[np.float64]
_Bool = NDArray[np.bool_]

# Whole years, both ends belong to the band.
AGE_BANDS: Final = ((0, 12), (13, 17), (18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, 130))
_CHALLENGE_AGE: Final = 25
# Whose being asked is reported, in whole years.
_ASKED_AT: Final = {
    "challenged_18_24": (18, 24),
    "false_25_29": (25, 29),
    "false_30_34": (30, 34),
    "false_35_plus": (35, 130),
}
_BINS: Final = 10


def at_ages(ages: _F64, first: int, last: int) -> _Bool:
    """Who is `first` to `last` completed years old."""
    return np.asarray((ages >= first) & (ages < last + 1))


def errors(ages: _F64, answers: Answers, among: _Bool | None = None) -> dict[str, float | None]:
    """`mae_mean`, `mae_median`, `cs5` (share within 5 years) and `bias` (positive: judged too old)."""
    chosen = np.ones(len(ages), dtype=bool) if among is None else among
    if not chosen.any():
        return {"mae_mean": None, "mae_median": None, "cs5": None, "bias": None}
    off = answers.mean[chosen] - ages[chosen]
    return {
        "mae_mean": float(np.abs(off).mean()),
        "mae_median": float(np.abs(answers.median[chosen] - ages[chosen]).mean()),
        "cs5": float((np.abs(off) <= 5).mean()),
        "bias": float(off.mean()),
    }


def error_intervals(
    ages: _F64, answers: Answers, among: _Bool | None = None
) -> dict[str, list[float] | None]:
    """The 95 % bootstrap interval of each figure of `errors`, from the same resamples; None without faces."""
    chosen = np.ones(len(ages), dtype=bool) if among is None else among
    off = answers.mean[chosen] - ages[chosen]
    of_each = {
        "mae_mean": np.abs(off),
        "mae_median": np.abs(answers.median[chosen] - ages[chosen]),
        "cs5": (np.abs(off) <= 5).astype(np.float64),
        "bias": off,
    }
    return {name: bootstrap_mean(values) for name, values in of_each.items()}


def share_intervals(ages: _F64, asked: _Bool) -> dict[str, list[float] | None]:
    """The 95 % bootstrap interval of each share of `challenge`; None where nobody is of that age."""
    missed = at_ages(ages, 14, 17)
    told = {"miss_14_17": bootstrap_mean(~asked[missed])}
    for name, among in _ASKED_AT.items():
        told[name] = bootstrap_mean(asked[at_ages(ages, *among)])
    return told


def challenged(answers: Answers, tau: float | None) -> _Bool | None:
    """Who is asked for ID: mean below 25 (`tau` None), or P(<25) ≥ τ. None where there is no P(<25)."""
    if tau is None:
        return np.asarray(answers.mean < _CHALLENGE_AGE)
    return None if answers.under_25 is None else np.asarray(answers.under_25 >= tau)


def challenge(ages: _F64, asked: _Bool) -> dict[str, Any]:
    """Shares as NIST's Challenge 25 has them: missed at 14–17, asked at 18–24, asked without need above."""
    return {
        "miss_14_17": _share(~asked, at_ages(ages, 14, 17)),
        "n_14_17": int(at_ages(ages, 14, 17).sum()),
        **{name: _share(asked, at_ages(ages, *among)) for name, among in _ASKED_AT.items()},
    }


def missed_14_17(ages: _F64, asked: _Bool) -> float | None:
    """Share of 14–17-year-olds who are not asked."""
    return _share(~asked, at_ages(ages, 14, 17))


def false_35_plus(ages: _F64, asked: _Bool) -> float | None:
    """Share of people of 35 and more who are asked."""
    return _share(asked, ages >= 35)


def coverage(ages: _F64, answers: Answers, among: _Bool | None = None) -> float | None:
    """Share of ages inside the calibrated interval."""
    if answers.low is None or answers.high is None:
        return None
    inside = (answers.low <= ages) & (ages <= answers.high)
    return _share(inside, np.ones(len(ages), dtype=bool) if among is None else among)


def reliability(ages: _F64, answers: Answers) -> list[dict[str, Any]]:
    """P(<25) in ten equal bins: mean prediction, observed share, number."""
    if answers.under_25 is None:
        return []
    young = ages < _CHALLENGE_AGE
    at = np.minimum((answers.under_25 * _BINS).astype(int), _BINS - 1)
    rows = []
    for index in range(_BINS):
        inside = at == index
        rows.append(
            {
                "from": index / _BINS,
                "to": (index + 1) / _BINS,
                "n": int(inside.sum()),
                "predicted": float(answers.under_25[inside].mean()) if inside.any() else None,
                "observed": float(young[inside].mean()) if inside.any() else None,
            }
        )
    return rows


def expected_calibration_error(ages: _F64, answers: Answers) -> float | None:
    """Mean distance between predicted and observed P(<25) over ten equal bins, weighted by their faces."""
    rows = [row for row in reliability(ages, answers) if row["n"]]
    if not rows:
        return None
    total = sum(row["n"] for row in rows)
    return float(sum(row["n"] * abs(row["predicted"] - row["observed"]) for row in rows) / total)


def bootstrap(
    count: int, figure: Callable[[NDArray[np.int64]], float | None], *, rounds: int = 1000, seed: int = 0
) -> list[float] | None:
    """The 95 % interval of `figure(members)` over resampled faces; None where the figure is None too often."""
    if count == 0:
        return None
    rng = np.random.default_rng(seed)
    found = [figure(rng.integers(0, count, count)) for _ in range(rounds)]
    known = [value for value in found if value is not None]
    if len(known) < 0.9 * rounds:
        return None
    return [float(q) for q in np.quantile(known, [0.025, 0.975])]


def bootstrap_mean(values: NDArray[Any], *, rounds: int = 1000, seed: int = 0) -> list[float] | None:
    """`bootstrap` of a mean; None without values."""
    return bootstrap(len(values), lambda members: float(values[members].mean()), rounds=rounds, seed=seed)


def clean(value: Any, digits: int = 4) -> Any:
    """Round the floats of nested figures for JSON."""
    if isinstance(value, dict):
        return {key: clean(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item, digits) for item in value]
    if isinstance(value, float | np.floating):
        return round(float(value), digits)
    return int(value) if isinstance(value, np.integer) else value


def _share(hits: _Bool, among: _Bool) -> float | None:
    return float(hits[among].mean()) if among.any() else None
