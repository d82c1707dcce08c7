"""Which goods a customer display may suggest: by the band a settled estimate points to, never guessing about minors.

A suggestion needs an open receipt with goods on it and a customer whose estimate has settled. To anyone who may be
under age with more than the allowed probability no restricted goods are suggested, and none of which it is not known
that they are free: the till has not sold them here yet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from edge.flow import AgeEstimate
from edge.rules.lane import AtTill

__all__ = ["OfferLimits", "OfferTable", "Suggestion", "suggest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferTable:
    """Goods by band (its number) and category of what is in the basket; None: whatever is in it. Best first."""

    goods: Mapping[tuple[int, str | None], tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferLimits:
    """When an estimate has settled, and how surely somebody must be of age before restricted goods are shown.

    `legal_ages`: every age that the shop's policy knows; the strictest counts, since a table tells no product's own.
    """

    crops_min: int
    share_min: float
    minor_p_max: float
    items_max: int
    legal_ages: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Goods for an open receipt, and the number of the band that they were chosen for."""

    receipt: str
    receipt_ns: int
    items: tuple[str, ...]
    band: int


def suggest(
    at_till: AtTill, table: OfferTable, limits: OfferLimits, *, restricted: Mapping[str, bool]
) -> Suggestion | None:
    """What to show now, or None. `restricted`: by article, as the till has sold it; one that is missing is unknown."""
    customer = at_till.customer
    if customer is None or customer.reason is not None or customer.crops < limits.crops_min:
        return None
    if not customer.shares or max(customer.shares) < limits.share_min:
        return None
    band = customer.shares.index(max(customer.shares))
    lines = at_till.facts.lines
    bought = {line.sku for line in lines}
    young = _may_be_under_age(customer, limits)
    items: list[str] = []
    for category in _categories(at_till):
        for sku in table.goods.get((band, category), ()):
            barred = young and restricted.get(sku, True)
            if sku not in bought and sku not in items and not barred:
                items.append(sku)
    if not items:
        return None
    return Suggestion(
        receipt=at_till.facts.receipt,
        receipt_ns=at_till.receipt_ns,
        items=tuple(items[: limits.items_max]),
        band=band,
    )


def _may_be_under_age(customer: AgeEstimate, limits: OfferLimits) -> bool:
    """An age for which the estimate says nothing counts as not reached."""
    return any(customer.p_under.get(age, 1.0) > limits.minor_p_max for age in limits.legal_ages)


def _categories(at_till: AtTill) -> Collection[str | None]:
    """Of what was scanned last first; goods for any basket come after."""
    told = [line.category for line in reversed(at_till.facts.lines) if line.category]
    return (*dict.fromkeys(told), None)
