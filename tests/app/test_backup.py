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
from tests.events.sales_facts import a_basket, a_store


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
        assert back_up(state, tmp_path / "b.tar.gz") == {tmp_path / "b.tar.gz": ["security.db", "users.json"]}
    finally:
        stop.set()
        writer.join()
        store.close()
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o077 == 0
    assert list(restore(tmp_path / "b.tar.gz", tmp_path / "new").values()) == [["security.db", "users.json"]]
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


def test_marketings_side_goes_into_a_file_of_its_own_with_its_key_and_comes_back_usable(tmp_path: Path):
    """A restored `sales.db` without its key was refused by the box: every basket of two years was out of reach."""
    state = tmp_path / "state"
    Store(state / "security.db", reserve_bytes=0).close()
    sales = a_store(state)
    sales.keep(a_basket(1)).result(30)
    sales.close()
    main(["backup", "--from", str(state), "--to", str(tmp_path / "box-1.tar.gz")])
    inside = {}
    for name in ("box-1.tar.gz", "box-1.sales.tar.gz"):
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
        with tarfile.open(tmp_path / name) as tar:
            inside[name] = tar.getnames()
    assert inside == {"box-1.tar.gz": ["security.db"], "box-1.sales.tar.gz": ["sales.db", "sales.key"]}
    again = ["backup", "--restore", "--from", str(tmp_path / "box-1.tar.gz"), "--to"]
    assert main([*again, str(tmp_path / "new")]) == 0
    assert (tmp_path / "new" / "sales.key").read_text() == (state / "sales.key").read_text()
    a_store(tmp_path / "new").close()  # raises where key and file do not belong together
    (tmp_path / "box-1.sales.tar.gz").rename(tmp_path / "marketing.tar.gz")
    assert main([*again, str(tmp_path / "apart")]) == 0
    assert restore(tmp_path / "marketing.tar.gz", tmp_path / "apart") == {
        tmp_path / "marketing.tar.gz": ["sales.db", "sales.key"]
    }
    a_store(tmp_path / "apart").close()


def test_users_that_are_there_already_are_not_overwritten(tmp_path: Path):
    state, new = tmp_path / "state", tmp_path / "new"
    Store(state / "security.db", reserve_bytes=0).close()
    (state / "users.json").write_text("{}")
    back_up(state, tmp_path / "b.tar.gz")
    new.mkdir()
    (new / "users.json").write_text("mine")
    with pytest.raises(BackupError, match=r"users\.json already"):
        restore(tmp_path / "b.tar.gz", new)
    assert [(file.name, file.read_text()) for file in new.iterdir()] == [("users.json", "mine")]


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
