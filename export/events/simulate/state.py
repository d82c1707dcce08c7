"""Write the pretended store's days as the daemon leaves them: `sales.db` in a state folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from edge.events.sales_schema import BANDS_MAX, STEPS
from export.events.simulate.goods import Goods
from export.events.simulate.trade import Day

__all__ = ["write_day"]

_NUMBERS_A_DAY = 1 << 40


def write_day(
    connection: sqlite3.Connection,
    goods: Goods,
    day: Day,
    *,
    on: date,
    groups: Sequence[str],
    model: str,
    currency: str,
) -> None:
    """One day in one transaction. `groups`: the lane group of each lane. Raises sqlite3.Error."""
    count = len(day)
    numbers, order = _numbers(day.ids, on)
    text, group = on.isoformat(), [groups[lane] for lane in day.lane[order].tolist()]
    unknown = day.unknown[order]
    steps = [column[order].tolist() for column in day.steps.T]
    steps += [[None] * count] * (BANDS_MAX - len(steps))
    quality = np.where(unknown, "none", np.where(numbers % 5 == 0, "fair", "good"))
    place_of = np.empty(count, dtype=np.int64)
    place_of[order] = np.arange(count)
    by_basket = np.argsort(place_of[day.line_basket], kind="stable")
    basket, product = place_of[day.line_basket[by_basket]], day.line_product[by_basket]
    pieces = day.line_pieces[by_basket]
    first = np.flatnonzero(np.diff(basket, prepend=-1))
    line = np.arange(len(product)) - np.repeat(first, np.diff(np.append(first, len(product)))) + 1
    connection.execute("BEGIN")
    connection.executemany(
        f"INSERT INTO basket VALUES (?, ?, ?, ?, ?, ?, {', '.join('?' * BANDS_MAX)}, ?, ?, ?, ?)",  # noqa: S608
        zip(
            numbers.tolist(),
            [day.ids[i] for i in order.tolist()],
            group,
            [text] * count,
            day.hour[order].tolist(),
            [on.weekday()] * count,
            *steps,
            np.where(unknown, STEPS, 0).tolist(),
            day.party[order].tolist(),
            quality.tolist(),
            [model] * count,
            strict=True,
        ),
    )
    connection.executemany(
        "INSERT INTO basket_line VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        zip(
            numbers[basket].tolist(),
            line.tolist(),
            map(goods.skus.__getitem__, product.tolist()),
            map(goods.names.__getitem__, product.tolist()),
            map(goods.categories.__getitem__, product.tolist()),
            (1000 * pieces).tolist(),
            (goods.prices_cents[product] * pieces).tolist(),
            [currency] * len(product),
            strict=True,
        ),
    )
    lane_group = np.array(group)
    connection.executemany(
        "INSERT INTO coverage VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (text, name, model, int(here.sum()), int((here & ~unknown).sum()), int((here & unknown).sum()), 0)
            for name in sorted(set(groups))
            for here in [lane_group == name]
        ],
    )
    connection.execute("COMMIT")


def _numbers(ids: Sequence[str], on: date) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """As the daemon numbers baskets: by day and id, so that the order of sales is not kept; rising, with their order.

    Where two ids begin alike the second takes the next number, as it would at the till.
    """
    wished = on.toordinal() * _NUMBERS_A_DAY + np.array([int(i[:10], 16) for i in ids], dtype=np.int64)
    order = np.argsort(wished, kind="stable")
    apart = np.arange(len(ids))
    return np.maximum.accumulate(wished[order] - apart) + apart, order
