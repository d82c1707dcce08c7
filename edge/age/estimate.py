"""From the distributions of a track's crops to what is said about the person's age. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edge.age.bundle import AgeBundle
from edge.age.distribution import log_softmax, mass_under, mean_years, merged, quantile_years, tempered
from edge.age.manifest import Intervals
from edge.flow import AgeEstimate

__all__ = ["POLICY_AGES", "estimate_track", "interval_years"]

POLICY_AGES = (18, 21, 25, 30)


def estimate_track(
    logits: NDArray[np.floating],
    qualities: NDArray[np.floating],
    bundle: AgeBundle,
    *,
    ages: Iterable[int] = (),
    band_ends: Sequence[int] = (),
) -> AgeEstimate:
    """Say how old a person is from k ≥ 1 crops: logits `(k, 101)`, qualities `(k,)` of 0 and above.

    Distributions are averaged in log space by quality, then tempered (one crop by the bundle's
    temperature, several by what was calibrated on tracks). `p_under` holds 18, 21, 25, 30 and `ages`.
    `shares` are those of the bands that end with `band_ends` (years, rising, the last 100). The interval is the
    bundle's; always low ≤ median ≤ high within 0..100. Raises ValueError for other shapes and values that are not
    finite.
    """
    scores = np.asarray(qualities, np.float64)
    averaged = merged(log_softmax(np.atleast_2d(np.asarray(logits))), scores)
    temperature = bundle.temperature if len(scores) == 1 else bundle.track_temperature
    p = tempered(averaged, temperature)
    median = float(quantile_years(p, 0.5))
    low, high = interval_years(p, bundle.intervals)
    return AgeEstimate(
        mean_years=float(mean_years(p)),
        median_years=median,
        low_years=float(low),
        high_years=float(high),
        coverage=bundle.intervals.coverage,
        p_under=MappingProxyType({age: float(mass_under(p, age)) for age in sorted({*POLICY_AGES, *ages})}),
        quality=float(min(scores.max(), 1.0)),
        crops=len(scores),
        shares=_shares(p, band_ends),
    )


def _shares(p: NDArray[np.float64], band_ends: Sequence[int]) -> tuple[float, ...]:
    under = [0.0, *(float(mass_under(p, end + 1)) for end in band_ends)]
    return tuple(after - before for before, after in pairwise(under))


def interval_years(
    p: NDArray[np.float64], intervals: Intervals
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Calibrated low and high ends in years, `(…)` each, of tempered distributions `(…, 101)`.

    The equal-tailed quantiles of the distribution, moved by the margins of the band of its mean. A negative
    margin narrows, but never past the median.
    """
    tail = (1 - intervals.coverage) / 2
    mean = mean_years(p)
    median = quantile_years(p, 0.5)
    margins = [intervals.margin_at(float(years)) for years in np.ravel(mean)]
    below = np.array([margin.low_years for margin in margins]).reshape(mean.shape)
    above = np.array([margin.high_years for margin in margins]).reshape(mean.shape)
    low = np.clip(quantile_years(p, tail) - below, 0.0, median)
    high = np.clip(quantile_years(p, 1 - tail) + above, median, 100.0)
    return low, high
