"""A watched folder: which of its files were taken is remembered without their names, and no longer than it must be."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.doors import _Folder
from edge.app.outbox import Outbox
from edge.till import FolderWatch, Kept, TillReader, file_key
from tests.scenarios.desk_box import a_config

DAY_MS = 86_400_000
SALE = Path(__file__).parent / "sale.xml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "poslog"
    made.mkdir()
    return made


class Door:
    """The door of that folder on a real store; `look` twice, as a file must have come to rest."""

    def __init__(self, tmp_path: Path, outbox: Outbox) -> None:
        self.outbox = outbox
        self.now_ms = 1_800_000_000_000
        self.taken: list[int] = []
        config = a_config(tmp_path, "till: {poslog: [{folder: poslog, lane: lane-1}]}")
        self._door = _Folder(
            config.till.poslog[0], TillReader(lanes=("lane-1",)), days=30, clock_ms=lambda: self.now_ms
        )

    def look(self) -> int:
        """How many files were taken now."""
        before = len(self.taken)
        for _ in range(2):
            self._door.look(self.outbox.store, self._take)
        return len(self.taken) - before

    def _take(self, batch, *, door, also):
        assert door == "poslog"

        def act(transaction):
            also(transaction)
            return Kept(new=batch.events, duplicates=0)

        self.taken.append(len(batch.events))
        return self.outbox.submit(act)

    def kept(self) -> list[str]:
        return self.outbox.store.read(
            lambda c: [name for (name,) in c.execute("SELECT name FROM till_files ORDER BY name")]
        )


@pytest.fixture
def outbox(tmp_path: Path):
    one = Outbox(a_config(tmp_path))
    yield one
    one.close()


def test_a_file_named_by_its_receipt_leaves_no_name_behind(folder: Path, outbox: Outbox, tmp_path: Path):
    """`forget` takes a sale's facts; the list of files that were taken named the receipt for ever."""
    (folder / "R-4711.xml").write_bytes(SALE.read_bytes())
    door = Door(tmp_path, outbox)
    assert door.look() == 1
    assert door.look() == 0
    assert Door(tmp_path, outbox).look() == 0, "a restart knows it"
    [name] = door.kept()
    assert "4711" not in name
    (folder / "R-4712.xml").write_bytes(SALE.read_bytes())
    assert door.look() == 1, "the same content under another name is another file"


def test_names_that_an_earlier_version_kept_are_hidden_and_still_known(
    folder: Path, outbox: Outbox, tmp_path: Path
):
    (folder / "R-4711.xml").write_bytes(SALE.read_bytes())
    watch = FolderWatch(folder, max_bytes=10**6)
    [found] = [*watch.look(), *watch.look()]
    old = "R-4711.xml 0123456789abcdef01234567"
    outbox.submit(
        lambda t: t.connection.execute("INSERT INTO till_files VALUES (?, '1')", (f"poslog {folder} {old}",))
    ).result(30)
    door = Door(tmp_path, outbox)
    assert door.look() == 1
    assert set(door.kept()) == {f"poslog {folder} {key}" for key in (found.key, file_key(old))}


def test_a_file_that_is_gone_is_known_for_thirty_days_and_one_that_lies_there_for_as_long_as_it_does(
    folder: Path, outbox: Outbox, tmp_path: Path
):
    for name in ("gone.xml", "stays.xml"):
        (folder / name).write_bytes(SALE.read_bytes())
    door = Door(tmp_path, outbox)
    assert door.look() == 2
    (folder / "gone.xml").unlink()
    door.now_ms += 29 * DAY_MS
    door.look()
    assert len(door.kept()) == 2
    door.now_ms += 2 * DAY_MS
    assert door.look() == 0
    assert len(door.kept()) == 1
    (folder / "stays.xml").rename(tmp_path / "aside.xml")
    door.now_ms += DAY_MS
    door.look()
    assert len(door.kept()) == 1, "an empty folder may be one that is not mounted"
    (tmp_path / "aside.xml").rename(folder / "stays.xml")
    assert door.look() == 0
