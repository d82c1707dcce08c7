"""Marketing's files on disk: which partitions are finished, and whether they are what they should be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from export.events.analysis.bands import Band, bands_of_columns
from export.events.analysis.errors import DamagedFile, NoData, WrongSchema
from export.events.listing import files_of, partitions_in

__all__ = ["COLUMNS", "SCHEMA_VERSION", "Export", "Partition", "find_export"]

SCHEMA_VERSION: Final = 1
COLUMNS: Final = (
    "schema_version",
    "lane_group",
    "hour",
    "weekday",
    "basket",
    "line",
    "sku",
    "name",
    "category",
    "quantity",
    "price",
    "currency",
    "p_unknown",
    "party_size",
    "quality",
    "model",
)
"""Pinned columns of a basket line, beside one for each age band."""
_AGAIN: Final = "export again: checkout-age export-events --from STATE --to DIR"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """A store's day, finished: its files are complete."""

    store: str
    day: date
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What a report is made from. `unfinished`: partitions that have no `_SUCCESS` yet and are left out."""

    root: Path
    bands: tuple[Band, ...]
    partitions: tuple[Partition, ...]
    coverage: tuple[Path, ...]
    unfinished: int

    @property
    def first(self) -> date:
        return min(partition.day for partition in self.partitions)

    @property
    def last(self) -> date:
        return max(partition.day for partition in self.partitions)

    def files(self) -> list[str]:
        return [str(file) for partition in self.partitions for file in partition.files]


def find_export(root: Path, *, since: date | None = None, until: date | None = None) -> Export:
    """Find the finished partitions of the days `since` to `until`, both included, and check every file's footer.

    Raises NoData, DamagedFile, WrongSchema with the file and the way out, OSError where a folder cannot be read.
    """
    if not root.is_dir():
        raise NoData(f"{root}: no such folder; make it: checkout-age export-events --from STATE --to {root}")
    partitions, unfinished = _partitions(root, since, until)
    if not partitions:
        raise NoData(_nothing(root, since, until, unfinished))
    bands: tuple[Band, ...] | None = None
    for partition in partitions:
        for file in partition.files:
            found = _checked(file)
            if bands is not None and found != bands:
                raise WrongSchema(
                    f"{file}: its age bands differ from those before it; report the days of each choice of bands "
                    "by themselves (--since, --until)"
                )
            bands = found
    assert bands is not None  # noqa: S101 - there is a partition, and it has a file
    days = {(p.store, p.day.isoformat()) for p in partitions}
    coverage = tuple(
        file
        for store, day, folder in partitions_in(root / "coverage")
        if (store, day) in days
        for file in files_of(folder, "parquet")
    )
    return Export(root=root, bands=bands, partitions=partitions, coverage=coverage, unfinished=unfinished)


def _partitions(root: Path, since: date | None, until: date | None) -> tuple[tuple[Partition, ...], int]:
    """Days with `_SUCCESS` of their own; where none has one, the export's own `_SUCCESS` stands for all."""
    if not (root / "_SUCCESS").is_file():
        raise NoData(f"{root}: no _SUCCESS: the export did not finish, or is just being written; {_AGAIN}")
    days = []
    for store, written, folder in partitions_in(root):
        try:
            days.append((store, date.fromisoformat(written), folder))
        except ValueError as wrong:
            raise DamagedFile(f"{folder}: no day as YYYY-MM-DD; what else lies in this folder?") from wrong
    by_day = any((folder / "_SUCCESS").is_file() for *_, folder in days)
    found, unfinished = [], 0
    for store, day, folder in days:
        if (since and day < since) or (until and day > until):
            continue
        files = tuple(files_of(folder, "parquet"))
        if by_day and not (folder / "_SUCCESS").is_file():
            unfinished += 1
        elif files:
            found.append(Partition(store=store, day=day, files=files))
    return tuple(found), unfinished


def _nothing(root: Path, since: date | None, until: date | None, unfinished: int) -> str:
    if unfinished:
        return f"{root}: {unfinished} partitions and none has _SUCCESS: their export did not finish; {_AGAIN}"
    if since or until:
        return (
            f"{root}: no day from {since or 'the first'} to {until or 'the last'}; widen --since and --until"
        )
    return f"{root}: no store=…/date=… folders with part-*.parquet; {_AGAIN}"


def _checked(file: Path) -> tuple[Band, ...]:
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    try:
        with pq.ParquetFile(file) as opened:
            names = opened.schema_arrow.names
            missing = [column for column in COLUMNS if column not in names]
            if missing:
                raise WrongSchema(f"{file}: no column {', '.join(missing)}: an older export's file; {_AGAIN}")
            versions = _versions(opened)
    except ArrowException as wrong:
        raise DamagedFile(f"{file}: no readable Parquet file ({_short(wrong)}); {_AGAIN}") from wrong
    except PermissionError:
        raise
    except OSError as wrong:
        # A truncated page is an OSError to Arrow.
        raise DamagedFile(f"{file}: no readable Parquet file ({_short(wrong)}); {_AGAIN}") from wrong
    if versions - {SCHEMA_VERSION}:
        raise WrongSchema(
            f"{file}: schema version {', '.join(map(str, sorted(versions)))}, this program reads {SCHEMA_VERSION}; "
            + (_AGAIN if max(versions) < SCHEMA_VERSION else "install the newer checkout-age")
        )
    return bands_of_columns(names, where=str(file))


def _versions(opened: object) -> set[int]:
    """The schema versions within a file, from the statistics in its footer where they are."""
    import pyarrow.parquet as pq

    assert isinstance(opened, pq.ParquetFile)  # noqa: S101 - pyarrow's types are loose
    index = opened.schema_arrow.names.index("schema_version")
    found: set[int] = set()
    for group in range(opened.metadata.num_row_groups):
        kept = opened.metadata.row_group(group).column(index).statistics
        if kept is None or not kept.has_min_max:
            return {int(v) for v in opened.read(["schema_version"])["schema_version"].unique().to_pylist()}
        found |= {int(kept.min), int(kept.max)}
    return found or {SCHEMA_VERSION}


def _short(wrong: BaseException) -> str:
    return str(wrong).splitlines()[0][:160]
