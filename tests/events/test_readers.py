"""What reading costs: as many descriptors as looks go on at once, however many threads come and go."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.events import Store
from edge.events.types import EVENT_TYPES
from tests.conftest import Measured
from tests.events.facts import person

OpenStore = Callable[..., Store]
WAIT_S = 60.0


def open_in(folder: Path) -> int:
    """Descriptors of this process that lead into the folder."""
    leads_to = []
    for one in Path("/proc/self/fd").iterdir():
        try:
            leads_to.append(os.readlink(one))
        except FileNotFoundError:  # the one that lists the others
            continue
    return sum(path.startswith(f"{folder}/") for path in leads_to)


def count(store: Store) -> int:
    return int(store.read(lambda connection: connection.execute("SELECT count(*) FROM events").fetchone()[0]))


def test_threads_that_read_and_end_leave_no_descriptor_behind(
    open_store: OpenStore, tmp_path: Path, measured: Measured
) -> None:
    """Web workers live for seconds: with a connection for each, half an hour of pages cost 29 descriptors."""
    store = open_store()
    store.append([person(1)], now=True).result()
    store.read_after(0, EVENT_TYPES, limit=1)
    before = open_in(tmp_path)

    for _ in range(60):
        thread = threading.Thread(target=store.read_after, args=(0, EVENT_TYPES), kwargs={"limit": 1})
        thread.start()
        thread.join()

    after = open_in(tmp_path)
    assert after == before
    measured(
        "pages, monitors and tills ask all the time",
        f"60 threads in turn: {before} of the store's descriptors before, {after} after",
    )


def test_a_crowd_that_reads_at_once_leaves_four_connections_at_most(
    open_store: OpenStore, tmp_path: Path, measured: Measured
) -> None:
    """SQLite keeps the file's own descriptor for the next connection; the log's is closed."""
    store = open_store()
    store.append([person(1)], now=True).result()
    alone = open_in(tmp_path)
    everybody_reads = threading.Barrier(12)
    counted: list[int] = []

    def look(connection: sqlite3.Connection) -> None:
        counted.append(connection.execute("SELECT count(*) FROM events").fetchone()[0])
        everybody_reads.wait(WAIT_S)

    for _ in range(5):
        crowd = [threading.Thread(target=store.read, args=(look,)) for _ in range(12)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            thread.join()

    assert counted == [1] * 60
    after = open_in(tmp_path)
    assert after <= alone + 12 + 4
    measured(
        "pages, monitors and tills ask all the time", f"60 looks, 12 at once: {alone} before, {after} after"
    )


def test_a_look_that_fails_leaves_the_next_one_whole(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store()
    store.append([person(1), person(2)], now=True).result()
    assert count(store) == 2
    before = open_in(tmp_path)

    for _ in range(20):
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            store.read(lambda connection: connection.execute("SELECT * FROM nowhere"))
        with pytest.raises(sqlite3.OperationalError, match="no transaction"):
            store.read(_that_ends_its_own_transaction)

    assert count(store) == 2
    assert open_in(tmp_path) == before


def _that_ends_its_own_transaction(connection: sqlite3.Connection) -> None:
    connection.execute("ROLLBACK")
    connection.execute("COMMIT")


def test_a_look_that_goes_on_while_the_store_closes_ends_whole_and_leaves_nothing_open(
    open_store: OpenStore, tmp_path: Path
) -> None:
    store = open_store()
    store.append([person(1)], now=True).result()
    looking, closed = threading.Event(), threading.Event()
    counted: list[int] = []

    def look(connection: sqlite3.Connection) -> None:
        looking.set()
        assert closed.wait(WAIT_S)
        counted.append(connection.execute("SELECT count(*) FROM events").fetchone()[0])

    reader = threading.Thread(target=store.read, args=(look,))
    reader.start()
    assert looking.wait(WAIT_S)
    store.close()
    closed.set()
    reader.join()

    assert counted == [1]
    assert open_in(tmp_path) == 0
