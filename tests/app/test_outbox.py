"""The store under a running box: refused, damaged, and there again; in order, and nothing lost."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge.app.outbox import Outbox
from edge.config import Camera, Config, FileSink, Lane, State
from edge.events import CloudEvent, StoreError, StoreFull, StoreInUse, camera_status_event
from tests.conftest import Measured
from tests.scenarios.box import until

NOW_NS = 1_770_000_000_000_000_000


def config(folder: Path, *, min_free_mb: int = 1) -> Config:
    return Config(
        cameras=(Camera(name="cam-1", source="demo"),),
        lanes=(Lane(name="lane-1", camera="cam-1"),),
        state=State(dir=folder / "state", min_free_mb=min_free_mb),
        sinks=(FileSink(kind="file", name="lines", purpose="security", path=folder / "out.jsonl"),),
    )


def event(number: int) -> CloudEvent:
    at_ns = NOW_NS + number * 1_000_000_000
    return camera_status_event(
        store="store-1",
        box="box-1",
        lane="lane-1",
        camera="cam-1",
        state="up",
        reason="ok",
        since_ns=at_ns,
        at_ns=at_ns,
    )


def told(folder: Path) -> list[str]:
    file = folder / "out.jsonl"
    return [json.loads(line)["time"] for line in file.read_text().splitlines()] if file.exists() else []


def times(numbers: range) -> list[str]:
    return [json.loads(event(number).numbered(1).to_json())["time"] for number in numbers]


@pytest.fixture
def no_room(tmp_path: Path) -> Iterator[Outbox]:
    """More must stay free than any disk has."""
    made = Outbox(config(tmp_path, min_free_mb=1_000_000))
    made.start()
    yield made
    made.close()


def test_what_is_refused_waits_in_order_and_is_counted_as_such(no_room: Outbox) -> None:
    for number in range(5):
        no_room.append(event(number))
        no_room.tick()
    assert no_room.waiting == 5
    assert not no_room.stats().accepting
    assert no_room.notes == ("5 events wait in memory for the store",)
    assert no_room.dropped == {}


def test_beyond_a_bound_the_oldest_are_dropped_and_counted(no_room: Outbox, measured: Measured) -> None:
    for number in range(1010):
        no_room.append(event(number))
    assert no_room.waiting == 1000
    assert no_room.dropped == {"store_full": 10}
    measured(
        "disk full while it runs",
        f"1010 events at once: {no_room.waiting} wait in memory, {no_room.dropped['store_full']} dropped and counted",
    )


def test_who_submits_while_there_is_no_room_is_told_to_come_again(no_room: Outbox) -> None:
    with pytest.raises(StoreFull):
        no_room.submit(lambda transaction: transaction.last_position()).result()


def test_a_store_that_breaks_under_way_is_set_aside_and_events_go_on_in_order(
    tmp_path: Path, measured: Measured
) -> None:
    outbox = Outbox(config(tmp_path))
    outbox.start()
    try:
        for number in range(3):
            outbox.append(event(number))
        until(lambda: len(told(tmp_path)) == 3, what="the first three are delivered")
        assert outbox.store is not None
        broken = outbox.submit(damage)
        with pytest.raises(StoreError):
            broken.result()
        broke_s = time.monotonic()
        for number in range(3, 6):
            outbox.append(event(number))
        outbox.tick()
        until(lambda: len(told(tmp_path)) == 6, what="the next three are delivered out of a new store")
        went_on_s = time.monotonic() - broke_s
        assert told(tmp_path) == times(range(6))
        assert outbox.stats().accepting
        assert any("set aside" in note for note in outbox.notes)
        assert list((tmp_path / "state").glob("security.db.damaged-*"))
        measured(
            "store damaged under way",
            f"set aside and told; {len(told(tmp_path))} of 6 events delivered in order, the last "
            f"{went_on_s:.1f} s after",
        )
    finally:
        outbox.close()


def damage(transaction: object) -> None:
    """As SQLite tells it when it meets a page that makes no sense; the file gets one too."""
    path = transaction.connection.execute("PRAGMA database_list").fetchone()[2]  # type: ignore[attr-defined]
    for file in (path, path + "-wal"):
        Path(file).write_bytes(b"not a database any more" * 400)
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    raise error


def test_a_folder_that_another_process_owns_refuses_to_start(tmp_path: Path) -> None:
    first = Outbox(config(tmp_path))
    try:
        with pytest.raises(StoreInUse, match="another process"):
            Outbox(config(tmp_path))
    finally:
        first.close()


def test_a_store_that_is_larger_than_allowed_gives_up_its_oldest_delivered_events(tmp_path: Path) -> None:
    """Fifty megabytes are the least that may be allowed: a bound of nothing stands in for a store of years."""
    small = config(tmp_path)
    outbox = Outbox(replace(small, state=replace(small.state, max_mb=0)))
    outbox.start()
    try:
        for number in range(5):
            outbox.append(event(number))
        until(lambda: len(told(tmp_path)) == 5, what="all are delivered")
        outbox.purge()  # must end, although events of today are kept whatever the size
        assert outbox.store is not None
        assert outbox.store.read(count) == 5
    finally:
        outbox.close()


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])
