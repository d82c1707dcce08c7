"""The shape of `sales.db`: baskets with a share for every age band, and nothing that points to a person.

Marketing's file. It has no track, cashier, receipt number, exact time or age; its basket ids are made under a key
that belongs to the sales side, so that nobody can lay it beside `security.db` by an id.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.events.errors import StoreError
from edge.events.migrations import Migration
from edge.events.opening import open_for_writing

__all__ = [
    "BANDS_MAX",
    "DEFAULT_BANDS",
    "SALES_MIGRATIONS",
    "SALES_VERSION",
    "STEPS",
    "SalesMeta",
    "SalesMismatch",
    "check_bands",
    "open_sales",
    "read_meta",
    "settle_meta",
]

Bands = tuple[tuple[int, int], ...]

DEFAULT_BANDS: Bands = ((0, 17), (18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, 100))
"""Ages in years, both ends included."""
BANDS_MAX = 12
STEPS = 20
"""A share is kept in twentieths: finer would say more about one person than any report needs."""
SALES_VERSION = 1
"""Of the columns that readers of the file rely on (`schema_version` of every exported row)."""
_OLDEST, _ADULT = 100, 18

_SHARES = " ".join(f"p{n} INTEGER," for n in range(BANDS_MAX))
_WHOLE = " + ".join([*(f"coalesce(p{n}, 0)" for n in range(BANDS_MAX)), "p_unknown"])

SALES_MIGRATIONS = (
    Migration(
        number=1,
        name="baskets",
        opens_from=1,
        statements=(
            # p0 … p11: of the bands in `meta`. `price_cents` is NULL where the till tells no price. `number` says
            # nothing of the order within a day: `sales_basket` makes it from the basket's id.
            "CREATE TABLE basket (number INTEGER PRIMARY KEY, basket TEXT NOT NULL UNIQUE,"
            " lane_group TEXT NOT NULL, day TEXT NOT NULL, hour INTEGER NOT NULL, weekday INTEGER NOT NULL,"
            f" {_SHARES} p_unknown INTEGER NOT NULL, party_size INTEGER NOT NULL,"
            " quality TEXT NOT NULL CHECK (quality IN ('good', 'fair', 'none')), model TEXT NOT NULL,"
            f" CHECK ({_WHOLE} = {STEPS}))",
            "CREATE INDEX basket_day ON basket (day)",
            "CREATE TABLE basket_line (basket_number INTEGER NOT NULL, line INTEGER NOT NULL, sku TEXT NOT NULL,"
            " name TEXT NOT NULL, category TEXT NOT NULL, quantity_milli INTEGER NOT NULL,"
            " price_cents INTEGER, currency TEXT NOT NULL, PRIMARY KEY (basket_number, line)) WITHOUT ROWID",
            "CREATE TABLE coverage (day TEXT NOT NULL, lane_group TEXT NOT NULL, model TEXT NOT NULL,"
            " receipts INTEGER NOT NULL, seen INTEGER NOT NULL, unknown INTEGER NOT NULL,"
            " blind_s INTEGER NOT NULL, PRIMARY KEY (day, lane_group, model)) WITHOUT ROWID",
            "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        ),
    ),
)


class SalesMismatch(StoreError):  # noqa: N818 - a state of the file, like its neighbours in `errors`
    """The file was begun for another store, for other bands or under another key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesMeta:
    """What a file says of itself. `key_id`: which key its basket ids were made with; None where nobody said."""

    store: str
    bands: Bands
    time_zone: str
    schema_version: int = SALES_VERSION
    key_id: str | None = None


def check_bands(bands: Sequence[Sequence[int]]) -> Bands:
    """The bands as pairs of years, both ends included.

    Raises ValueError unless they cover 0 to 100 without gap or overlap and keep all minors in one band.
    """
    pairs = tuple((int(first), int(last)) for first, last in bands)
    if not 1 <= len(pairs) <= BANDS_MAX:
        raise ValueError(f"1 to {BANDS_MAX} age bands; got {len(pairs)}")
    expected = 0
    for first, last in pairs:
        if first != expected or last < first:
            raise ValueError(f"bands follow each other from 0 to {_OLDEST} without a gap; got {list(pairs)}")
        expected = last + 1
    if expected != _OLDEST + 1:
        raise ValueError(f"the last band ends at {_OLDEST}; got {pairs[-1][1]}")
    if pairs[0][1] < _ADULT - 1:
        raise ValueError(f"under {_ADULT} is never split: the first band ends at {_ADULT - 1} or later")
    return pairs


def open_sales(
    path: Path, *, store: str, bands: Sequence[Sequence[int]] = DEFAULT_BANDS, time_zone: str = "UTC"
) -> sqlite3.Connection:
    """Make `sales.db`, or open one for writing, in autocommit mode (write in bulk within BEGIN and COMMIT).

    Nobody else may have it open for writing. Raises SalesMismatch for a file that was begun for another store or
    other bands, StoreTooNew for a newer version's, StoreError where it cannot be opened.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    connection, _ = open_for_writing(path, SALES_MIGRATIONS)
    try:
        settle_meta(connection, SalesMeta(store=store, bands=check_bands(bands), time_zone=time_zone))
    except BaseException:
        connection.close()
        raise
    return connection


def read_meta(connection: sqlite3.Connection) -> SalesMeta | None:
    """What the file says of itself; None where it says nothing yet. Raises sqlite3.DatabaseError, ValueError."""
    told = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    if "store" not in told:
        return None
    return SalesMeta(
        store=told["store"],
        bands=check_bands(json.loads(told["bands"])),
        time_zone=told["time_zone"],
        schema_version=int(told["schema_version"]),
        key_id=told.get("key_id"),
    )


def settle_meta(connection: sqlite3.Connection, ours: SalesMeta) -> None:
    """Write into a new file what it is; compare an old one with what we are. Raises SalesMismatch."""
    found = read_meta(connection)
    if found is None:
        _write(connection, ours)
        return
    if (found.store, found.bands) != (ours.store, ours.bands):
        raise SalesMismatch(
            f"sales.db was begun for store {found.store} with the bands {_shown(found.bands)}; the configuration says "
            f"{ours.store} with {_shown(ours.bands)}: set them back, or move sales.db away and a new one is begun"
        )
    if found.key_id is not None and ours.key_id is not None and found.key_id != ours.key_id:
        raise SalesMismatch(
            "sales.db was begun under another key than the one in sales.key: put that key back from the backup, or "
            "move sales.db and sales.key away and new ones are begun"
        )
    if found.time_zone != ours.time_zone or (found.key_id is None and ours.key_id is not None):
        _write(connection, ours)  # a shop's clock may be put right; days that were kept stay as they are


def _write(connection: sqlite3.Connection, ours: SalesMeta) -> None:
    told = {
        "store": ours.store,
        "bands": json.dumps([list(band) for band in ours.bands]),
        "time_zone": ours.time_zone,
        "schema_version": str(ours.schema_version),
    } | ({} if ours.key_id is None else {"key_id": ours.key_id})
    connection.executemany("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", sorted(told.items()))


def _shown(bands: Bands) -> str:
    return " ".join(f"{first}-{last}" for first, last in bands)
