"""Would the suggestions have been bought? Hit rate on baskets of later days, beside what everybody buys. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from export.events.offers.ranking import Ranking, suggestions

__all__ = ["Evaluation", "evaluate"]

_COUNT: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Shares of held-out baskets whose hidden item was among five suggestions; None where no basket was left."""

    hit_rate: float | None
    popularity_hit_rate: float | None
    difference_low: float | None
    difference_high: float | None
    n: int

    @property
    def beats_popularity(self) -> bool:
        """Whether the whole 95 % interval of the difference lies above zero."""
        return self.difference_low is not None and self.difference_low > 0


def evaluate(ranking: Ranking, held: dict[str, Any], bands: int) -> Evaluation:
    """Hide one item of every held-out basket, chosen by the basket's id, and suggest five from the others.

    `held`: lines in the order of the till, a basket's together. The band is the likeliest of the estimate, as at
    the till. Popularity may suggest the same goods as the band's lists, so that a rule about minors helps nobody.
    """
    shares = (
        np.stack([held[f"p{k}"] for k in range(bands)], axis=1)
        if len(held["basket"])
        else np.zeros((0, bands))
    )
    starts = np.flatnonzero(np.r_[True, held["basket"][1:] != held["basket"][:-1]]) if len(shares) else []
    ends = np.r_[starts[1:], len(shares)] if len(shares) else []
    # The band's own list first: what is barred from it is barred from popularity too.
    skus, categories = held["sku"], held["category"]
    ours, theirs = [], []
    for start, end in zip(starts, ends, strict=True):
        if end - start < 2:
            continue
        hidden = start + _number(str(held["basket"][start])) % (end - start)
        rest = [i for i in range(start, end) if i != hidden and skus[i] != skus[hidden]]
        band = int(shares[start].argmax())
        bought = [skus[i] for i in rest]
        shown = suggestions(ranking, band, [categories[i] for i in reversed(rest)], bought, count=_COUNT)
        taken = set(bought)
        popular = [sku for sku in ranking.popular_for(band) if sku not in taken][:_COUNT]
        ours.append(skus[hidden] in shown)
        theirs.append(skus[hidden] in popular)
    if not ours:
        return Evaluation(
            hit_rate=None, popularity_hit_rate=None, difference_low=None, difference_high=None, n=0
        )
    apart = np.array(ours, dtype=np.float64) - np.array(theirs, dtype=np.float64)
    error = 1.96 * float(apart.std(ddof=1)) / np.sqrt(len(apart)) if len(apart) > 1 else 0.0
    return Evaluation(
        hit_rate=float(np.mean(ours)),
        popularity_hit_rate=float(np.mean(theirs)),
        difference_low=float(apart.mean() - error),
        difference_high=float(apart.mean() + error),
        n=len(ours),
    )


def _number(basket: str) -> int:
    """A number that follows from a basket's id."""
    return int.from_bytes(basket.encode()[-6:], "big")
