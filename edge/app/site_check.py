"""How well does this site tell ages? Volunteers of known age before its own camera: figures with n and intervals.

Of a volunteer an entry keeps the age that was told, the model's logits and the quality of each crop. No picture, no
name, no time of day.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.age import AgeBundle, estimate_track
from edge.flow import AgeEstimate
from edge.rules import wilson

__all__ = ["Figures", "SiteCheckError", "Volunteer", "append", "read", "summary"]

_FORMAT = 1


class SiteCheckError(ValueError):
    """A file of site-check that cannot be used; the message names the line and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volunteer:
    """One person who stood at the till: age in years as told, logits `(k, 101)` and qualities `(k,)` of the crops."""

    age: float
    logits: NDArray[np.float32]
    qualities: NDArray[np.float32]
    face_px: int
    blur: float
    brightness: float

    def estimate(self, bundle: AgeBundle, ages: Sequence[int] = ()) -> AgeEstimate:
        """What a lane would have said of this person."""
        return estimate_track(self.logits, self.qualities, bundle, ages=ages)

    def to_json(self, bundle: AgeBundle) -> str:
        """One line of the file."""
        told = {
            "format": _FORMAT,
            "bundle": bundle.digest,
            "age": self.age,
            "logits": [[round(float(value), 4) for value in row] for row in self.logits],
            "qualities": [round(float(value), 4) for value in self.qualities],
            "face_px": self.face_px,
            "blur": round(self.blur, 3),
            "brightness": round(self.brightness, 1),
        }
        return json.dumps(told, separators=(",", ":"))


def append(file: Path, volunteer: Volunteer, bundle: AgeBundle) -> None:
    """Add one volunteer to a file that its owner alone can read."""
    file.touch(mode=0o600, exist_ok=True)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(volunteer.to_json(bundle) + "\n")


def read(file: Path, bundle: AgeBundle) -> list[Volunteer]:
    """Every volunteer of a file. Raises SiteCheckError for a damaged line and for another bundle's logits, OSError."""
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            told = json.loads(line)
            digest = told["bundle"]
            volunteer = _volunteer(told)
        except (ValueError, KeyError, TypeError) as error:
            raise SiteCheckError(f"{file}:{number}: no line of site-check ({error}); take it out") from error
        if digest != bundle.digest:
            raise SiteCheckError(
                f"{file}:{number}: made with age bundle {str(digest)[:12]}…, in use is {bundle.digest[:12]}…: begin a "
                "new file, figures of two models cannot be mixed"
            )
        found.append(volunteer)
    return found


def _volunteer(told: dict[str, Any]) -> Volunteer:
    logits = np.asarray(told["logits"], np.float32)
    qualities = np.asarray(told["qualities"], np.float32)
    if (
        told["format"] != _FORMAT
        or logits.ndim != 2
        or logits.shape != (len(qualities), 101)
        or not len(logits)
    ):
        raise ValueError("another format")
    if not np.isfinite(logits).all():
        raise ValueError("logits that are no numbers")
    return Volunteer(
        age=float(told["age"]),
        logits=logits,
        qualities=qualities,
        face_px=int(told["face_px"]),
        blur=float(told["blur"]),
        brightness=float(told["brightness"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a file of volunteers says. Intervals are 95 %; None where there is nothing to count.

    `missed` of `minors`: volunteers below the legal age whom the policy would not have had asked. `asked` of `adults`:
    volunteers of the challenge age and above who would have been asked all the same.
    """

    n: int
    mae_years: float | None
    mae_low: float | None
    mae_high: float | None
    bias_years: float | None
    covered: int
    coverage: float
    minors: int
    missed: int
    adults: int
    asked: int

    @property
    def covered_interval(self) -> tuple[float, float]:
        """Of the share whose age lies within the interval that was said."""
        return wilson(self.covered, self.n)

    @property
    def missed_interval(self) -> tuple[float, float]:
        """Of the share of minors who were missed."""
        return wilson(self.missed, self.minors)

    @property
    def asked_interval(self) -> tuple[float, float]:
        """Of the share of adults who were asked."""
        return wilson(self.asked, self.adults)


def summary(
    volunteers: Sequence[Volunteer], bundle: AgeBundle, *, legal_age: int, challenge_age: int, tau: float
) -> Figures:
    """Count: errors of the mean, ages within the interval, and whom the threshold would have asked."""
    estimates = [one.estimate(bundle, ages=(challenge_age,)) for one in volunteers]
    signed = [(each.mean_years or 0.0) - one.age for one, each in zip(volunteers, estimates, strict=True)]
    errors = [abs(error) for error in signed]
    covered = sum(
        (each.low_years or 0.0) <= one.age <= (each.high_years or 0.0)
        for one, each in zip(volunteers, estimates, strict=True)
    )
    asked = [each.p_under[challenge_age] >= tau for each in estimates]
    low, high = _mean_interval(errors)
    return Figures(
        n=len(volunteers),
        mae_years=mean(errors) if errors else None,
        mae_low=low,
        mae_high=high,
        bias_years=mean(signed) if signed else None,
        covered=covered,
        coverage=bundle.intervals.coverage,
        minors=sum(one.age < legal_age for one in volunteers),
        missed=sum(one.age < legal_age and not ask for one, ask in zip(volunteers, asked, strict=True)),
        adults=sum(one.age >= challenge_age for one in volunteers),
        asked=sum(one.age >= challenge_age and ask for one, ask in zip(volunteers, asked, strict=True)),
    )


_T = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)
"""Student's t for 95 % at 1 to 9 degrees of freedom; beyond, 1.96 + 2.4 / degrees is right to 0.01."""


def _mean_interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """95 % by Student's t; None for fewer than two."""
    n = len(values)
    if n < 2:
        return None, None
    t = _T[n - 2] if n - 1 <= len(_T) else 1.96 + 2.4 / (n - 1)
    half = t * stdev(values) / math.sqrt(n)
    middle = mean(values)
    return max(0.0, middle - half), middle + half
