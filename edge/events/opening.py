"""Opening a database file: whose it is, in what state it was left, and what to do with a damaged one."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edge.events.errors import FullReason, StoreBroken, StoreError, StoreFull, StoreInUse
from edge.events.migrations import Migrated, Migration, migrate

__all__ = [
    "Opened",
    "Ownership",
    "SetAside",
    "open_beside",
    "open_for_reading",
    "open_for_writing",
    "primary_code",
]

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
WAL_PAGES = 256
_PAGE_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A damaged database was moved out of the way, with what its WAL held; nothing was deleted."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was found on opening."""

    migrated: Migrated
    set_aside: SetAside | None


class Ownership:
    """Holds the state file for this process; the operating system lets go of it when the process dies."""

    def __init__(self, path: Path) -> None:
        lock = path.with_name(path.name + ".lock")
        self._fd = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise StoreInUse(
                f"{path} is in use by another process: stop that one, or give this one a state folder of its own"
            ) from error

    def release(self) -> None:
        """Let others have it; safe to repeat."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def open_for_writing(path: Path, migrations: Sequence[Migration]) -> tuple[sqlite3.Connection, Opened]:
    """Open the file, making or migrating it; a damaged one is renamed and a new one begun.

    The file is checked in full (`quick_check`) where its last owner did not close it. Raises StoreTooNew,
    StoreFull, StoreBroken where even a new file cannot be made, StoreError where it cannot be opened.
    """
    try:
        connection, migrated = _open_and_check(path, migrations)
    except sqlite3.DatabaseError as error:
        if primary_code(error) == sqlite3.SQLITE_FULL:
            raise StoreFull(FullReason.DISK, f"{path.parent} is full: free some space there") from error
        if primary_code(error) not in _DAMAGED:
            raise StoreError(
                f"{path} cannot be opened ({error}): is the folder there and ours to write?"
            ) from error
        set_aside = _set_aside(path, reason=str(error))
    else:
        return connection, Opened(migrated=migrated, set_aside=None)
    try:
        connection, migrated = _open_and_check(path, migrations)
    except sqlite3.DatabaseError as error:
        raise StoreBroken(f"{path}: no new database can be made there ({error})") from error
    return connection, Opened(migrated=migrated, set_aside=set_aside)


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the file read-only, for short looks. Raises sqlite3.OperationalError where there is none."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA busy_timeout = 1000")
    return connection


def open_beside(path: Path) -> sqlite3.Connection:
    """Open a database that may be another process's, for one short change; what is deleted is overwritten.

    Raises sqlite3.OperationalError where there is none.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None)
    for setting in ("busy_timeout = 10000", "synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {setting}").fetchall()
    return connection


def _open_and_check(path: Path, migrations: Sequence[Migration]) -> tuple[sqlite3.Connection, Migrated]:
    # A WAL that is still there was left by a process that did not close.
    unclean = _exists_with_content(path.with_name(path.name + "-wal"))
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # not readable for others, ever
    # These two shape a new file; on an old one they would only cost a write at every start.
    shape = () if _exists_with_content(path) else (f"page_size = {_PAGE_BYTES}", "auto_vacuum = INCREMENTAL")
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for setting in (
            "busy_timeout = 5000",
            *shape,
            "journal_mode = WAL",
            "synchronous = FULL",  # an acknowledged event survives a power cut too
            f"wal_autocheckpoint = {WAL_PAGES}",
            f"journal_size_limit = {WAL_PAGES * _PAGE_BYTES}",
            "secure_delete = FAST",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {setting}").fetchall()
        if unclean:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise _damaged(found)
        return connection, migrate(connection, migrations)
    except BaseException:
        connection.close()
        raise


def _damaged(found: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(found)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _set_aside(path: Path, *, reason: str) -> SetAside:
    stamp = datetime.now(tz=UTC).strftime("%Y%m%dT%H%M%S")
    target = path.with_name(f"{path.name}.damaged-{stamp}")
    number = 1
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.damaged-{stamp}-{number}")
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            os.replace(path.with_name(path.name + suffix), target.with_name(target.name + suffix))
    return SetAside(path=target, reason=reason)


def _exists_with_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension; 0 where the error has none."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
