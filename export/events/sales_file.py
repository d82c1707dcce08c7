"""Reading `sales.db` a day at a time, straight into Arrow, beside a daemon that writes it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_manager import Error as AdbcError
from adbc_driver_sqlite import dbapi

from edge.events import open_for_reading
from edge.events.sales_schema import SALES_MIGRATIONS, SALES_VERSION, STEPS, SalesMeta, read_meta
from edge.events.sales_store import SALES_FILE
from export.events.errors import ExportError

__all__ = ["DayRows", "SalesFile"]

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

DayRows = tuple[pa.Table, pa.Table]
"""Baskets and their lines, as the tables of `sales.db` have them."""


class SalesFile:
    """`sales.db` of a state folder, opened read-only. Use as a context.

    Every day is read in a short transaction of its own, so that an export of years never holds up the daemon.
    """

    def __init__(self, state: Path) -> None:
        """Raises ExportError where there is none, it cannot be read, or another version wrote it."""
        self.path = state / SALES_FILE
        if not state.is_dir():
            raise ExportError(f"{state}: there is no such state folder")
        try:
            there = self.path.is_file()
        except PermissionError as error:
            raise ExportError(
                f"{state} may not be read by us: run this as the user of the service, who owns it"
            ) from error
        if not there:
            raise ExportError(
                f"{state} has no {SALES_FILE}: has a till of this box ever closed a receipt, and is sales.enabled on?"
            )
        with self._told():
            self._connection = open_for_reading(self.path)
        try:
            with self._told():
                self.meta = self._meta()
            with self._told():
                self._arrow = dbapi.connect(f"{self.path.absolute().as_uri()}?mode=ro")
        except BaseException:
            self._connection.close()
            raise
        self._bands = ", ".join(f"p{place}" for place in range(len(self.meta.bands)))

    def __enter__(self) -> SalesFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._arrow.close()
        self._connection.close()

    def states(self) -> dict[date, str]:
        """Every day that has baskets or coverage, with a word that changes whenever its content does."""
        with self._told():
            baskets = {
                day: f"{count}.{mark}"
                for day, count, mark in self._connection.execute(
                    "SELECT day, count(*), sum(number % 4294967296) FROM basket GROUP BY day"
                )
            }
            covered: dict[str, list[str]] = {}
            for day, *row in self._connection.execute(
                "SELECT * FROM coverage ORDER BY day, lane_group, model"
            ):
                covered.setdefault(day, []).append(repr(row))
            days = sorted({*baskets, *covered})
        return {
            date.fromisoformat(day): f"{baskets.get(day, '0')} {_short('|'.join(covered.get(day, [])))}"
            for day in days
        }

    def purged_before(self) -> date | None:
        """Days before this one were deleted because their time was over; None where none was."""
        with self._told():
            row = self._connection.execute("SELECT value FROM meta WHERE key = 'purged_before'").fetchone()
        return None if row is None else date.fromisoformat(row[0])

    def baskets_and_lines(self, day: date) -> DayRows:
        """One day as it stands now: baskets by hour and id, lines by basket number and line.

        Raises ExportError for a file that is damaged there.
        """
        with self._told(f" at {day}"), self._arrow.cursor() as cursor:
            cursor.execute(
                f"SELECT number, basket, lane_group, hour, weekday, {self._bands}, p_unknown, party_size,"  # noqa: S608
                " quality, model FROM basket WHERE day = ? ORDER BY hour, basket",
                (day.isoformat(),),
            )
            baskets = cursor.fetch_arrow_table()
            cursor.execute(
                "SELECT l.basket_number, l.line, l.sku, l.name, l.category, l.quantity_milli, l.price_cents,"
                " l.currency FROM basket b CROSS JOIN basket_line l ON l.basket_number = b.number WHERE b.day = ?"
                " ORDER BY b.number, l.line",
                (day.isoformat(),),
            )
            lines = cursor.fetch_arrow_table()
            self._arrow.rollback()  # the next day is read from a new state of the file
        _check(baskets, lines, day=day, bands=len(self.meta.bands), path=self.path)
        return baskets, lines

    def coverage(self, day: date) -> list[tuple[str, str, int, int, int, int]]:
        """Lane group, model, receipts, seen, unknown and seconds blind of one day."""
        with self._told(f" at {day}"):
            return self._connection.execute(
                "SELECT lane_group, model, receipts, seen, unknown, blind_s FROM coverage WHERE day = ?"
                " ORDER BY lane_group, model",
                (day.isoformat(),),
            ).fetchall()

    def _meta(self) -> SalesMeta:
        tables = {
            row[0] for row in self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if "schema_steps" not in tables:
            raise ExportError(f"{self.path} is no store of marketing's")
        shape, opens_from = self._connection.execute(
            "SELECT coalesce(max(number), 0), coalesce(max(opens_from), 0) FROM schema_steps"
        ).fetchone()
        meta = read_meta(self._connection) if "meta" in tables else None
        newer = opens_from > len(SALES_MIGRATIONS) or (
            meta is not None and meta.schema_version > SALES_VERSION
        )
        if newer:
            raise ExportError(
                f"{self.path} was written by a newer version (shape {shape}; this one knows {len(SALES_MIGRATIONS)}): "
                "export with the version that the service runs"
            )
        if meta is None or shape < len(SALES_MIGRATIONS) or meta.schema_version < SALES_VERSION:
            raise ExportError(
                f"{self.path} was written by an older version (shape {shape}; this one needs {len(SALES_MIGRATIONS)}): "
                "start the service once, it brings the file up to date"
            )
        return meta

    @contextmanager
    def _told(self, where: str = "") -> Iterator[None]:
        """What SQLite says, with the file, the place and the way out."""
        try:
            yield
        except (sqlite3.Error, AdbcError) as error:
            text = str(error)
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in _DAMAGED or "malformed" in text or "not a database" in text:
                raise ExportError(
                    f"{self.path} is damaged{where} ({text}): restart the service, which sets the damaged file aside; "
                    "whole files that were exported before stay"
                ) from error
            if "readonly" in text or "unable to open" in text or "permission" in text.lower():
                raise ExportError(
                    f"{self.path} cannot be opened ({text}): run this as the user of the service, who owns it"
                ) from error
            hint = ": is the disk full, or failing?" if "I/O error" in text else ""
            raise ExportError(f"{self.path} cannot be read{where} ({text}){hint}") from error
        except ValueError as error:
            raise ExportError(f"{self.path} says what it cannot be ({error})") from error


def _check(baskets: pa.Table, lines: pa.Table, *, day: date, bands: int, path: Path) -> None:
    """What SQLite did not notice: values that no daemon of ours wrote."""
    if not baskets.num_rows:
        return
    total: Any = baskets["p_unknown"]
    for place in range(bands):
        total = pc.add(total, baskets[f"p{place}"])
    sound = (
        pc.all(pc.equal(total, STEPS)).as_py()
        and pc.all(pc.equal(baskets["weekday"], day.weekday())).as_py()
        and pc.all(pc.and_(pc.greater_equal(baskets["hour"], 0), pc.less(baskets["hour"], 24))).as_py()
        and lines.num_rows >= 1
    )
    if not sound:
        raise ExportError(
            f"{path} is damaged at {day} (shares, hours or weekdays that cannot be): restart the service after moving "
            "the file away; whole files that were exported before stay"
        )


def _short(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()
