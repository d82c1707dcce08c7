"""What turns logits into promises: temperature, interval margins, thresholds. Pure, from logits and ages.

All of it is computed on `val`, on the logits of the very file that runs at the till, and stands in the bundle;
nothing else in the system invents such a number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.age import AGES, FACES_MIN, log_softmax, mass_under, mean_years, quantile_years, tempered

__all__ = [
    "BANDS",
    "COVERAGE",
    "MISS_RATES",
    "UNDER_AGES",
    "Calibration",
    "CalibrationError",
    "calibrate",
    "clopper_pearson",
    "fit_margins",
    "fit_temperature",
    "fit_threshold",
]

_F64 = NDArray[np.float64]

COVERAGE: Final = 0.9
BANDS: Final = (0.0, 13.0, 18.0, 25.0, 35.0, 45.0, 55.0, 65.0, 100.0)
UNDER_AGES: Final = (18, 21, 25, 30)
MISS_RATES: Final = (0.01, 0.02, 0.05, 0.10)
# Those whom a challenge must not miss: under the legal age, and old enough to try.
_MINORS: Final = (14, 17)
_BAND_FACES_MIN: Final = 50
_FACES_MIN: Final = 100
_BOOTSTRAPS: Final = 1000
_DIGITS: Final = 4


class CalibrationError(ValueError):
    """The faces given cannot calibrate anything: too few, or of the wrong shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The calibrated fields of `bundle.json`, ready to be written, and how well they fit their own faces.

    `fitted_temperature`: what these faces ask for; `temperature` is the same unless another one was to be kept.
    """

    temperature: float
    fitted_temperature: float
    intervals: dict[str, Any]
    thresholds: list[dict[str, Any]]
    n: int
    nll: float
    nll_before: float
    covered: float


def calibrate(
    logits: NDArray[np.floating], ages: _F64, *, keep_temperature: float | None = None, seed: int = 0
) -> Calibration:
    """Temperature, margins and thresholds from logits `(n, 101)` and ages in years `(n,)` of faces never trained on.

    `keep_temperature`: margins and thresholds are made for the probabilities that this temperature gives.

    Raises CalibrationError for fewer than 100 faces or shapes that do not fit.
    """
    if logits.ndim != 2 or logits.shape != (len(ages), AGES):
        raise CalibrationError(f"expected logits (n, {AGES}) and n ages, got {logits.shape} and {ages.shape}")
    if len(ages) < _FACES_MIN:
        raise CalibrationError(
            f"{len(ages)} faces are too few to calibrate; at least {_FACES_MIN} are needed"
        )
    log_p = log_softmax(logits)
    fitted = round(fit_temperature(log_p, ages), _DIGITS)
    temperature = fitted if keep_temperature is None else keep_temperature
    p = tempered(log_p, temperature)
    margins = fit_margins(p, ages)
    return Calibration(
        temperature=temperature,
        fitted_temperature=fitted,
        intervals={"coverage": COVERAGE, "margins": margins},
        thresholds=[
            fit_threshold(p, ages, under_age=under, miss_rate=rate, seed=seed)
            for under in UNDER_AGES
            for rate in MISS_RATES
        ],
        n=len(ages),
        nll=_nll(log_p, ages, temperature),
        nll_before=_nll(log_p, ages, 1.0),
        covered=_covered(p, ages, margins),
    )


def fit_temperature(log_p: _F64, ages: _F64) -> float:
    """The temperature in 0.2..5 under which the published ages are most likely (Guo et al., 2017).

    Golden-section search in log T: the likelihood of a tempered softmax has one optimum.
    """
    ratio = (math.sqrt(5) - 1) / 2
    low, high = math.log(0.2), math.log(5.0)
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = (_nll(log_p, ages, math.exp(point)) for point in (left, right))
    while high - low > 1e-4:
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = _nll(log_p, ages, math.exp(left))
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = _nll(log_p, ages, math.exp(right))
    return math.exp((low + high) / 2)


def fit_margins(p: _F64, ages: _F64, *, coverage: float = COVERAGE) -> list[dict[str, float]]:
    """Years to add below the lower and above the upper quantile, by band of the predicted mean.

    Split conformal on quantiles (Romano, Patterson, Candès, 2019), per band of what is known live, the predicted
    age; both tails by the same rank, and the rank so that the band's share inside is the coverage with the
    finite-sample step of one face. A margin may be negative: then the quantiles were too wide. Bands with fewer
    than 50 faces join their neighbour.
    """
    tail = (1 - coverage) / 2
    mean = mean_years(p)
    below = quantile_years(p, tail) - ages
    above = ages - quantile_years(p, 1 - tail)
    margins = []
    for start, end in _bands(mean):
        inside = (mean >= start) & (mean < end if end < BANDS[-1] else True)
        low, high = _joint_margins(below[inside], above[inside], coverage)
        margins.append({"from": start, "to": end, "low": low, "high": high, "n": int(inside.sum())})
    return margins


def fit_threshold(p: _F64, ages: _F64, *, under_age: int, miss_rate: float, seed: int = 0) -> dict[str, Any]:
    """τ for one challenge age: the largest threshold that misses at most `miss_rate` of the 14–17-year-olds.

    Missed is who gets `p_under[under_age] < τ`. `interval` is the 95 % bootstrap interval of τ; `misses` and
    `miss_ci95` (Clopper–Pearson) say what was missed and how sure that is. `usable` is false under 50 faces.
    """
    minors = (ages >= _MINORS[0]) & (ages < _MINORS[1] + 1)
    under = np.sort(mass_under(p[minors], under_age))
    entry: dict[str, Any] = {"under_age": under_age, "miss_rate": miss_rate}
    if not len(under):
        return entry | {
            "tau": 0.0,
            "n": 0,
            "interval": [0.0, 0.0],
            "misses": 0,
            "miss_ci95": [0.0, 1.0],
            "usable": False,
        }
    tau = _largest_tau(under, miss_rate)
    drawn = np.random.default_rng(seed).integers(0, len(under), (_BOOTSTRAPS, len(under)))
    taus = [_largest_tau(np.sort(under[rows]), miss_rate) for rows in drawn]
    misses = int((under < tau).sum())
    return entry | {
        "tau": tau,
        "n": len(under),
        "interval": [round(float(q), _DIGITS) for q in np.quantile(taus, [0.025, 0.975])],
        "misses": misses,
        "miss_ci95": [round(end, _DIGITS) for end in clopper_pearson(misses, len(under))],
        "usable": len(under) >= FACES_MIN,
    }


def clopper_pearson(hits: int, n: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share: `hits` of `n` (Clopper and Pearson, 1934), by bisection of binomial tails."""
    if not 0 <= hits <= n or n < 1:
        raise CalibrationError(f"expected 0 ≤ hits ≤ n and n ≥ 1, got {hits} of {n}")
    alpha = (1 - confidence) / 2
    low = 0.0 if hits == 0 else _bisect(lambda share: 1 - _at_most(hits - 1, n, share) - alpha)
    high = 1.0 if hits == n else _bisect(lambda share: alpha - _at_most(hits, n, share))
    return low, high


def _bands(mean: _F64) -> list[tuple[float, float]]:
    """The bands with enough faces each; a thin one joins the next, the last thin one the one before."""
    bands: list[tuple[float, float]] = []
    start = BANDS[0]
    for end in BANDS[1:]:
        if ((mean >= start) & (mean < end if end < BANDS[-1] else True)).sum() >= _BAND_FACES_MIN:
            bands.append((start, end))
            start = end
    if start < BANDS[-1]:
        bands = [*bands[:-1], (bands[-1][0], BANDS[-1])] if bands else [(BANDS[0], BANDS[-1])]
    return bands


def _joint_margins(below: _F64, above: _F64, coverage: float) -> tuple[float, float]:
    """The smallest margins, both of the same rank from the top, that hold `coverage` of (n + 1) faces."""
    n = len(below)
    needed = min(math.ceil((n + 1) * coverage), n)
    low_sorted, high_sorted = np.sort(below), np.sort(above)
    for rank in range(n):  # from tight to wide
        low, high = low_sorted[rank], high_sorted[rank]
        if ((below <= low) & (above <= high)).sum() >= needed:
            return _up(float(low)), _up(float(high))
    return _up(float(low_sorted[-1])), _up(float(high_sorted[-1]))


def _largest_tau(under_sorted: _F64, miss_rate: float) -> float:
    """Rounded down, so that rounding never adds a miss."""
    allowed = math.floor(len(under_sorted) * miss_rate + 1e-9)
    at = under_sorted[min(allowed, len(under_sorted) - 1)]
    return math.floor(float(at) * 10**_DIGITS) / 10**_DIGITS


def _up(years: float) -> float:
    return math.ceil(years * 100) / 100


def _nll(log_p: _F64, ages: _F64, temperature: float) -> float:
    at = np.clip(np.rint(ages), 0, AGES - 1).astype(int)
    return float(-log_softmax(log_p / temperature)[np.arange(len(at)), at].mean())


def _covered(p: _F64, ages: _F64, margins: Sequence[dict[str, float]]) -> float:
    tail = (1 - COVERAGE) / 2
    band = np.searchsorted([margin["to"] for margin in margins[:-1]], mean_years(p), side="right")
    low = quantile_years(p, tail) - np.array([margin["low"] for margin in margins])[band]
    high = quantile_years(p, 1 - tail) + np.array([margin["high"] for margin in margins])[band]
    return float(((low <= ages) & (ages <= high)).mean())


def _at_most(hits: int, n: int, share: float) -> float:
    """P(X ≤ hits) for a binomial X, by its sum of logs."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 1.0 if hits >= n else 0.0
    logs = [
        math.lgamma(n + 1)
        - math.lgamma(k + 1)
        - math.lgamma(n - k + 1)
        + k * math.log(share)
        + (n - k) * math.log1p(-share)
        for k in range(hits + 1)
    ]
    return min(1.0, math.fsum(math.exp(value) for value in logs))


def _bisect(rising: Any) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2
