"""Marketing's store: `sales.db` with its own key and writer, apart from everything that security keeps."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from edge.events.database import Database, DatabaseStats
from edge.events.opening import Opened, open_beside, open_for_reading
from edge.events.sales_basket import Basket, add_blind_seconds, keep_basket, purge_sales, take_out
from edge.events.sales_key import KEY_FILE, SalesKey, SalesKeyError, make_sales_key, read_sales_key
from edge.events.sales_schema import SALES_MIGRATIONS, SalesMeta, check_bands, read_meta, settle_meta

__all__ = [
    "SALES_FILE",
    "BasketForgotten",
    "SalesStore",
    "forget_basket",
    "forget_basket_of_day",
    "local_hour",
]

SALES_FILE = "sales.db"
_GROUP_S = 10.0
"""Baskets wait so long for company: fewer pages on flash. A power cut costs marketing at most these."""
_PURGE_BASKETS = 200
"""In one commit: works within the reserve of a full disk."""
_QUEUED_MAX = 2000
_HOUR_NS = 3600 * 10**9
_SPAN_MAX_NS = 7 * 24 * _HOUR_NS


class SalesStore:
    """Keeps baskets. One a process; any thread may ask. A crash loses at most the last `group_s` of baskets."""

    def __init__(
        self,
        folder: Path,
        *,
        store: str,
        bands: Sequence[Sequence[int]],
        time_zone: str,
        reserve_bytes: int | None = None,
        group_s: float = _GROUP_S,
    ) -> None:
        """Open `sales.db` and `sales.key` in the state folder, made at the first start.

        Raises SalesKeyError where baskets are there and their key is not (it is never replaced in silence),
        SalesMismatch for another store's or key's file or other bands, StoreError and OSError as `Database` does.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.key = _key(folder)
        self._database = Database(
            folder / SALES_FILE,
            migrations=SALES_MIGRATIONS,
            group_s=group_s,
            max_queued=_QUEUED_MAX,
            reserve_bytes=reserve_bytes,
        )
        ours = SalesMeta(store=store, bands=check_bands(bands), time_zone=time_zone, key_id=self.key.key_id)
        try:
            self._database.submit(lambda c: settle_meta(c, ours), within_s=0, intake=False).result()
        except BaseException:
            self._database.close()
            raise

    @property
    def opened(self) -> Opened:
        """What was found on opening: a damaged file that was set aside."""
        return self._database.opened

    def keep(self, basket: Basket) -> Future[bool]:
        """Commit a basket; True where it is new. Raises StoreError, at once or by the future."""
        return self._database.submit(lambda c: keep_basket(c, basket))

    def add_blind_seconds(self, *, day: date, lane_group: str, model: str, seconds: int) -> Future[None]:
        """Commit that lanes of a group were blind. Raises as `keep`."""
        return self._database.submit(
            lambda c: add_blind_seconds(c, day=day, lane_group=lane_group, model=model, seconds=seconds)
        )

    def purge(self, *, before: date) -> int:
        """Delete baskets and coverage of days before this one; returns how many baskets. Raises StoreError."""
        deleted = 0
        while True:
            gone = self._database.submit(
                lambda c: purge_sales(c, before=before, baskets=_PURGE_BASKETS), within_s=0, intake=False
            ).result()  # each step is small, and the next waits for its commit
            deleted += gone
            if gone < _PURGE_BASKETS:
                return deleted

    def stats(self) -> DatabaseStats:
        """Size, room and health."""
        return self._database.stats()

    def close(self) -> None:
        """Commit what waits and close; safe to repeat."""
        self._database.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketForgotten:
    """What was deleted from `sales.db`: ids, the day of each (it names the exported partition), and how many lines."""

    baskets: tuple[str, ...] = ()
    days: tuple[date, ...] = ()
    lines: int = 0


def forget_basket(folder: Path, *, lane: str, receipt: str, from_ns: int, to_ns: int) -> BasketForgotten:
    """Delete the baskets of a receipt that closed between two moments (an hour around them is looked at too).

    Works beside a running daemon; nothing is found where there is no such basket or no sales side at all. The files
    that were exported before are `checkout-age forget-export`'s. Raises ValueError for a span of more than a week,
    SalesKeyError, sqlite3.Error, OSError.
    """
    if not 0 <= to_ns - from_ns <= _SPAN_MAX_NS:
        raise ValueError(f"a receipt closes within a week; got {from_ns} to {to_ns}")
    steps = range((from_ns - _HOUR_NS) // _HOUR_NS, (to_ns + _HOUR_NS) // _HOUR_NS + 1)

    def hours(zone: ZoneInfo) -> set[tuple[date, int]]:
        # Half hours too, since some zones begin theirs there.
        halves = [half for step in steps for half in (step * 3600, step * 3600 + 1800)]
        return {local_hour(half * 10**9, zone) for half in halves}

    return _forget(folder, lane=lane, receipt=receipt, hours=hours)


def forget_basket_of_day(folder: Path, *, lane: str, receipt: str, day: date) -> BasketForgotten:
    """The same for a receipt of which only the printed date is known. Raises as `forget_basket`."""
    return _forget(
        folder, lane=lane, receipt=receipt, hours=lambda _zone: {(day, hour) for hour in range(24)}
    )


def local_hour(at_ns: int, zone: ZoneInfo) -> tuple[date, int]:
    """Day and hour on the store's clock, daylight saving included."""
    at = datetime.fromtimestamp(at_ns // 10**9, zone)
    return at.date(), at.hour


def _forget(
    folder: Path, *, lane: str, receipt: str, hours: Callable[[ZoneInfo], set[tuple[date, int]]]
) -> BasketForgotten:
    if not (folder / SALES_FILE).exists():
        return BasketForgotten()
    try:
        key = read_sales_key(folder)
    except FileNotFoundError as error:
        raise SalesKeyError(
            f"{folder} has {SALES_FILE} and no {KEY_FILE}: without it no basket can be found; put it back from the "
            "backup"
        ) from error
    with closing(open_beside(folder / SALES_FILE)) as connection:
        meta = read_meta(connection)
        if meta is None:
            return BasketForgotten()
        ids = [
            key.basket(store=meta.store, lane=lane, receipt=receipt, day=day.isoformat(), hour=hour)
            for day, hour in sorted(hours(ZoneInfo(meta.time_zone)))
        ]
        connection.execute("BEGIN IMMEDIATE")
        try:
            done = _take_out(connection, ids)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
        if done.baskets:
            # What was deleted still stands in the log of writes: fold it back and cut it to nothing.
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return done


def _take_out(connection: sqlite3.Connection, ids: Sequence[str]) -> BasketForgotten:
    rows = connection.execute(
        "SELECT basket, day, (SELECT count(*) FROM basket_line WHERE basket_number = number) FROM basket"
        " WHERE basket IN (SELECT value FROM json_each(?)) ORDER BY number",
        (json.dumps(list(ids)),),
    ).fetchall()
    take_out(connection, [row[0] for row in rows])
    return BasketForgotten(
        baskets=tuple(row[0] for row in rows),
        days=tuple(date.fromisoformat(row[1]) for row in rows),
        lines=sum(row[2] for row in rows),
    )


def _key(folder: Path) -> SalesKey:
    try:
        return read_sales_key(folder)
    except FileNotFoundError:
        if _begun_under_a_key(folder / SALES_FILE):
            raise SalesKeyError(
                f"{folder} has {SALES_FILE} and its sales.key is gone: put the key back from the backup, or move "
                f"{SALES_FILE} away and both are begun anew"
            ) from None
    return make_sales_key(folder)


def _begun_under_a_key(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        with closing(open_for_reading(path)) as connection:
            meta = read_meta(connection)
    except sqlite3.Error:
        return False  # damaged, or not begun: it is set aside or made on opening
    return meta is not None and meta.key_id is not None
