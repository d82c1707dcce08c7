"""The few big sums that every figure is made from, written once with Ibis and run by DuckDB or Spark.

Shares are twentieths and money is cents, so all sums are whole numbers and equal on every engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis
from ibis import _

from export.events.analysis.bands import Band

__all__ = ["STEPS", "baskets_of", "by_date", "by_hour", "by_lane_group", "marked_days", "names", "numbered"]
__all__ += ["by_category", "by_product", "held_out", "seen_together", "with_marks"]

Table = Any
"""`ibis.Table`: its columns come by name at run time, which type checkers cannot follow."""
STEPS = 20


def numbered(lines: Table, bands: Sequence[Band]) -> Table:
    """Basket lines with shares in twentieths, money in cents, and the basket's position over the bands.

    `position` is −1 where more than half of the customer is unknown.
    """
    shares = {f"p{k}": (lines[band.column] * STEPS).round(0).cast("int64") for k, band in enumerate(bands)}
    made = lines.select(
        "store",
        "date",
        "basket",
        "line",
        "lane_group",
        "model",
        "sku",
        "name",
        "category",
        "currency",
        hour=lines.hour.cast("int64"),
        cents=(lines.price * 100).cast("int64").fill_null(0),  # null: the till told no price
        milli=(lines.quantity * 1000).cast("int64"),
        **shares,
    )
    known = sum((made[f"p{k}"] for k in range(1, len(bands))), made.p0)
    moment = sum((made[f"p{k}"] * k for k in range(1, len(bands))), made.p0 * 0)
    return made.mutate(
        position=ibis.cases(
            (known * 2 <= STEPS, ibis.literal(-1, "int64")), else_=(moment * STEPS // known).cast("int64")
        )
    )


def marked_days(coverage: Table) -> Table:
    """Store, day and lane group where more than half of the receipts had no customer with an age."""
    return (
        coverage.group_by("store", "date", "lane_group")
        .agg(receipts=_.receipts.cast("int64").sum(), seen=_.seen.cast("int64").sum())
        .filter(_.seen * 2 < _.receipts)
        .select("store", "date", "lane_group")
    )


def with_marks(lines: Table, marked: Table | None) -> Table:
    """Lines with `marked`: the lane group was mostly blind on that day."""
    if marked is None:
        return lines.mutate(marked=ibis.literal(False))
    keys = marked.select(marked_store=marked.store, marked_date=marked.date, marked_group=marked.lane_group)
    joined = lines.left_join(
        keys,
        [
            lines.store == keys.marked_store,
            lines.date == keys.marked_date,
            lines.lane_group == keys.marked_group,
        ],
    )
    return joined.mutate(marked=joined.marked_store.notnull()).drop(
        "marked_store", "marked_date", "marked_group"
    )


def baskets_of(lines: Table, bands: Sequence[Band]) -> Table:
    """One row a basket. Its columns of the customer are the same on each of its lines."""
    return lines.group_by("store", "date", "basket").agg(
        hour=_.hour.max(),
        lane_group=_.lane_group.max(),
        model=_.model.max(),
        marked=_.marked.max(),
        position=_.position.max(),
        **{f"p{k}": _[f"p{k}"].max() for k in range(len(bands))},
        lines=_.count(),
        milli=_.milli.sum(),
        cents=_.cents.sum(),
    )


def by_date(baskets: Table, bands: Sequence[Band]) -> Table:
    """Baskets, lines, pieces and spend with their squares by day and position, marked ones apart."""
    return baskets.group_by("date", "model", "marked", "position").agg(**_sums(bands))


def by_hour(baskets: Table, bands: Sequence[Band]) -> Table:
    """The same by hour of the day; without marked baskets."""
    return baskets.filter(~_.marked).group_by("hour", "model", "position").agg(**_sums(bands))


def by_lane_group(baskets: Table) -> Table:
    """Baskets and how many of them have an unknown customer, by lane group."""
    return baskets.group_by("lane_group").agg(
        n=_.count(), unknown=(_.position < 0).cast("int64").sum(), marked=_.marked.cast("int64").sum()
    )


def by_product(lines: Table, bands: Sequence[Band]) -> Table:
    """Baskets with a product by position; without marked baskets and unknown customers."""
    once = (
        lines.filter((~_.marked) & (_.position >= 0))
        .group_by("store", "date", "basket", "sku")
        .agg(
            model=_.model.max(),
            position=_.position.max(),
            **{f"p{k}": _[f"p{k}"].max() for k in range(len(bands))},
        )
    )
    return once.group_by("sku", "model", "position").agg(
        n=_.count(), **{f"p{k}": _[f"p{k}"].sum() for k in range(len(bands))}
    )


def by_category(lines: Table, bands: Sequence[Band]) -> Table:
    """Baskets with a category and its spend by position; without marked baskets and unknown customers."""
    once = (
        lines.filter((~_.marked) & (_.position >= 0))
        .group_by("store", "date", "basket", "category")
        .agg(
            model=_.model.max(),
            position=_.position.max(),
            cents=_.cents.sum(),
            **{f"p{k}": _[f"p{k}"].max() for k in range(len(bands))},
        )
    )
    return once.group_by("category", "model", "position").agg(
        n=_.count(),
        cents=_.cents.sum(),
        cents2=(_.cents * _.cents).sum(),
        **{f"p{k}": _[f"p{k}"].sum() for k in range(len(bands))},
        **{f"c{k}": (_[f"p{k}"] * _.cents).sum() for k in range(len(bands))},
    )


def seen_together(lines: Table) -> Table:
    """Baskets that hold a category and a product; without marked baskets and unknown customers."""
    usable = lines.filter((~_.marked) & (_.position >= 0))
    products = usable.select("store", "date", "basket", "sku").distinct()
    categories = usable.select("store", "date", "basket", "category").distinct()
    return products.join(categories, ["store", "date", "basket"]).group_by("category", "sku").agg(n=_.count())


def held_out(lines: Table, bands: Sequence[Band], *, baskets: int) -> Table:
    """The lines of so many baskets, the first by id (ids say nothing), in the order of the till."""
    usable = lines.filter((~_.marked) & (_.position >= 0))
    chosen = (
        usable.select("store", "date", "basket").distinct().order_by("basket", "store", "date").limit(baskets)
    )
    return (
        usable.join(chosen, ["store", "date", "basket"])
        .select("store", "date", "basket", "line", "sku", "category", *(f"p{k}" for k in range(len(bands))))
        .order_by("store", "date", "basket", "line")
    )


def names(lines: Table) -> Table:
    """A name and a category for each product."""
    return lines.group_by("sku").agg(name=_.name.max(), category=_.category.max())


def _sums(bands: Sequence[Band]) -> dict[str, Any]:
    sums: dict[str, Any] = {"n": _.count()}
    for column in ("lines", "milli", "cents"):
        sums[column] = _[column].sum()
        sums[f"{column}2"] = (_[column] * _[column]).sum()
    for k in range(len(bands)):
        sums[f"p{k}"] = _[f"p{k}"].sum()
        sums[f"c{k}"] = (_[f"p{k}"] * _.cents).sum()
        sums[f"l{k}"] = (_[f"p{k}"] * _.lines).sum()
    return sums
