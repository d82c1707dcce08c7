"""Has a camera changed? Its own last hours against its own last weeks, from sums alone: no picture, nobody's figures.

Pure: hours in, findings out. `edge.app.drift` gathers the hours and tells of the findings.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from types import MappingProxyType
from typing import Literal

__all__ = ["AGE_BANDS", "MEASURES", "Finding", "HourFigures", "Kind", "Sums", "find_drift", "sentence"]

Kind = Literal["drift", "moved", "soiled"]
Measure = Literal["x", "y", "size", "blur", "brightness", "age", "unknown"]

AGE_BANDS = 8
"""Bands of ten years of a person's mean age; the last one takes 70 and above."""

MEASURES: Mapping[str, tuple[Kind, float]] = MappingProxyType(
    {
        "x": ("moved", 0.06),
        "y": ("moved", 0.06),
        "size": ("moved", 0.26),
        "blur": ("soiled", 0.12),
        "brightness": ("drift", 35.0),
    }
)
"""What is summed of each customer, the kind of warning it gives, and the least change that is worth a walk to the till.

`x`, `y`: middle of the face as a share of the picture's width and height; `size`: natural logarithm of the face's share
of the picture's width (0.26 is a third larger or a quarter smaller); `blur` 0..1 and `brightness` 0..255 as the gate
has them.
"""

_SPREADS = 6.0
"""A finding lies so many robust deviations from the usual. With 7 to 28 days to learn from they have heavy tails."""
_MAD = 1.4826  # median absolute deviation to standard deviation
_TRACKS_NOW, _TRACKS_THEN = 40, 20
_WINDOW_H, _DAYS_BACK, _DAYS_MIN = 24, 28, 7
_AGES_NOW = 100
_BLOCK_DAYS = (1, 3)
_CHANGED_SHARE_MIN = 0.15
"""So large a share of the customers must have gone to other age bands, or must have become unknown."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Number, sum and sum of squares of one measure."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0

    def plus(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(self.n + other.n, self.total + other.total, self.squares + other.squares)

    def with_value(self, value: float) -> Sums:
        """And one more."""
        return Sums(self.n + 1, self.total + value, self.squares + value * value)

    @property
    def mean(self) -> float:
        """Raises ZeroDivisionError where there is nothing."""
        return self.total / self.n

    @property
    def variance(self) -> float:
        """Of the values themselves; 0 for one."""
        if self.n < 2:
            return 0.0
        return max(0.0, (self.squares - self.total * self.total / self.n) / (self.n - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class HourFigures:
    """The customers whom one camera told of within one hour (`hour`: hours since 1970, UTC)."""

    hour: int
    customers: int = 0
    unknown: int = 0
    ages: tuple[int, ...] = (0,) * AGE_BANDS
    sums: Mapping[str, Sums] = field(default_factory=lambda: MappingProxyType({}))

    def with_customer(self, *, mean_years: float | None, measures: Mapping[str, float]) -> HourFigures:
        """And one more customer; `mean_years` None where the age is unknown."""
        ages = list(self.ages)
        if mean_years is not None:
            ages[min(AGE_BANDS - 1, max(0, int(mean_years // 10)))] += 1
        sums = dict(self.sums)
        for name, value in measures.items():
            sums[name] = sums.get(name, Sums()).with_value(value)
        return HourFigures(
            hour=self.hour,
            customers=self.customers + 1,
            unknown=self.unknown + (mean_years is None),
            ages=tuple(ages),
            sums=MappingProxyType(sums),
        )

    def plus(self, other: HourFigures) -> HourFigures:
        """Both together, under this one's hour."""
        names = {**self.sums, **other.sums}
        return HourFigures(
            hour=self.hour,
            customers=self.customers + other.customers,
            unknown=self.unknown + other.unknown,
            ages=tuple(one + more for one, more in zip(self.ages, other.ages, strict=True)),
            sums=MappingProxyType(
                {name: self.sums.get(name, Sums()).plus(other.sums.get(name, Sums())) for name in names}
            ),
        )

    def to_json(self) -> str:
        """One line, as the store keeps it."""
        told = {
            "customers": self.customers,
            "unknown": self.unknown,
            "ages": self.ages,
            "sums": {
                name: [one.n, round(one.total, 5), round(one.squares, 5)] for name, one in self.sums.items()
            },
        }
        return json.dumps(told, separators=(",", ":"))

    @classmethod
    def from_json(cls, hour: int, text: str) -> HourFigures:
        """The reverse. Raises ValueError, KeyError or TypeError for another text."""
        told = json.loads(text)
        ages = tuple(int(count) for count in told["ages"])
        if len(ages) != AGE_BANDS:
            raise ValueError(f"{len(ages)} age bands; this version has {AGE_BANDS}")
        sums = {name: Sums(int(n), float(total), float(sq)) for name, (n, total, sq) in told["sums"].items()}
        return cls(
            hour=hour,
            customers=int(told["customers"]),
            unknown=int(told["unknown"]),
            ages=ages,
            sums=MappingProxyType(sums),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One measure that left its usual range. `past`: how many windows of the last weeks say what is usual."""

    kind: Kind
    measure: str
    recent: float
    usual: float
    tolerance: float
    n: int
    hours: int
    past: int

    def figures(self) -> dict[str, float | int | str]:
        """As the event carries them."""
        return {
            "measure": self.measure,
            "recent": round(self.recent, 4),
            "usual": round(self.usual, 4),
            "tolerance": round(self.tolerance, 4),
            "n": self.n,
            "hours": self.hours,
            "past": self.past,
        }


def find_drift(hours: Iterable[HourFigures], *, now_hour: int) -> tuple[Finding, ...]:
    """What has changed at one camera, the strongest finding of each kind.

    Place, size, sharpness and light of faces: the newest hours that hold 40 customers (24 hours at most) against the
    same hours of the last 28 days, so that daylight is compared with daylight; at least 7 such days. Ages and the
    share of unknowns: the last day (or three, where a day has fewer than 100 ages) against earlier ones of that length.
    With less than that nothing is said.
    """
    known = {one.hour: one for one in hours if one.hour <= now_hour}
    found = [*_changed_measures(known, now_hour), *_changed_people(known, now_hour)]
    strongest: dict[Kind, Finding] = {}
    for finding in found:
        other = strongest.get(finding.kind)
        if other is None or _strength(finding) > _strength(other):
            strongest[finding.kind] = finding
    return tuple(strongest[kind] for kind in sorted(strongest))


def _strength(finding: Finding) -> float:
    return abs(finding.recent - finding.usual) / finding.tolerance


def _changed_measures(known: Mapping[int, HourFigures], now_hour: int) -> list[Finding]:
    window = _newest_hours(known, now_hour)
    if window is None:
        return []
    recent = _together(known, window)
    past = [
        then
        for day in range(1, _DAYS_BACK + 1)
        if (then := _together(known, [hour - 24 * day for hour in window])).customers >= _TRACKS_THEN
    ]
    found = []
    for name, (kind, least) in MEASURES.items():
        now = recent.sums.get(name, Sums())
        usual = [one.sums[name] for one in past if one.sums.get(name, Sums()).n >= _TRACKS_THEN]
        if now.n < _TRACKS_NOW or len(usual) < _DAYS_MIN:
            continue
        means = [one.mean for one in usual]
        centre, spread = _centre(means)
        within = median(one.variance for one in usual)
        tolerance = max(least, _SPREADS * math.sqrt(spread**2 + within / now.n))
        if abs(now.mean - centre) > tolerance:
            found.append(
                Finding(
                    kind=kind,
                    measure=name,
                    recent=now.mean,
                    usual=centre,
                    tolerance=tolerance,
                    n=now.n,
                    hours=len(window),
                    past=len(usual),
                )
            )
    return found


def _newest_hours(known: Mapping[int, HourFigures], now_hour: int) -> list[int] | None:
    """The newest hours that together hold enough customers; None where a day does not."""
    count, window = 0, []
    for hour in range(now_hour, now_hour - _WINDOW_H, -1):
        window.append(hour)
        count += known[hour].customers if hour in known else 0
        if count >= _TRACKS_NOW:
            return window
    return None


def _changed_people(known: Mapping[int, HourFigures], now_hour: int) -> list[Finding]:
    for days in _BLOCK_DAYS:
        recent = _block(known, now_hour, days, 0)
        if sum(recent.ages) < _AGES_NOW:
            continue
        past = [_block(known, now_hour, days, number) for number in range(1, _DAYS_BACK // days)]
        past = [one for one in past if sum(one.ages) >= 0.6 * _AGES_NOW]
        if len(past) < _DAYS_MIN:
            return []
        return [one for one in (_ages(recent, past, days), _unknown(recent, past, days)) if one is not None]
    return []


def _ages(recent: HourFigures, past: Sequence[HourFigures], days: int) -> Finding | None:
    """The share of customers who stand in other bands than usual, against how much days differ among themselves."""
    total = _sum_ages(past)
    own = [
        _moved_share(one.ages, [all_ - mine for all_, mine in zip(total, one.ages, strict=True)])
        for one in past
    ]
    centre, spread = _centre(own)
    moved = _moved_share(recent.ages, total)
    tolerance = max(_CHANGED_SHARE_MIN, _SPREADS * spread)
    if moved - centre <= tolerance:
        return None
    return Finding(
        kind="drift",
        measure="age",
        recent=moved,
        usual=centre,
        tolerance=tolerance,
        n=sum(recent.ages),
        hours=24 * days,
        past=len(past),
    )


def _unknown(recent: HourFigures, past: Sequence[HourFigures], days: int) -> Finding | None:
    shares = [one.unknown / one.customers for one in past]
    centre, spread = _centre(shares)
    share = recent.unknown / recent.customers
    by_chance = centre * (1 - centre) / recent.customers
    tolerance = max(_CHANGED_SHARE_MIN, _SPREADS * math.sqrt(spread**2 + by_chance))
    if share - centre <= tolerance:  # fewer unknowns than usual are no reason to walk to the till
        return None
    return Finding(
        kind="drift",
        measure="unknown",
        recent=share,
        usual=centre,
        tolerance=tolerance,
        n=recent.customers,
        hours=24 * days,
        past=len(past),
    )


def _centre(values: Sequence[float]) -> tuple[float, float]:
    """Median, and the deviation that the median absolute deviation stands for: a bad week does not move them."""
    middle = median(values)
    return middle, _MAD * median(abs(value - middle) for value in values)


def _moved_share(ages: Sequence[int], others: Sequence[int]) -> float:
    """Total variation distance of two age histograms, 0..1."""
    n, m = sum(ages), sum(others)
    if not n or not m:
        return 0.0
    return sum(abs(one / n - other / m) for one, other in zip(ages, others, strict=True)) / 2


def _sum_ages(blocks: Iterable[HourFigures]) -> list[int]:
    return [sum(counts) for counts in zip(*(one.ages for one in blocks), strict=True)]


def _block(known: Mapping[int, HourFigures], now_hour: int, days: int, number: int) -> HourFigures:
    """So many whole days, the `number`-th such block back from now."""
    last = now_hour - 24 * days * number
    return _together(known, range(last, last - 24 * days, -1))


def _together(known: Mapping[int, HourFigures], hours: Iterable[int]) -> HourFigures:
    whole = HourFigures(hour=0)
    for hour in hours:
        if hour in known:
            whole = whole.plus(known[hour])
    return whole


_SAID: Mapping[str, str] = MappingProxyType(
    {
        "x": "faces stand at {recent:.0%} of the picture's width, usually at {usual:.0%}",
        "y": "faces stand at {recent:.0%} of the picture's height, usually at {usual:.0%}",
        "size": "faces are {ratio:.2f} times their usual width",
        "blur": "faces have blur {recent:.2f}, usually {usual:.2f}",
        "brightness": "faces have brightness {recent:.0f}, usually {usual:.0f}",
        "age": "{recent:.0%} of the customers stand in other age bands than usual ({usual:.0%} is common)",
        "unknown": "{recent:.0%} of the customers have no age, usually {usual:.0%}",
        "scene": "the picture's outlines agree by {recent:.2f} with what it showed before ({usual:.2f} is common)",
        "detail": "the picture has {recent:.0%} of the detail that it had before",
        "covered": "its picture is bright and shows nothing, as with a covered lens (contrast {recent:.1f} of 255)",
    }
)
_HEAD: Mapping[str, str] = MappingProxyType(
    {
        "moved": "seems to have been moved",
        "soiled": "seems soiled or out of focus",
        "drift": "sees other things than usual",
    }
)


def sentence(camera: str, finding: Finding) -> str:
    """For `/health`, the page and `status`: what is other than usual, and on how many customers that rests."""
    ratio = math.exp(min(5.0, finding.recent - finding.usual)) if finding.measure == "size" else 0.0
    said = _SAID[finding.measure].format(recent=finding.recent, usual=finding.usual, ratio=ratio)
    rests = f" ({finding.n} customers)" if finding.n else ""
    return f"camera {camera} {_HEAD[finding.kind]}: {said}{rests}"
