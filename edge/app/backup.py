"""A box's state as archives: databases by SQLite's own copy, so that a box at work need not stop.

Security and marketing share no file, in a backup neither: `box.tar.gz` has security's side, `box.sales.tar.gz` beside
it marketing's with its key. Who keeps one learns nothing of the other.
"""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from edge.events import open_for_reading
from edge.events.sales_key import KEY_FILE
from edge.events.sales_store import SALES_FILE

__all__ = ["BackupError", "back_up", "marketing_beside", "restore"]

_DATABASES = "*.db"
_FILES = ("users.json",)
"""Beside the databases. Sessions are left out: whoever is restored signs in again. So are files of sinks, which their
readers have, and secrets, which stand elsewhere."""
_SALES_FILES = (SALES_FILE, KEY_FILE)
"""Without the key no basket could be found again, and the box would refuse the file."""
_SUFFIX = ".tar.gz"
_PAGES = 256
_MODE = 0o600


class BackupError(Exception):
    """Nothing was written, or nothing was restored; the message says why."""


def marketing_beside(archive: Path) -> Path:
    """Where marketing's side goes: `box.tar.gz` has `box.sales.tar.gz` beside it."""
    return archive.with_name(f"{archive.name.removesuffix(_SUFFIX)}.sales{_SUFFIX}")


def back_up(state: Path, archive: Path) -> dict[Path, list[str]]:
    """Write every database of the state folder, its users and marketing's key; the names in each archive.

    Each database is one consistent moment; it is checked before it goes in. An archive appears whole or not at all,
    readable by its owner alone. Raises BackupError, OSError, sqlite3.Error.
    """
    databases = sorted(state.glob(_DATABASES))
    if not databases:
        raise BackupError(f"{state}: no database of a box is there; name its state folder (state.dir)")
    known = [*databases, *(state / name for name in (*_FILES, KEY_FILE) if (state / name).is_file())]
    sides = {
        archive: [file for file in known if file.name not in _SALES_FILES],
        marketing_beside(archive): [file for file in known if file.name in _SALES_FILES],
    }
    sides = {place: files for place, files in sides.items() if files}
    for place in sides:
        if place.exists():
            raise BackupError(f"{place} is there already; name another file")
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=archive.parent) as folder:
        for place, files in sides.items():
            _write(Path(folder) / place.name, files)
        for place in sides:
            os.replace(Path(folder) / place.name, place)
    return {place: [file.name for file in files] for place, files in sides.items()}


def restore(archive: Path, state: Path) -> dict[Path, list[str]]:
    """Put an archive of `back_up`, and marketing's where that lies beside it, into a state folder; the names in each.

    Nothing that is there is overwritten, and every database is checked before anything is put in place. Raises
    BackupError, OSError, sqlite3.Error.
    """
    beside = marketing_beside(archive)
    archives = [archive, *([beside] if beside.is_file() else [])]
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    names: dict[Path, list[str]] = {}
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=state) as folder:
        for one in archives:
            names[one] = _unpack(one, Path(folder))
        found = sorted(Path(folder).iterdir())
        if not any(file.suffix == ".db" for file in found):
            raise BackupError(f"{archive}: no database of a box is in it")
        for file in found:
            if file.suffix == ".db":
                _check(file)
        there = [file.name for file in found if any(state.glob(f"{file.name}*"))]
        if there:
            raise BackupError(
                f"{state} holds {', '.join(there)} already: stop the box and move what is there away first, nothing "
                "is overwritten"
            )
        for file in found:
            os.replace(file, state / file.name)
    return names


def _write(place: Path, files: Sequence[Path]) -> None:
    """One archive, on the disk when this returns."""
    with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as out:
        with tarfile.open(fileobj=out, mode="w:gz") as tar:
            for file in files:
                if file.suffix != ".db":
                    _add(tar, file)
                    continue
                copy = place.with_name(file.name)
                _copy(file, copy)
                _add(tar, copy)
                copy.unlink()
        out.flush()
        os.fsync(out.fileno())


def _unpack(archive: Path, folder: Path) -> list[str]:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                _take(tar, member, folder, archive)
            return sorted(tar.getnames())
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise BackupError(f"{archive}: no archive of `checkout-age backup` ({error})") from error


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, archive: Path) -> None:
    """One file by its plain name; anything else in the archive is somebody's trick."""
    if not member.isfile() or Path(member.name).name != member.name or not _ours(member.name):
        raise BackupError(f"{archive}: {member.name!r} does not belong into a backup; nothing was restored")
    content = tar.extractfile(member)
    assert content is not None  # noqa: S101 - it is a file
    with os.fdopen(os.open(folder / member.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as out:
        shutil.copyfileobj(content, out)


def _ours(name: str) -> bool:
    return name in (*_FILES, KEY_FILE) or (name.endswith(".db") and not name.startswith("."))


def _add(tar: tarfile.TarFile, file: Path) -> None:
    info = tarfile.TarInfo(file.name)
    body = file.read_bytes()
    info.size, info.mode, info.mtime = len(body), _MODE, int(file.stat().st_mtime)
    tar.addfile(info, io.BytesIO(body))


def _copy(database: Path, copy: Path) -> None:
    with closing(open_for_reading(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target, pages=_PAGES, sleep=0.01)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    _check(copy)


def _check(file: Path) -> None:
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            found = str(error)
    if found != "ok":
        raise BackupError(f"{file.name} is damaged ({found}): nothing was written")
