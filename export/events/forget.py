"""Baskets taken out of files that were exported before: every partition that holds one is named and written anew."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from export.events.cursor import Cursor, only_one
from export.events.errors import ExportError
from export.events.listing import files_of, partitions_in
from export.events.partition import FORMATS, clear_leftovers, put, remove_partition, telling, write_rows

__all__ = ["Rewritten", "forget_in_export"]

_BASKET = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """One partition that held a basket: its folder within the export, and how many lines were taken out."""

    partition: Path
    lines: int


def forget_in_export(
    root: Path, baskets: Collection[str], *, days: Collection[date] = ()
) -> tuple[Rewritten, ...]:
    """Take baskets (ids as `forget` names them) out of every partition of `root`, only of `days` where they are given.

    Each file is replaced whole. The coverage follows with the next export. Safe to repeat. Raises ExportError for ids
    that are none, a folder that is no export, a partition that is damaged or cannot be written.
    """
    wrong = [one for one in baskets if not _BASKET.fullmatch(one)]
    if wrong or not baskets:
        raise ExportError(
            f"a basket is named by 32 hex digits, as `checkout-age forget` prints it; got {wrong}"
        )
    if not root.is_dir():
        raise ExportError(f"{root}: there is no such folder")
    done: list[Rewritten] = []
    with telling(root), only_one(root):
        clear_leftovers(root)
        for store, written, folder in _looked_into(root):
            day = _day(written, folder)
            if days and day not in days:
                continue
            for path in _files(folder):
                kind = path.suffix[1:]
                gone = _without(path, baskets, kind=kind)
                if gone:
                    _note(root, store, day, path, kind=kind)
                    done.append(Rewritten(partition=folder.relative_to(root), lines=gone))
    return tuple(done)


def _looked_into(root: Path) -> list[tuple[str, str, Path]]:
    with _may_look():
        return partitions_in(root)


def _files(folder: Path) -> list[Path]:
    with _may_look():
        return [path for kind in FORMATS for path in files_of(folder, kind)]


@contextmanager
def _may_look() -> Iterator[None]:
    """What cannot be looked into may hold the basket: that is never passed over."""
    try:
        yield
    except PermissionError as error:
        raise ExportError(
            f"{error.filename} may not be looked into by us, so that nobody can say whether a basket is in it: run "
            "this as the user who owns these files"
        ) from error


def _day(written: str, folder: Path) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise ExportError(f"{folder}: no day as YYYY-MM-DD; what else lies in this folder?") from error


def _without(path: Path, baskets: Collection[str], *, kind: str) -> int:
    if kind != "parquet":
        return _without_lines(path, baskets)
    wanted = pa.array(sorted(baskets))
    try:
        # First the ids alone: of years of files, few hold any of them.
        ids = pq.read_table(path, columns=["basket"], partitioning=None)["basket"]
        if not pc.any(pc.is_in(ids, wanted)).as_py():
            return 0
        rows = pq.read_table(path, partitioning=None)
    except (pa.ArrowException, OSError) as error:
        raise ExportError(
            f"{path} is damaged ({error}): delete the folder of that day and run the export again"
        ) from error
    kept = rows.filter(pc.invert(pc.is_in(rows["basket"], wanted)))
    if kept.num_rows:
        write_rows(path.parent, kept, kind=kind)
    else:
        remove_partition(path.parent)
    return rows.num_rows - kept.num_rows


def _without_lines(path: Path, baskets: Collection[str]) -> int:
    """A row is a line: tills tell texts of one line only. What stays is the same to the byte."""
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if not any(basket.encode() in line for basket in baskets)]
    if len(kept) < len(lines):
        rows = len(kept) - (path.suffix == ".csv")
        if rows:
            put(path, lambda beside: beside.write_bytes(b"".join(kept)))
        else:
            remove_partition(path.parent)
    return len(lines) - len(kept)


def _note(root: Path, store: str, day: date, path: Path, *, kind: str) -> None:
    """The next export leaves the day alone where `sales.db` agrees, or writes it anew."""
    cursor = Cursor.read(root, kind=kind)
    known = cursor.stores.get(store, {}).get(day)
    if known is not None:
        size = path.stat().st_size if path.exists() else 0
        cursor.stores[store][day] = replace(known, bytes=size)
        cursor.keep(root)
