"""The columns of marketing's files, pinned: other programs depend on names, types and order."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from edge.events.sales_schema import SALES_VERSION

__all__ = ["SCHEMA_VERSION", "band_columns", "basket_schema", "coverage_schema"]

SCHEMA_VERSION = SALES_VERSION
"""`schema_version` of every row; rises when a column changes its meaning, not when one is added."""


def band_columns(bands: Sequence[tuple[int, int]]) -> tuple[str, ...]:
    """`p_0_17 p_18_24 …` of bands in years, both ends included."""
    return tuple(f"p_{first}_{last}" for first, last in bands)


def basket_schema(bands: Sequence[tuple[int, int]]) -> pa.Schema:
    """A row for each line of a basket; the basket's own columns are repeated in all of them."""
    return pa.schema(
        [
            pa.field("schema_version", pa.int32(), nullable=False),
            pa.field("lane_group", pa.string(), nullable=False),
            pa.field("hour", pa.int8(), nullable=False),
            pa.field("weekday", pa.int8(), nullable=False),
            pa.field("basket", pa.string(), nullable=False),
            pa.field("line", pa.int32(), nullable=False),
            pa.field("sku", pa.string(), nullable=False),
            pa.field("name", pa.string(), nullable=False),
            pa.field("category", pa.string(), nullable=False),
            pa.field("quantity", pa.decimal128(12, 3), nullable=False),
            pa.field("price", pa.decimal128(12, 2)),  # null where the till told none
            pa.field("currency", pa.string(), nullable=False),
            *(pa.field(name, pa.float32(), nullable=False) for name in band_columns(bands)),
            pa.field("p_unknown", pa.float32(), nullable=False),
            pa.field("party_size", pa.int8(), nullable=False),
            pa.field("quality", pa.string(), nullable=False),
            pa.field("model", pa.string(), nullable=False),
        ]
    )


def coverage_schema() -> pa.Schema:
    """A row for each lane group and model of a day."""
    return pa.schema(
        [
            pa.field("schema_version", pa.int32(), nullable=False),
            pa.field("lane_group", pa.string(), nullable=False),
            pa.field("receipts", pa.int32(), nullable=False),
            pa.field("seen", pa.int32(), nullable=False),
            pa.field("unknown", pa.int32(), nullable=False),
            pa.field("minutes_blind", pa.float32(), nullable=False),
            pa.field("model", pa.string(), nullable=False),
        ]
    )
