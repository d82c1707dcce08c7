"""From configuration to what reads a till's events."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from edge.config import Config
from edge.till import Product, Products, TillReader

__all__ = ["till_reader"]


def till_reader(config: Config, *, any_lane: bool = False) -> TillReader:
    """A reader of events of this box's lanes (or of `any_lane`), in the store's zone, with the shop's own goods."""
    goods = config.till.goods
    return TillReader(
        lanes=None if any_lane else [lane.name for lane in config.lanes],
        zone=ZoneInfo(config.site.time_zone),
        products=Products(
            categories={one.category: one.min_age for one in goods.categories},
            products=[Product(pattern=one.pattern, min_age=one.min_age) for one in goods.products],
        ),
    )
