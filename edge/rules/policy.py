"""What the shop has decided: ages, thresholds, patience. Data that every prompt and alert carries a name of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["AgeRule", "Policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeRule:
    """For goods of one legal age: who looks under `challenge_age` with P ≥ `tau` is asked for an ID.

    `miss_rate` is what `tau` was calibrated for, None for a threshold that somebody set by hand.
    """

    legal_age: int
    challenge_age: int
    tau: float
    miss_rate: float | None = None

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
    `clock_offset_s` is added to the till's times to get the box's. `till_silent_s`: a till that told nothing for so
    long, while customers came and went, is called silent; 0 for never. `config_hash` names the configuration.
    """

    name: str
    rules: Mapping[int, AgeRule]
    party: Literal["payer", "anyone"] = "payer"
    reports_id_checks: Literal["till", "page", "none"] = "till"
    lateness_s: float = 2.0
    receipt_timeout_s: float = 900.0
    alert_padding_s: float = 5.0
    clock_offset_s: float = 0.0
    till_silent_s: float = 0.0
    config_hash: str = ""
    default_legal_age: int | None = None

    @property
    def clock_offset_ns(self) -> int:
        """`clock_offset_s` in nanoseconds."""
        return round(self.clock_offset_s * 1e9)

    @property
    def default_rule(self) -> AgeRule:
        """The rule for goods whose age nobody named: the shop's main one, else that of the lowest legal age."""
        return self.rules[min(self.rules) if self.default_legal_age is None else self.default_legal_age]

    def rule_for(self, min_ages: frozenset[int]) -> AgeRule:
        """The strictest rule that goods of these legal ages ask for; raises ValueError for no goods at all."""
        if not min_ages:
            raise ValueError("no restricted goods, so no rule: ask only where there are some")
        wanted = max(min_ages)
        covering = [age for age in self.rules if age >= wanted]
        return self.rules[min(covering) if covering else max(self.rules)]
