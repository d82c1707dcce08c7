"""Files that appear whole or not at all: written beside, flushed to disk, moved into place."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from export.events.errors import ExportError

__all__ = [
    "FORMATS",
    "SUCCESS",
    "clear_leftovers",
    "partition",
    "put",
    "remove_partition",
    "telling",
    "write_rows",
]

FORMATS = ("parquet", "csv", "jsonl")
SUCCESS = "_SUCCESS"
_BESIDE = ".unfinished"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def partition(root: Path, *, store: str, day: date) -> Path:
    """The folder of one day; `root` is the export's folder or its `coverage`."""
    return root / f"store={store}" / f"date={day.isoformat()}"


def write_rows(folder: Path, rows: pa.Table, *, kind: str) -> str:
    """Put the rows into the partition as one file, then its `_SUCCESS`; returns the file's name.

    Who reads meanwhile sees the file of before or this one. The same rows give the same bytes. Raises OSError,
    pyarrow.ArrowException, duckdb.Error; then what was there before is there still.
    """
    name = f"part-00000.{kind}"
    folder.mkdir(parents=True, exist_ok=True)

    def write(path: Path) -> None:
        if kind == "parquet":
            pq.write_table(rows, path, compression="zstd", compression_level=1, write_statistics=True)
        else:
            _write_text(rows, path, kind=kind)

    put(folder / name, write)
    if not (folder / SUCCESS).exists():
        put(folder / SUCCESS, lambda path: path.write_bytes(b""))
    return name


def put(path: Path, write: Callable[[Path], object]) -> None:
    """Have `write` make a file beside, and move it into place once it is on disk. Raises what `write` raises."""
    beside = path.with_name(f".{path.name}{_BESIDE}")
    try:
        write(beside)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # the name too: `_SUCCESS` must never outlive what it stands for
    finally:
        os.close(descriptor)


def remove_partition(folder: Path) -> None:
    """Take a day away: first its `_SUCCESS`, so that no reader trusts the rest."""
    for path in (folder / SUCCESS, *sorted(folder.glob("part-*"))):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()  # something else is in there: leave it


def clear_leftovers(root: Path) -> int:
    """Delete what an export that was killed left beside its files; returns how many."""
    left = [path for path in root.rglob(f".*{_BESIDE}") if path.is_file()]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


@contextmanager
def telling(root: Path) -> Iterator[None]:
    """Turns what the system says of the target folder into an ExportError with the way out."""
    try:
        yield
    except (OSError, duckdb.Error, pa.ArrowException) as error:
        code = getattr(error, "errno", None)
        text = str(error)
        if code in _FULL or "No space left" in text or "File too large" in text:
            raise ExportError(
                f"{root}: no room for the next file ({text.strip()}): free some space and run the export again; it "
                "goes on where it stopped, and what is there is whole"
            ) from error
        if code in (errno.EACCES, errno.EPERM, errno.EROFS) or "Permission denied" in text:
            raise ExportError(f"{root}: we may not write there ({text.strip()})") from error
        raise ExportError(f"{root}: {text.strip()}") from error


def _write_text(rows: pa.Table, path: Path, *, kind: str) -> None:
    """CSV with a header, or JSON lines. Shares are written as decimals of two digits, not as the float's digits."""
    shares = [name for name in rows.column_names if name.startswith("p_")]
    columns = [
        f'round("{name}"::DOUBLE, 2) AS "{name}"' if name in shares else f'"{name}"'
        for name in rows.column_names
    ]
    how = "FORMAT csv, HEADER true" if kind == "csv" else "FORMAT json"
    target = str(path).replace("'", "''")
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.register("rows", rows)
        connection.execute(f"COPY (SELECT {', '.join(columns)} FROM rows) TO '{target}' ({how})")  # noqa: S608 - our own column names
