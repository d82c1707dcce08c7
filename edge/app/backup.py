"""A box's state as one archive: databases by SQLite's own copy, so that a box at work need not stop."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

from edge.events import open_for_reading

__all__ = ["BackupError", "back_up", "restore"]

_DATABASES = "*.db"
_FILES = ("users.json",)
"""Beside the databases. Sessions are left out: whoever is restored signs in again. So are files of sinks, which their
readers have, and secrets, which stand elsewhere."""
_PAGES = 256
_MODE = 0o600


class BackupError(Exception):
    """Nothing was written, or nothing was restored; the message says why."""


def back_up(state: Path, archive: Path) -> list[str]:
    """Write every database of the state folder and its users into a `.tar.gz`; the names in it.

    Each database is one consistent moment; it is checked before it goes in. The archive appears whole or not at all,
    readable by its owner alone. Raises BackupError, OSError, sqlite3.Error.
    """
    databases = sorted(state.glob(_DATABASES))
    if not databases:
        raise BackupError(f"{state}: no database of a box is there; name its state folder (state.dir)")
    if archive.exists():
        raise BackupError(f"{archive} is there already; name another file")
    names: list[str] = []
    part = archive.with_name(f".{archive.name}.part")
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=archive.parent) as folder:
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE), "wb") as out:
                with tarfile.open(fileobj=out, mode="w:gz") as tar:
                    for database in databases:
                        copy = Path(folder) / database.name
                        _copy(database, copy)
                        names.append(_add(tar, copy))
                        copy.unlink()
                    names += [_add(tar, state / name) for name in _FILES if (state / name).is_file()]
                out.flush()
                os.fsync(out.fileno())
            os.replace(part, archive)
        finally:
            part.unlink(missing_ok=True)
    return names


def restore(archive: Path, state: Path) -> list[str]:
    """Put an archive of `back_up` into a state folder that holds no database; the names in it.

    Every database is checked before anything is put in place. Raises BackupError, OSError, sqlite3.Error.
    """
    if state.is_dir() and any(state.glob(f"{_DATABASES}*")):
        raise BackupError(
            f"{state} holds databases already: stop the box and move them away first, nothing is overwritten"
        )
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=state) as folder:
        try:
            with tarfile.open(archive, "r:gz") as tar:
                for member in tar:
                    _take(tar, member, Path(folder), archive)
        except (tarfile.TarError, EOFError) as error:
            raise BackupError(f"{archive}: no archive of `checkout-age backup` ({error})") from error
        found = sorted(Path(folder).iterdir())
        if not any(file.suffix == ".db" for file in found):
            raise BackupError(f"{archive}: no database of a box is in it")
        for file in found:
            if file.suffix == ".db":
                _check(file)
        for file in found:
            os.replace(file, state / file.name)
    return [file.name for file in found]


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path, archive: Path) -> None:
    """One file by its plain name; anything else in the archive is somebody's trick."""
    if not member.isfile() or Path(member.name).name != member.name or not _ours(member.name):
        raise BackupError(f"{archive}: {member.name!r} does not belong into a backup; nothing was restored")
    content = tar.extractfile(member)
    assert content is not None  # noqa: S101 - it is a file
    with os.fdopen(os.open(folder / member.name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as out:
        shutil.copyfileobj(content, out)


def _ours(name: str) -> bool:
    return name in _FILES or (name.endswith(".db") and not name.startswith("."))


def _add(tar: tarfile.TarFile, file: Path) -> str:
    info = tarfile.TarInfo(file.name)
    body = file.read_bytes()
    info.size, info.mode, info.mtime = len(body), _MODE, int(file.stat().st_mtime)
    tar.addfile(info, io.BytesIO(body))
    return file.name


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
