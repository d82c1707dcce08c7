"""A backup taken while events are written is one moment of the state, and can be put back."""

from __future__ import annotations

import io
import sqlite3
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from edge.app.backup import BackupError, back_up, restore
from edge.cli import main
from edge.events import Store
from edge.events.register import add_entry, verify


def entry(store: Store, number: int) -> None:
    store.submit(
        lambda transaction: add_entry(
            transaction.connection, kind="challenge", at_ms=number, payload={"receipt": f"r-{number}"}
        )
    ).result(30)


def test_a_backup_of_a_box_at_work_restores_to_a_register_that_holds(tmp_path: Path):
    state = tmp_path / "state"
    store = Store(state / "security.db", group_s=0.0, reserve_bytes=0)
    (state / "users.json").write_text("{}")
    stop, begun = threading.Event(), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            entry(store, number)
            number += 1
            if number == 20:
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert begun.wait(60)
    try:
        assert back_up(state, tmp_path / "b.tar.gz") == ["security.db", "users.json"]
    finally:
        stop.set()
        writer.join()
        store.close()
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o077 == 0
    assert restore(tmp_path / "b.tar.gz", tmp_path / "new") == ["security.db", "users.json"]
    with closing(sqlite3.connect(tmp_path / "new" / "security.db")) as connection:
        assert connection.execute("SELECT count(*) FROM register").fetchone()[0] >= 20
        assert verify(connection) == []
    assert main(["register", "verify", "--from", str(tmp_path / "new")]) == 0
    again = Store(tmp_path / "new" / "security.db", reserve_bytes=0)
    entry(again, 1000)
    again.close()
    assert main(["register", "verify", "--from", str(tmp_path / "new")]) == 0


def test_nothing_is_overwritten(tmp_path: Path):
    Store(tmp_path / "state" / "security.db", reserve_bytes=0).close()
    back_up(tmp_path / "state", tmp_path / "b.tar.gz")
    with pytest.raises(BackupError, match="already"):
        back_up(tmp_path / "state", tmp_path / "b.tar.gz")
    with pytest.raises(BackupError, match="nothing is overwritten"):
        restore(tmp_path / "b.tar.gz", tmp_path / "state")


@pytest.mark.parametrize("name", ["../evil.db", "/etc/evil.db", "notes.txt", ".hidden.db"])
def test_an_archive_with_anything_else_in_it_is_refused_whole(tmp_path: Path, name: str):
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as tar:
        for member in ("security.db", name):
            tar.addfile(tarfile.TarInfo(member), io.BytesIO())
    with pytest.raises(BackupError, match="does not belong"):
        restore(tmp_path / "b.tar.gz", tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_damaged_database_is_neither_kept_nor_restored(tmp_path: Path):
    with tarfile.open(tmp_path / "b.tar.gz", "w:gz") as tar:
        info = tarfile.TarInfo("security.db")
        info.size = 5000
        tar.addfile(info, io.BytesIO(b"x" * 5000))
    with pytest.raises(BackupError, match="damaged"):
        restore(tmp_path / "b.tar.gz", tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "cut.tar.gz").write_bytes((tmp_path / "b.tar.gz").read_bytes()[:20])
    with pytest.raises(BackupError, match="no archive"):
        restore(tmp_path / "cut.tar.gz", tmp_path / "new")


def test_an_empty_folder_has_nothing_to_back_up(tmp_path: Path):
    with pytest.raises(BackupError, match="no database"):
        back_up(tmp_path, tmp_path / "b.tar.gz")
