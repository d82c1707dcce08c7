"""Which goods need an age: by the till's own word, by category, or by the shop's list of products."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import translate

from edge.flow import TillEvent, TillEventType

__all__ = ["Product", "Products"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Goods that need `min_age`: `pattern` with `*` and `?` is held against article number and name, any case."""

    pattern: str
    min_age: int


class Products:
    """Marks items as restricted. The strictest word counts: a list never makes free what the till restricts."""

    def __init__(
        self, *, categories: Mapping[str, int] | None = None, products: Sequence[Product] = ()
    ) -> None:
        """`categories`: legal age by category, any case."""
        self._categories = {name.casefold(): age for name, age in (categories or {}).items()}
        self._patterns = [(re.compile(translate(one.pattern.casefold())), one.min_age) for one in products]

    def mark(self, event: TillEvent) -> TillEvent:
        """The event with `restricted` and `min_age` as till and shop together say; other types unchanged."""
        if event.type is not TillEventType.ITEM_ADDED:
            return event
        own = [] if event.min_age is None or event.min_age <= 0 else [event.min_age]
        ages = own + self._by_category(event) + self._by_pattern(event)
        restricted = event.restricted or bool(ages)
        min_age = max(ages) if ages else None
        if restricted == event.restricted and min_age == event.min_age:
            return event
        return replace(event, restricted=restricted, min_age=min_age)

    def _by_category(self, event: TillEvent) -> list[int]:
        age = self._categories.get((event.category or "").casefold())
        return [] if age is None else [age]

    def _by_pattern(self, event: TillEvent) -> list[int]:
        words = [word.casefold() for word in (event.sku, event.name) if word]
        return [age for pattern, age in self._patterns if any(pattern.match(word) for word in words)]
