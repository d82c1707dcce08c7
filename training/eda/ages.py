"""Figures about labels alone: the shape of the ages, heaping on round ones, counts. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.labels import LabelRow

__all__ = ["age_figures", "digit_preference", "heaped_ages", "modes", "whipple_index"]

_F64 = NDArray[np.float64]
_AGES: Final = 131
_SMOOTH_YEARS: Final = 2.5
_PROMINENCE_MIN: Final = 0.08
# The classic span of Whipple's index: ages 23 to 62, whose fives and tens run from 25 to 60.
_WHIPPLE_SPAN: Final = (23, 62)


def age_figures(rows: Sequence[LabelRow]) -> dict[str, Any]:
    """Everything that labels tell without pictures."""
    ages = np.array([row.age for row in rows], dtype=np.float64)
    counted = np.bincount(np.floor(ages).astype(int), minlength=_AGES).astype(np.float64)
    return {
        "n": len(rows),
        "age": {
            "min": float(ages.min()),
            "max": float(ages.max()),
            "mean": float(ages.mean()),
            "median": float(np.median(ages)),
            "deviation": float(ages.std()),
        },
        "histogram": counted.astype(int).tolist(),
        "modes": modes(counted),
        "whipple": whipple_index(counted),
        "digits": digit_preference(counted),
        "heaped": heaped_ages(counted),
        "detail_16_30": {str(age): int(counted[age]) for age in range(16, 31)},
        "bands": {
            "under_16": int((ages < 16).sum()),
            "14_17": int(((ages >= 14) & (ages < 18)).sum()),
            "18_24": int(((ages >= 18) & (ages < 25)).sum()),
            "25_34": int(((ages >= 25) & (ages < 35)).sum()),
            "over_60": int((ages > 60).sum()),
            "over_100": int((ages > 100).sum()),
        },
        "intervals": sum(row.is_interval for row in rows),
        "counts": {
            name: dict(sorted(Counter(getattr(row, name) for row in rows if getattr(row, name)).items()))
            for name in ("data_set", "split", "gender", "group")
        },
        "subjects": len({row.subject for row in rows if row.subject}),
        "splits": _splits(rows),
    }


def modes(counted: _F64) -> list[dict[str, float]]:
    """Peaks of the age curve, highest first: `age` in years and `share` of the highest.

    The histogram is smoothed by 2.5 years, so that heaping makes no peaks; a peak counts if it stands out of its
    surroundings by 8 % of the highest.
    """
    curve = _smoothed(counted, _SMOOTH_YEARS)
    fine = np.convolve(counted, [0.25, 0.5, 0.25], "same")  # where within the peak most labels are
    top = curve.max()
    if top <= 0:
        return []
    peaks = []
    for age in range(len(curve)):
        left = curve[age - 1] if age else -1.0
        right = curve[age + 1] if age + 1 < len(curve) else -1.0
        if curve[age] > left and curve[age] >= right and _prominence(curve, age) >= _PROMINENCE_MIN * top:
            near = range(max(0, age - 3), min(len(fine), age + 4))
            peaks.append({"age": float(max(near, key=lambda a: fine[a])), "share": float(curve[age] / top)})
    return sorted(peaks, key=lambda peak: -peak["share"])


def whipple_index(counted: _F64) -> float | None:
    """100 where ages ending in 0 and 5 are as frequent as others, 500 where there are no others; None without ages."""
    first, last = _WHIPPLE_SPAN
    everyone = counted[first : last + 1].sum()
    return None if everyone == 0 else float(500 * counted[25:61:5].sum() / everyone)


def digit_preference(counted: _F64) -> list[float]:
    """How much more often than expected an age of 10 to 89 ends in 0, 1 … 9; 1 is no preference.

    Expected is the smoothed curve at the same ages, so that a steep population does not look like heaping.
    """
    curve = _smoothed(counted, _SMOOTH_YEARS)
    ratios = []
    for digit in range(10):
        at = np.arange(10 + digit, 90, 10)
        expected = float(curve[at].sum())
        ratios.append(float(counted[at].sum()) / expected if expected > 0 else 1.0)
    return ratios


def heaped_ages(counted: _F64, *, factor: float = 1.3, faces_min: int = 20) -> list[dict[str, float]]:
    """Ages with at least `factor` times the mean of their four neighbours."""
    found = []
    for age in range(3, min(len(counted) - 2, 100)):
        beside = float(np.mean([counted[age - 2], counted[age - 1], counted[age + 1], counted[age + 2]]))
        if counted[age] >= faces_min and counted[age] >= factor * max(beside, 1.0):
            found.append(
                {"age": float(age), "n": float(counted[age]), "times": float(counted[age] / max(beside, 1.0))}
            )
    return sorted(found, key=lambda heap: -heap["times"])


def _smoothed(counted: _F64, years: float) -> _F64:
    reach = int(4 * years)
    kernel = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * years**2))
    padded = np.convolve(counted, kernel / kernel.sum(), "same")
    weight = np.convolve(np.ones_like(counted), kernel / kernel.sum(), "same")
    return np.asarray(padded / weight)


def _prominence(curve: _F64, peak: int) -> float:
    """How far one must go down from a peak before going up to a higher one."""
    lowest = []
    for side in (curve[:peak][::-1], curve[peak + 1 :]):
        higher = np.nonzero(side > curve[peak])[0]
        valley = side[: higher[0]] if len(higher) else side
        if len(higher):
            lowest.append(float(valley.min()) if len(valley) else float(curve[peak]))
    return float(curve[peak] - max(lowest)) if lowest else float(curve[peak])


def _splits(rows: Sequence[LabelRow]) -> dict[str, dict[str, float]]:
    told = {}
    for name in sorted({row.split for row in rows if row.split}):
        ages = np.array([row.age for row in rows if row.split == name])
        told[name] = {
            "n": len(ages),
            "mean": float(ages.mean()),
            "median": float(np.median(ages)),
            "n_14_17": int(((ages >= 14) & (ages < 18)).sum()),
        }
    return told
