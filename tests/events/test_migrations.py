"""An upgrade can be taken back: version N opens what N + 1 left; a step is all or nothing."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from edge.events import Database, Migration, StoreTooNew
from edge.events.schema import SECURITY_MIGRATIONS

NOTES = Migration(number=1, name="notes", opens_from=1, statements=("CREATE TABLE notes (text TEXT)",))
AUTHORS = Migration(
    number=2, name="authors", opens_from=1, statements=("ALTER TABLE notes ADD COLUMN author TEXT",)
)
WITHOUT_TEXT = Migration(
    number=3, name="without text", opens_from=2, statements=("ALTER TABLE notes DROP COLUMN text",)
)


def open_with(path: Path, *steps: Migration) -> Database:
    return Database(path, migrations=steps, group_s=0, reserve_bytes=0)


def write_note(database: Database, text: str) -> None:
    database.submit(lambda c: c.execute("INSERT INTO notes (text) VALUES (?)", (text,))).result()


def test_the_old_version_works_on_what_the_new_one_left_and_the_new_one_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    told = []
    for steps, text in [
        ((NOTES,), "old"),
        ((NOTES, AUTHORS), "new"),
        ((NOTES,), "back"),
        ((NOTES, AUTHORS), "on"),
    ]:
        database = open_with(path, *steps)
        write_note(database, text)
        told.append((database.opened.migrated.before, database.opened.migrated.after))
        database.close()

    assert told == [(0, 1), (1, 2), (2, 2), (2, 2)]
    with sqlite3.connect(path) as reader:
        assert reader.execute("SELECT text FROM notes").fetchall() == [("old",), ("new",), ("back",), ("on",)]


def test_two_versions_back_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    open_with(path, NOTES, AUTHORS, WITHOUT_TEXT).close()
    before = path.read_bytes()

    with pytest.raises(StoreTooNew, match="install that version again"):
        open_with(path, NOTES)

    assert path.read_bytes() == before
    open_with(path, NOTES, AUTHORS).close()


def test_a_step_that_fails_leaves_nothing_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    open_with(path, NOTES).close()
    broken = Migration(
        number=2, name="broken", opens_from=1, statements=("CREATE TABLE half (a)", "CREATE TABLE half (a)")
    )

    with pytest.raises(Exception, match="half already exists"):
        open_with(path, NOTES, broken)

    database = open_with(path, NOTES)
    tables = database.read(
        lambda c: c.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    )
    assert ("half",) not in tables
    assert database.opened.migrated.before == 1
    database.close()


def test_a_step_that_locks_out_the_version_before_it_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="must leave version 1 working"):
        Migration(number=2, name="hasty", opens_from=2, statements=())


def test_released_steps_never_change() -> None:
    """A digest of each step as it was released: add a step, never edit one."""
    import hashlib

    digests = {
        step.number: hashlib.sha256(repr(step).encode()).hexdigest()[:12] for step in SECURITY_MIGRATIONS
    }

    assert digests == {1: "ec9e1f234763", 2: "b2463c0ffb08", 3: "c4b332aec663", 4: "c3602d3f28d1"}
