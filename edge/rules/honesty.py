"""Cashier honesty over time: challenges made of challenges due, and how sure one may be; no verdict on few cases."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Challenge", "Honesty", "honesty", "wilson"]

ENOUGH_DUE = 30
"""Fewer challenges due than this say nothing of a person: the interval is wider than any difference that matters."""
FAIR_CHANCE_S = 2.0
"""A check that became due later than this before the close could not be made: it counts for nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One ended receipt on which a check was due; `chance_s` from the moment it was due to the close.

    `made`: an ID was asked for (checked or refused). `delay_s` from prompt to check, None where none was made.
    """

    cashier: str | None
    made: bool
    chance_s: float
    delay_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Honesty:
    """Of one cashier (None: of all together). `share` and its 95 % interval are None without enough data."""

    cashier: str | None
    sales: int
    due: int
    made: int
    hasty: int
    share: float | None
    interval: tuple[float, float] | None

    @property
    def verdict(self) -> str:
        """In words, for a page: the share, or that there is not enough data."""
        if self.share is None or self.interval is None:
            return f"not enough data ({self.due} challenges due)"
        low, high = self.interval
        return f"{self.share:.0%} of {self.due} (95 % interval {low:.0%} to {high:.0%})"


def honesty(
    challenges: Iterable[Challenge],
    *,
    cashier: str | None,
    sales: int,
    min_check_seconds: float,
    enough: int = ENOUGH_DUE,
) -> Honesty:
    """Figures over the challenges of one cashier; `sales` are the restricted sales they rest on."""
    fair = [one for one in challenges if one.made or one.chance_s >= FAIR_CHANCE_S]
    made = sum(one.made for one in fair)
    hasty = sum(one.delay_s is not None and one.delay_s < min_check_seconds for one in fair)
    known = len(fair) >= enough
    return Honesty(
        cashier=cashier,
        sales=sales,
        due=len(fair),
        made=made,
        hasty=hasty,
        share=made / len(fair) if known else None,
        interval=wilson(made, len(fair)) if known else None,
    )


def wilson(successes: int, n: int, *, z: float = 1.959964) -> tuple[float, float]:
    """The Wilson score interval of a share; 0 to 1 where there is nothing to count. Raises ValueError for no share."""
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} is no share")
    if n == 0:
        return 0.0, 1.0
    share, z2 = successes / n, z * z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
