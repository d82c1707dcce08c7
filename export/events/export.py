"""Marketing's files from a box's sales: a partition for each day, written whole, only where something changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from export.events.cursor import Cursor, DayWritten, only_one
from export.events.errors import ExportError
from export.events.partition import (
    FORMATS,
    SUCCESS,
    clear_leftovers,
    partition,
    put,
    remove_partition,
    telling,
    write_rows,
)
from export.events.rows import basket_rows, coverage_rows
from export.events.sales_file import SalesFile

__all__ = ["COVERAGE", "Exported", "export_events"]

COVERAGE = "coverage"
_KEEP_EVERY = 16
"""Days after which the cursor is written down: a killed export does so many again at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What an export did: days written, as they were before, taken away; rows written."""

    written: int = 0
    unchanged: int = 0
    removed: int = 0
    rows: int = 0


def export_events(
    state: Path,
    root: Path,
    *,
    kind: str = "parquet",
    since: date | None = None,
    until: date | None = None,
    progress: Callable[[int, int], None] = lambda _done, _days: None,
) -> Exported:
    """Bring `root` up to date with the sales of a state folder, days `since` to `until`, both included.

    Safe to repeat and to kill: a day whose sales have not changed is left alone, the others are replaced whole. Days
    that retention deleted from `sales.db` go here too; days that it merely does not know stay. `progress` hears of
    days done and days to do. Raises ExportError.
    """
    if kind not in FORMATS:
        raise ExportError(f"the format is one of {', '.join(FORMATS)}; got {kind!r}")
    if since is not None and until is not None and since > until:
        raise ExportError(f"an empty range: it begins on {since} and ends on {until}")
    with SalesFile(state) as sales, telling(root):
        root.mkdir(parents=True, exist_ok=True)
        with only_one(root):
            clear_leftovers(root)
            return _Export(sales, root, kind=kind).run(since=since, until=until, progress=progress)


class _Export:
    def __init__(self, sales: SalesFile, root: Path, *, kind: str) -> None:
        self._sales = sales
        self._root = root
        self._kind = kind
        self._store = sales.meta.store
        self._cursor = Cursor.read(root, kind=kind)
        self._days = self._cursor.begin(self._store, sales.meta.bands, root)

    def run(
        self, *, since: date | None, until: date | None, progress: Callable[[int, int], None]
    ) -> Exported:
        states = {
            day: state
            for day, state in self._sales.states().items()
            if (since is None or day >= since) and (until is None or day <= until)
        }
        over = self._over(since, until)
        todo = [day for day, state in states.items() if not self._stands(day, state)]
        if todo or over or not (self._root / SUCCESS).exists():
            (self._root / SUCCESS).unlink(missing_ok=True)
        rows = 0
        for done, day in enumerate(todo):
            progress(done, len(todo))
            rows += self._write(day, states[day])
            if done % _KEEP_EVERY == _KEEP_EVERY - 1:
                self._cursor.keep(self._root)
        for day in over:
            self._remove(day)
        self._cursor.keep(self._root)
        if not (self._root / SUCCESS).exists():
            put(self._root / SUCCESS, lambda path: path.write_bytes(b""))
        return Exported(written=len(todo), unchanged=len(states) - len(todo), removed=len(over), rows=rows)

    def _write(self, day: date, state: str) -> int:
        days = self._sales.baskets_and_lines(day)
        covered = self._sales.coverage(day)
        coverage = partition(self._root / COVERAGE, store=self._store, day=day)
        covered_bytes = _put(coverage, coverage_rows(covered), kind=self._kind)
        folder = partition(self._root, store=self._store, day=day)
        # No rows: its last basket was forgotten, or nothing was sold.
        size = _put(
            folder, basket_rows(days, self._sales.meta.bands) if days[0].num_rows else None, kind=self._kind
        )
        self._days[day] = DayWritten(state=state, bytes=size, coverage_bytes=covered_bytes)
        return days[1].num_rows

    def _stands(self, day: date, state: str) -> bool:
        """Are the day's files there as they were written, from sales that have not changed since?"""
        known = self._days.get(day)
        if known is None or known.state != state:
            return False
        sizes = ((self._root, known.bytes), (self._root / COVERAGE, known.coverage_bytes))
        return all(
            size is None or _is_there(partition(root, store=self._store, day=day), size, kind=self._kind)
            for root, size in sizes
        )

    def _over(self, since: date | None, until: date | None) -> list[date]:
        before = self._sales.purged_before()
        return [
            day
            for day in sorted(self._days)
            if before is not None
            and day < before
            and (since is None or day >= since)
            and (until is None or day <= until)
        ]

    def _remove(self, day: date) -> None:
        for root in (self._root, self._root / COVERAGE):
            remove_partition(partition(root, store=self._store, day=day))
        del self._days[day]


def _put(folder: Path, rows: pa.Table | None, *, kind: str) -> int:
    """The bytes of the partition's file; 0 where there are no rows, and so no partition."""
    if rows is None or not rows.num_rows:
        remove_partition(folder)
        return 0
    return (folder / write_rows(folder, rows, kind=kind)).stat().st_size


def _is_there(folder: Path, size: int, *, kind: str) -> bool:
    path = folder / f"part-00000.{kind}"
    if not size:
        return not path.exists()
    try:
        return path.stat().st_size == size and (folder / SUCCESS).exists()
    except FileNotFoundError:
        return False
