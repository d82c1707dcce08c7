"""A basket as it is kept: what was bought, in which hour, and shares of age bands in twentieths."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from edge.events.sales_schema import BANDS_MAX, STEPS

__all__ = ["Basket", "BasketLine", "add_blind_seconds", "in_steps", "keep_basket", "purge_sales", "take_out"]

_NUMBERS_A_DAY = 1 << 40


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketLine:
    """One line of goods: `quantity_milli` in thousandths; `price_cents` of the whole line, after discounts, None where
    the till told no price."""

    sku: str
    name: str
    category: str
    quantity_milli: int
    price_cents: int | None
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """One sale without its customer. `steps`: twentieths of every band, in order; with `unknown_steps` they are 20.

    `day`, `hour` and `weekday` (0 = Monday) are the store's own at the close.
    """

    basket: str
    lane_group: str
    day: date
    hour: int
    steps: tuple[int, ...]
    unknown_steps: int
    party_size: int
    quality: str
    model: str
    lines: tuple[BasketLine, ...]

    def __post_init__(self) -> None:
        if sum(self.steps) + self.unknown_steps != STEPS or len(self.steps) > BANDS_MAX:
            raise ValueError(f"{STEPS} twentieths over at most {BANDS_MAX} bands; got {self}")


def in_steps(shares: Sequence[float], chance: float) -> tuple[int, ...]:
    """Round shares (summing to 1) to twentieths that sum to 20, each unbiased over `chance`, uniform in [0, 1).

    Systematic sampling: the running sum is cut at whole numbers, moved by one chance for all bands. A band's rounded
    share is its true one on average, and never further from it than a twentieth.
    """
    total = math.fsum(shares)
    if not shares or min(shares) < 0 or not math.isclose(total, 1.0, abs_tol=1e-6) or not 0 <= chance < 1:
        raise ValueError(
            f"shares of at least 0 that sum to 1, and a chance in [0, 1); got {shares} and {chance}"
        )
    steps: list[int] = []
    upto, before = 0.0, 0
    for share in shares[:-1]:
        upto += share / total * STEPS
        now = min(STEPS, math.floor(upto + chance))
        steps.append(now - before)
        before = now
    return (*steps, STEPS - before)


def keep_basket(connection: sqlite3.Connection, basket: Basket) -> bool:
    """Within a commit: keep it and count its receipt; False, and nothing is done, where it is kept already."""
    if connection.execute("SELECT 1 FROM basket WHERE basket = ?", (basket.basket,)).fetchone():
        return False
    number = _number(connection, basket)
    steps = (*basket.steps, *[None] * (BANDS_MAX - len(basket.steps)))
    connection.execute(
        f"INSERT INTO basket VALUES (?, ?, ?, ?, ?, ?, {', '.join('?' * BANDS_MAX)}, ?, ?, ?, ?)",  # noqa: S608
        (
            number,
            basket.basket,
            basket.lane_group,
            basket.day.isoformat(),
            basket.hour,
            basket.day.weekday(),
            *steps,
            basket.unknown_steps,
            basket.party_size,
            basket.quality,
            basket.model,
        ),
    )
    connection.executemany(
        "INSERT INTO basket_line VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                number,
                place,
                line.sku,
                line.name,
                line.category,
                line.quantity_milli,
                line.price_cents,
                line.currency,
            )
            for place, line in enumerate(basket.lines, 1)
        ],
    )
    unknown = basket.unknown_steps == STEPS
    _cover(
        connection,
        (basket.day.isoformat(), basket.lane_group, basket.model),
        receipts=1,
        seen=int(not unknown),
        unknown=int(unknown),
    )
    return True


def add_blind_seconds(
    connection: sqlite3.Connection, *, day: date, lane_group: str, model: str, seconds: int
) -> None:
    """Within a commit: lanes of the group were blind for so long on that day, added up over its lanes."""
    _cover(connection, (day.isoformat(), lane_group, model), blind_s=seconds)


def take_out(connection: sqlite3.Connection, baskets: Sequence[str]) -> None:
    """Within a commit: delete these baskets with their lines, also out of the coverage."""
    for basket in baskets:
        row = connection.execute(
            "SELECT number, day, lane_group, model, p_unknown FROM basket WHERE basket = ?", (basket,)
        ).fetchone()
        if row is None:
            continue
        number, day, lane_group, model, unknown_steps = row
        connection.execute("DELETE FROM basket_line WHERE basket_number = ?", (number,))
        connection.execute("DELETE FROM basket WHERE number = ?", (number,))
        unknown = unknown_steps == STEPS
        _cover(
            connection, (day, lane_group, model), receipts=-1, seen=-int(not unknown), unknown=-int(unknown)
        )


def purge_sales(connection: sqlite3.Connection, *, before: date, baskets: int) -> int:
    """Within a commit: delete at most so many baskets older than the day, and coverage; returns how many baskets."""
    numbers = connection.execute(
        "SELECT number FROM basket WHERE day < ? LIMIT ?", (before.isoformat(), baskets)
    ).fetchall()
    connection.executemany("DELETE FROM basket_line WHERE basket_number = ?", numbers)
    connection.executemany("DELETE FROM basket WHERE number = ?", numbers)
    connection.execute("DELETE FROM coverage WHERE day < ?", (before.isoformat(),))
    if len(numbers) < baskets:
        # Exports take these days away too, which they never do with days that this file merely does not know.
        connection.execute(
            "INSERT INTO meta VALUES ('purged_before', ?) ON CONFLICT DO UPDATE SET value = excluded.value"
            " WHERE value < excluded.value",
            (before.isoformat(),),
        )
    return len(numbers)


def _number(connection: sqlite3.Connection, basket: Basket) -> int:
    """By day, and within a day by the basket's id: the order of sales could be laid beside security's."""
    number = basket.day.toordinal() * _NUMBERS_A_DAY + int(basket.basket[:10], 16)
    while connection.execute("SELECT 1 FROM basket WHERE number = ?", (number,)).fetchone():
        number += 1
    return number


def _cover(
    connection: sqlite3.Connection,
    key: tuple[str, str, str],
    *,
    receipts: int = 0,
    seen: int = 0,
    unknown: int = 0,
    blind_s: int = 0,
) -> None:
    connection.execute(
        "INSERT INTO coverage VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " receipts = receipts + excluded.receipts, seen = seen + excluded.seen,"
        " unknown = unknown + excluded.unknown, blind_s = blind_s + excluded.blind_s",
        (*key, receipts, seen, unknown, blind_s),
    )
