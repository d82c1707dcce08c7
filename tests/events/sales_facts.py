"""Baskets for tests: a shop's, with what a test cares about given by name."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from edge.events.sales_basket import Basket, BasketLine
from edge.events.sales_schema import DEFAULT_BANDS
from edge.events.sales_store import SalesStore

MONDAY = date(2026, 1, 5)
YOUNG = (0, 15, 5, 0, 0, 0, 0)
NOBODY = (0,) * 7


def a_line(sku: str = "milk", **told: Any) -> BasketLine:
    """A litre of milk, unless told otherwise."""
    usual: dict[str, Any] = {
        "name": sku.title(),
        "category": "dairy",
        "quantity_milli": 1000,
        "price_cents": 129,
        "currency": "EUR",
    }
    return BasketLine(sku=sku, **(usual | told))


def a_basket(number: int, **told: Any) -> Basket:
    """Somebody young buys milk on a Monday at ten."""
    usual: dict[str, Any] = {
        "basket": f"{number * 7919:032x}",
        "lane_group": "lanes",
        "day": MONDAY,
        "hour": 10,
        "steps": YOUNG,
        "unknown_steps": 0,
        "party_size": 1,
        "quality": "good",
        "model": "m/1",
        "lines": (a_line(),),
    }
    return Basket(**(usual | told))


def a_store(folder: Path, *, time_zone: str = "Europe/Berlin", **told: Any) -> SalesStore:
    """Marketing's store of shop-1; commits at once."""
    usual: dict[str, Any] = {"store": "shop-1", "bands": DEFAULT_BANDS, "reserve_bytes": 0, "group_s": 0.0}
    return SalesStore(folder, time_zone=time_zone, **(usual | told))
