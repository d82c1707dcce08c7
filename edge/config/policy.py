"""Who is asked for an ID."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from edge.config.rule import OneOf, Within

__all__ = ["Policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Ages and rates. The threshold itself comes from the age bundle, for this challenge age and miss rate."""

    legal_age: Annotated[int, "younger customers may not buy restricted goods, years", Within(12, 30)] = 18
    challenge_age: Annotated[
        int,
        "who looks younger is asked for an ID, years (bundles are calibrated for these)",
        OneOf(18, 21, 25, 30),
    ] = 25
    miss_rate: Annotated[
        float, "accepted share of minors whom the estimate does not have asked", OneOf(0.01, 0.02, 0.05, 0.1)
    ] = 0.05
    min_check_seconds: Annotated[float, "an ID check that took less counts as hasty", Within(0, 60)] = 2.0

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """A challenge age below the legal age would ask nobody who must be asked."""
        if self.challenge_age < self.legal_age:
            yield (
                ("challenge_age", "legal_age"),
                f"{self.challenge_age} is below legal_age ({self.legal_age}); it must be at least as high",
            )
