"""What the shop has decided: ages, thresholds, patience. Data that every prompt and alert carries a name of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["AgeRule", "Policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeRule:
    """For goods of one legal age: who looks under `challenge_age` with P ≥ `tau` is asked for an ID."""

    legal_age: int
    challenge_age: int
    tau: float

    def __post_init__(self) -> None:
        if self.challenge_age < self.legal_age:
            raise ValueError(
                f"challenge_age {self.challenge_age} is below the legal age {self.legal_age}: "
                "nobody between them would be asked"
            )
        if not 0.0 < self.tau < 1.0:
            raise ValueError(f"tau lies between 0 and 1; got {self.tau}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of one lane. `name` identifies them in events, `rules` has one for each legal age in use.

    `lateness_s`: how long after the close facts may still arrive. `receipt_timeout_s`: silence after which an
    open receipt counts as abandoned. `party`: whether only the payer is judged, or whoever in the party looks youngest.
    """

    name: str
    rules: Mapping[int, AgeRule]
    party: Literal["payer", "anyone"] = "payer"
    reports_id_checks: Literal["till", "page", "none"] = "till"
    lateness_s: float = 2.0
    receipt_timeout_s: float = 900.0
    alert_padding_s: float = 5.0
    clock_offset_s: float = field(default=0.0)

    def rule_for(self, min_ages: frozenset[int]) -> AgeRule:
        """The strictest rule that goods of these legal ages ask for; raises ValueError for no goods at all."""
        if not min_ages:
            raise ValueError("no restricted goods, so no rule: ask only where there are some")
        wanted = max(min_ages)
        covering = [age for age in self.rules if age >= wanted]
        return self.rules[min(covering) if covering else max(self.rules)]
