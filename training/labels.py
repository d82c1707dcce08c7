"""`labels.csv`: which picture shows whom at what age, in the layouts that people really have."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["SPLITS", "DataError", "LabelRow", "Labels", "read_labels"]

SPLITS: Final = ("train", "val", "test")
_AGE_MAX: Final = 130.0


class DataError(ValueError):
    """A data folder, label file or prepared set that cannot be used: what, where, and the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRow:
    """One labelled picture. `age_min`..`age_max` is an interval label; else both equal `age`, in years.

    Empty strings where the file has no such column. `split` is as written, or empty.
    """

    file_name: str
    age: float
    age_min: float
    age_max: float
    gender: str = ""
    group: str = ""
    data_set: str = ""
    subject: str = ""
    split: str = ""

    @property
    def is_interval(self) -> bool:
        """Whether the label is a span of years and not one age."""
        return self.age_max > self.age_min


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """A label file: its rows in file order, the columns that it has, and where the pictures lie.

    `pictures` is None where labels came without pictures.
    """

    file: Path
    pictures: Path | None
    columns: tuple[str, ...]
    rows: tuple[LabelRow, ...]

    def __len__(self) -> int:
        return len(self.rows)


def read_labels(data: Path) -> Labels:
    """Read `data/labels.csv`, or `data` itself where it is the CSV file.

    Pictures are found where the file names lead from the label file's folder, from `final_files/` beside it,
    or nowhere (`pictures` is None). Raises DataError with file, line and column.
    """
    file = data / "labels.csv" if data.is_dir() else data
    if not file.is_file():
        raise DataError(f"{file}: no such label file; a data folder has labels.csv with file_name,real_age")
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            columns = tuple(name.strip() for name in reader.fieldnames or ())
            rows = tuple(_rows(file, columns, reader))
    except (UnicodeDecodeError, csv.Error) as wrong:
        raise DataError(f"{file}: no CSV file in UTF-8: {wrong}") from wrong
    if not rows:
        raise DataError(f"{file}: has no rows; expected one a picture: file_name,real_age")
    return Labels(file=file, pictures=_pictures(file.parent, rows), columns=columns, rows=rows)


def _rows(file: Path, columns: tuple[str, ...], reader: Iterable[Mapping[str, str]]) -> Iterable[LabelRow]:
    if "file_name" not in columns or ("real_age" not in columns and "age_min" not in columns):
        raise DataError(
            f"{file}: needs the columns file_name and real_age; it has {', '.join(columns) or 'none'}"
        )
    seen: dict[str, int] = {}
    for line, raw in enumerate(reader, start=2):
        cells = {
            (key or "").strip(): (value or "").strip() for key, value in raw.items() if isinstance(value, str)
        }
        name = cells.get("file_name", "")
        if not name:
            raise DataError(f"{file}:{line}: file_name is empty")
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise DataError(f"{file}:{line}: file_name must stay inside the data folder, got {name!r}")
        if name in seen:
            raise DataError(f"{file}:{line}: {name} is labelled twice, first on line {seen[name]}")
        seen[name] = line
        low, age, high = _ages(f"{file}:{line}", cells)
        yield LabelRow(
            file_name=name,
            age=age,
            age_min=low,
            age_max=high,
            gender=cells.get("gender", "").lower(),
            group=cells.get("group", "").lower(),
            data_set=cells.get("data_set", ""),
            subject=cells.get("subject", ""),
            split=cells.get("split", "").lower(),
        )


def _ages(where: str, cells: Mapping[str, str]) -> tuple[float, float, float]:
    """Lowest, best and highest age of a row: a plain age, an interval, or both."""
    age = _years(where, "real_age", cells.get("real_age", ""))
    low = _years(where, "age_min", cells.get("age_min", ""))
    high = _years(where, "age_max", cells.get("age_max", ""))
    if (low is None) != (high is None):
        raise DataError(f"{where}: an interval needs both age_min and age_max")
    if low is None or high is None:
        if age is None:
            raise DataError(f"{where}: real_age is empty and there is no age_min, age_max")
        return age, age, age
    if low > high:
        raise DataError(f"{where}: age_min {low:g} is above age_max {high:g}")
    middle = (low + high) / 2 if age is None else age
    if not low <= middle <= high:
        raise DataError(f"{where}: real_age {middle:g} lies outside {low:g}..{high:g}")
    return low, middle, high


def _years(where: str, column: str, text: str) -> float | None:
    if not text:
        return None
    try:
        years = float(text)
    except ValueError:
        raise DataError(f"{where}: {column} is not a number of years: {text!r}") from None
    if not math.isfinite(years) or not 0 <= years <= _AGE_MAX:
        raise DataError(f"{where}: {column} must lie in 0..{_AGE_MAX:g}, got {text}")
    return years


def _pictures(folder: Path, rows: tuple[LabelRow, ...]) -> Path | None:
    """The folder that file names start from: the first few names decide."""
    for candidate in (folder, folder / "final_files"):
        if any((candidate / row.file_name).is_file() for row in rows[:200]):
            return candidate
    return None
