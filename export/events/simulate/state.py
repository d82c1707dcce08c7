"""Write the pretended store's days as the daemon leaves them: `sales.db` in a state folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date

import numpy as np

from edge.events.sales_schema import BANDS_MAX, STEPS
from export.events.simulate.goods import Goods
from export.events.simulate.trade import Day

__all__ = ["write_day"]

_NUMBERS_A_DAY = 1 << 40
_OPEN_S = 14 * 3600


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
    # As the daemon numbers them: by day and id, so that the order of sales is not kept.
    numbers = on.toordinal() * _NUMBERS_A_DAY + np.array([int(i[:10], 16) for i in day.ids], dtype=np.int64)
    text, group = on.isoformat(), [groups[lane] for lane in day.lane.tolist()]
    unknown = day.unknown
    steps = [column.tolist() for column in day.steps.T]
    steps += [[None] * count] * (BANDS_MAX - len(steps))
    quality = np.where(unknown, "none", np.where(numbers % 5 == 0, "fair", "good"))
    pieces = day.line_pieces
    product = day.line_product.tolist()
    first = np.flatnonzero(np.diff(day.line_basket, prepend=-1))
    place = np.arange(len(product)) - np.repeat(first, np.diff(np.append(first, len(product)))) + 1
    connection.execute("BEGIN")
    connection.executemany(
        f"INSERT INTO basket VALUES (?, ?, ?, ?, ?, ?, {', '.join('?' * BANDS_MAX)}, ?, ?, ?, ?)",  # noqa: S608
        zip(
            numbers.tolist(),
            day.ids,
            group,
            [text] * count,
            day.hour.tolist(),
            [on.weekday()] * count,
            *steps,
            np.where(unknown, STEPS, 0).tolist(),
            day.party.tolist(),
            quality.tolist(),
            [model] * count,
            strict=True,
        ),
    )
    connection.executemany(
        "INSERT INTO basket_line VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        zip(
            numbers[day.line_basket].tolist(),
            place.tolist(),
            [goods.skus[i] for i in product],
            [goods.names[i] for i in product],
            [goods.categories[i] for i in product],
            (1000 * pieces).tolist(),
            (goods.prices_cents[day.line_product] * pieces).tolist(),
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
