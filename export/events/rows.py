"""From a day of `sales.db` to the pinned columns, in Arrow from end to end."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from edge.events.sales_schema import STEPS
from export.events.sales_file import DayRows
from export.events.schema import SCHEMA_VERSION, basket_schema, coverage_schema

__all__ = ["basket_rows", "coverage_rows"]


def basket_rows(day: DayRows, bands: tuple[tuple[int, int], ...]) -> pa.Table:
    """The day's lines by hour, basket and line: the order in which baskets came is not to be seen."""
    baskets, lines = day
    numbers = _ints(baskets["number"])
    by_number = np.argsort(numbers, kind="stable")
    found = np.searchsorted(numbers[by_number], _ints(lines["basket_number"]))
    owner = by_number[found]  # the row of each line's basket, in the order of hour and id
    order = np.argsort(owner, kind="stable")  # lines of a basket come in their order already
    lines = lines.take(pa.array(order))
    rows = pa.array(owner[order])
    shares = [_shares(baskets[f"p{place}"], rows) for place in range(len(bands))]
    schema = basket_schema(bands)
    columns = [
        _constant(SCHEMA_VERSION, len(order)),
        _text(baskets["lane_group"]).take(rows),
        baskets["hour"].take(rows),
        baskets["weekday"].take(rows),
        _text(baskets["basket"]).take(rows),
        lines["line"],
        _text(lines["sku"]),
        _text(lines["name"]),
        _text(lines["category"]),
        _decimals(lines["quantity_milli"], schema.field("quantity").type),
        _decimals(lines["price_cents"], schema.field("price").type),
        _text(lines["currency"]),
        *shares,
        _shares(baskets["p_unknown"], rows),
        baskets["party_size"].take(rows),
        _text(baskets["quality"]).take(rows),
        _text(baskets["model"]).take(rows),
    ]
    cast = [_one(column).cast(field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(cast, schema=schema)


def coverage_rows(covered: list[tuple[str, str, int, int, int, int]]) -> pa.Table:
    """A row for each lane group and model of the day."""
    return pa.table(
        {
            "schema_version": [SCHEMA_VERSION] * len(covered),
            "lane_group": [group for group, *_ in covered],
            "receipts": [receipts for _, _, receipts, *_ in covered],
            "seen": [seen for _, _, _, seen, *_ in covered],
            "unknown": [unknown for *_, unknown, _ in covered],
            "minutes_blind": [blind_s / 60 for *_, blind_s in covered],
            "model": [model for _, model, *_ in covered],
        },
        schema=coverage_schema(),
    )


def _ints(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return column.to_numpy()


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # An empty answer has no type of its own.
    return column if pa.types.is_string(column.type) else column.cast(pa.string())


def _constant(value: int, count: int) -> pa.Array:
    return pa.array(np.full(count, value, np.int32))


def _shares(steps: pa.ChunkedArray, rows: pa.Array) -> pa.Array:
    """Twentieths to float32: the nearest to the decimal, so that 3 twentieths read 0.15."""
    return pa.array((_ints(steps) / STEPS).astype(np.float32)).take(rows)


def _decimals(column: pa.ChunkedArray, kind: pa.Decimal128Type) -> pa.Array:
    """Whole thousandths or hundredths, as they are, to decimals: 16 bytes a value, the sign in the upper half."""
    known = _one(column)
    valid = None if known.null_count == 0 else known.is_valid()
    values = np.ascontiguousarray(known.fill_null(0).cast(pa.int64()).to_numpy())
    wide = np.empty((len(values), 2), np.int64)
    wide[:, 0], wide[:, 1] = values, values >> 63
    whole = pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(wide)])
    return whole if valid is None else pc.if_else(valid, whole, pa.scalar(None, kind))


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
