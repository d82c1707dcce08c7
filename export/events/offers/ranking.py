"""Which products to suggest: popularity, moved by what a band and a category change for sure. Pure.

An item's score is how often it is sold, times its lift, times its association with a category in the basket. The
lift that ranks is the one among customers whom the till would call this band: some of them are of the bands beside
it. Lifts and associations are pulled towards 1, and stay there where the data do not speak clearly: then the
suggestion is what everybody buys, and claims no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from export.events.analysis.correction import Estimate, Mixture, rates_of

__all__ = ["SUPPORT_MIN", "Entry", "Item", "Ranking", "rank", "suggestions"]

_F64 = NDArray[np.float64]

SUPPORT_MIN: Final = 50
"""Baskets that an item needs to be suggested, and a tenth of it together with a category."""
_LIST: Final = 10
# How far cells must scatter before an item has a preference at all: five in a million by chance.
_SURE: Final = 4.4
_LOG_LIFT_SPREAD: Final = 0.5
_LIFT_MOST: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A product in a list: the lift that ranks it (shrunk), its 95 % interval before that, its share of baskets.

    `uncorrected`: the lift as the estimates have it, neither corrected for the model's error nor shrunk.
    """

    sku: str
    lift: float
    low: float
    high: float
    uncorrected: float
    support: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The list for a band, by number, and a category in the basket; None: whatever is in it. Best first."""

    band: int
    category: str | None
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """All lists, and what everybody buys, by band without what the band is never shown."""

    entries: tuple[Entry, ...]
    popular: tuple[tuple[str, ...], ...]

    def popular_for(self, band: int) -> tuple[str, ...]:
        """The most sold products that a band may be shown."""
        return self.popular[band]


def rank(
    mixture: Mixture,
    named: _F64,
    skus: Sequence[str],
    categories: Sequence[str],
    counts: _F64,
    *,
    estimated: _F64,
    together: dict[tuple[str, str], int],
    bands: int,
    never: dict[int, frozenset[str]],
) -> Ranking:
    """Make the lists from baskets with each item by cell `(I, C)`.

    `estimated`: lifts `(I, K)` as the estimates have them, told beside.
    `named`: of the channel, how often the till calls band t band e. `together[category, sku]`: baskets with both.
    `never[band]`: categories that this band is shown nothing of.
    """
    sold = counts.sum(axis=1)
    kept = np.flatnonzero(sold >= SUPPORT_MIN)
    kept = kept[np.argsort(-sold[kept], kind="stable")]
    names = [skus[i] for i in kept]
    shelf = np.array([categories[i] for i in kept])
    counts, sold, estimated = counts[kept], sold[kept], estimated[kept]
    total = mixture.n.sum()
    popular = sold / total
    _, lifts = rates_of(mixture, counts)
    shrunk = _shrunk_lifts(mixture, counts, lifts)
    called = named * mixture.share.value[:, None]
    expected = shrunk @ (called / np.maximum(called.sum(axis=0), 1e-9))
    entries, most_sold = [], []
    associations = _associations(names, shelf, sold, together)
    for band in range(bands):
        allowed = ~np.isin(shelf, sorted(never.get(band, frozenset())))
        score = np.where(allowed, popular * expected[:, band], -1.0)
        whole = _entry(
            band,
            None,
            score,
            names=names,
            lift=shrunk[:, band],
            lifts=lifts,
            estimated=estimated[:, band],
            popular=popular,
        )
        entries.append(whole)
        most_sold.append(tuple(name for name, may in zip(names, allowed, strict=True) if may))
        for category, (factor, low, high) in associations.items():
            moved = Estimate(
                value=lifts.value * factor[:, None],
                low=lifts.low * low[:, None],
                high=lifts.high * high[:, None],
            )
            made = _entry(
                band,
                category,
                score * factor,
                names=names,
                lift=shrunk[:, band] * factor,
                lifts=moved,
                estimated=estimated[:, band] * factor,
                popular=popular,
            )
            if [i.sku for i in made.items] != [i.sku for i in whole.items]:
                entries.append(made)
    return Ranking(entries=tuple(entries), popular=tuple(most_sold))


def suggestions(
    ranking: Ranking, band: int, categories: Iterable[str], bought: Iterable[str], *, count: int = 5
) -> list[str]:
    """What the till's screen would show: lists of the basket's categories, last scanned first, then the band's own."""
    lists = {(entry.band, entry.category): entry.items for entry in ranking.entries if entry.band == band}
    taken = set(bought)
    found: list[str] = []
    for category in (*dict.fromkeys(categories), None):
        for item in lists.get((band, category), ()):
            if item.sku not in taken:
                taken.add(item.sku)
                found.append(item.sku)
    return found[:count]


def _entry(
    band: int,
    category: str | None,
    score: _F64,
    *,
    names: list[str],
    lift: _F64,
    lifts: Estimate,
    estimated: _F64,
    popular: _F64,
) -> Entry:
    best = [int(i) for i in np.argsort(-score, kind="stable")[:_LIST] if score[i] > 0]
    return Entry(
        band=band,
        category=category,
        items=tuple(
            Item(
                sku=names[i],
                lift=float(lift[i]),
                low=float(lifts.low[i, band]),
                high=float(lifts.high[i, band]),
                uncorrected=float(estimated[i]),
                support=float(popular[i]),
            )
            for i in best
        ),
    )


def _shrunk_lifts(mixture: Mixture, counts: _F64, lifts: Estimate) -> _F64:
    """Lifts `(I, K)` pulled to 1: wholly where the cells scatter no more than chance makes them, else by precision."""
    n = np.maximum(mixture.n, 1e-9)
    share = counts.sum(axis=1, keepdims=True) / n.sum()
    scatter = ((counts - n * share) ** 2 / (n * share * (1 - share))).sum(axis=1)
    free = max(len(n) - 1, 1)
    # Wilson and Hilferty: the cube root of a mean of squares is nearly normal.
    sure = ((scatter / free) ** (1 / 3) - (1 - 2 / (9 * free))) / np.sqrt(2 / (9 * free))
    believed = np.where(sure > _SURE, np.clip(1 - free / np.maximum(scatter, 1e-9), 0, 1), 0.0)
    log = np.log(np.clip(lifts.value, 1 / _LIFT_MOST, _LIFT_MOST))
    spread = (lifts.high - lifts.low) / 3.92 / np.maximum(lifts.value, 0.25)
    weight = 1 / (1 + (spread / _LOG_LIFT_SPREAD) ** 2)
    return np.asarray(np.exp(log * weight * believed[:, None]))


def _associations(
    names: list[str], shelf: NDArray[np.str_], sold: _F64, together: dict[tuple[str, str], int]
) -> dict[str, tuple[_F64, _F64, _F64]]:
    """For each category that changes something for sure: a factor for each item, 1 for most, and its ends.

    Big baskets hold a bit of everything: what all other goods have in common with a category is no association.
    """
    found = {}
    for category in sorted({c for c, _ in together}):
        both = np.array([together.get((category, sku), 0) for sku in names], dtype=np.float64)
        own = shelf == category
        general = np.median((both / sold)[~own]) if (~own).any() else 0.0
        if general <= 0:
            continue
        expected = np.maximum(sold * general, 1e-9)
        away = (both - expected) / np.sqrt(expected * max(1 - general, 0.02))
        sure = (np.abs(away) > _SURE) & ~own & (both >= SUPPORT_MIN / 10)
        if not sure.any():
            continue
        believed = np.where(sure, 1 - (1 / np.maximum(np.abs(away), 1e-9)) ** 2, 0.0)
        ratio = np.where(own, 1.0, both / expected)
        error = 1.96 * np.sqrt(np.maximum(both, 1.0)) / expected
        factor = 1 + (ratio - 1) * believed
        low, high = (np.where(sure, end, 1.0) for end in (np.maximum(ratio - error, 0), ratio + error))
        found[category] = (factor, np.minimum(low, factor), np.maximum(high, factor))
    return found
