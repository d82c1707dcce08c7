"""How far an export folder is: for every store and day, what `sales.db` was when its files were written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from export.events.errors import ExportError
from export.events.partition import put
from export.events.schema import SCHEMA_VERSION

__all__ = ["Cursor", "DayWritten", "only_one"]

_FILE, _FORMAT = "_export.json", 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DayWritten:
    """A day's partition as it was written: the state of `sales.db`, and the size of its files in bytes.

    `coverage_bytes` is None where an earlier version wrote the day and did not note it.
    """

    state: str
    bytes: int
    coverage_bytes: int | None


@dataclass(slots=True, kw_only=True)
class Cursor:
    """What a folder holds. `stores`: days by store; `bands` by store, as every row of it has them."""

    kind: str
    stores: dict[str, dict[date, DayWritten]] = field(default_factory=dict)
    bands: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path, *, kind: str) -> Cursor:
        """The folder's, or a fresh one. Raises ExportError for another format, another version, a damaged file."""
        path = root / _FILE
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            cursor = cls(kind=told["kind"])
            version = (int(told["format"]), int(told["schema_version"]))
            for store, kept in told["stores"].items() if version == (_FORMAT, SCHEMA_VERSION) else ():
                cursor.bands[store] = tuple((int(first), int(last)) for first, last in kept["bands"])
                cursor.stores[store] = {
                    date.fromisoformat(day): DayWritten(
                        state=str(one["state"]),
                        bytes=int(one["bytes"]),
                        coverage_bytes=int(one["coverage_bytes"]) if "coverage_bytes" in one else None,
                    )
                    for day, one in kept["days"].items()
                }
        except FileNotFoundError:
            return cls(kind=kind)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ExportError(
                f"{path} is damaged ({error!r}): delete it, and the export writes all files anew"
            ) from error
        if version != (_FORMAT, SCHEMA_VERSION):
            age = "a newer" if version > (_FORMAT, SCHEMA_VERSION) else "an older"
            raise ExportError(
                f"{root} was written by {age} version (format and schema {version[0]}, {version[1]}; this one writes "
                f"{_FORMAT}, {SCHEMA_VERSION}): give this export another folder, or empty that one"
            )
        if cursor.kind != kind:
            raise ExportError(
                f"{root} holds {cursor.kind} files and {kind} was asked for: give each format a folder of its own"
            )
        return cursor

    def begin(self, store: str, bands: tuple[tuple[int, int], ...], root: Path) -> dict[date, DayWritten]:
        """The days of a store. Raises ExportError where its files have other bands."""
        before = self.bands.setdefault(store, bands)
        if before != bands:
            raise ExportError(
                f"{root} holds files of {store} with other age bands ({_shown(before)}; now {_shown(bands)}): give "
                "the new bands another folder, since two kinds of columns cannot be read together"
            )
        return self.stores.setdefault(store, {})

    def keep(self, root: Path) -> None:
        """Write it down. Raises OSError."""
        told = {
            "format": _FORMAT,
            "schema_version": SCHEMA_VERSION,
            "kind": self.kind,
            "stores": {
                store: {
                    "bands": [list(band) for band in self.bands[store]],
                    "days": {
                        day.isoformat(): {
                            name: value for name, value in asdict(one).items() if value is not None
                        }
                        for day, one in sorted(days.items())
                    },
                }
                for store, days in sorted(self.stores.items())
            },
        }
        text = json.dumps(told, indent=1) + "\n"
        path = root / _FILE
        try:
            if path.read_text(encoding="utf-8") == text:
                return
        except FileNotFoundError:
            pass
        put(path, lambda beside: beside.write_text(text, encoding="utf-8"))


@contextmanager
def only_one(root: Path) -> Iterator[None]:
    """Holds the folder for this process. Raises ExportError where another one writes there, OSError."""
    with (root / ".export.lock").open("a") as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError as error:
            raise ExportError(f"another export is writing to {root}: wait until it is done") from error
        yield


def _shown(bands: tuple[tuple[int, int], ...]) -> str:
    return " ".join(f"{first}-{last}" for first, last in bands)
