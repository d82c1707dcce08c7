"""The promise table of `design.md`: killed, disk full, file damaged, upgrade taken back."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.events import FullReason, Store, StoreBroken, StoreFull
from edge.events.types import EVENT_TYPES
from tests.conftest import Measured
from tests.events.facts import person
from tests.events.patience import until

CHECKOUT = Path(__file__).resolve().parents[2]
TYPES = frozenset(EVENT_TYPES)
OpenStore = Callable[..., Store]


def number_of(body: dict[str, object]) -> int:
    return int(str(body["subject"]).removeprefix("cam-1-"))


def test_killed_while_writing_nothing_acknowledged_is_lost(tmp_path: Path, measured: Measured) -> None:
    """SIGKILL four times at odd moments; each next process goes on in the same state folder."""
    chance = random.Random(10)
    lines = tmp_path / "events.jsonl"
    acknowledged: dict[int, int] = {}
    for life in range(4):
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.events.writing_child", tmp_path, lines, str(life * 1_000_000)],
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        for _ in range(chance.randrange(5, 60)):
            acknowledged |= told(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        for line in child.stdout.read().splitlines():
            acknowledged |= told(line)
        child.wait()

    store = Store(tmp_path / "security.db", reserve_bytes=0)
    kept = [json.loads(event.body) for event in store.read_after(0, TYPES, limit=100_000)]
    position = store.attach("file", TYPES).position
    delivered_by_cursor = len(kept) - len(store.read_after(position, TYPES, limit=100_000))
    store.close()

    stored = {number_of(body): int(body["sequence"]) for body in kept}
    assert acknowledged.items() <= stored.items()
    assert len(stored) == len(kept), "a fact stands twice"
    for lane in ("lane-1", "lane-2"):
        sequences = [int(body["sequence"]) for body in kept if body["data"]["lane"] == lane]
        assert sequences == list(range(1, len(sequences) + 1))
    # What the cursor says was delivered stands in the file, in order and without repeats.
    written = [
        json.loads(line) for line in lines.read_text().splitlines(keepends=True) if line.endswith("\n")
    ]
    assert written == kept[: len(written)]
    assert len(written) >= delivered_by_cursor > 0
    lost = len(acknowledged.items() - stored.items())
    measured(
        "process killed while it writes",
        f"4 kills: {lost} of {len(acknowledged)} acknowledged events lost, {len(kept) - len(stored)} stored twice, "
        "no gap in the sequences",
    )


def told(line: str) -> dict[int, int]:
    """What one line of the child acknowledges; a line that the kill has torn says nothing."""
    if not line.endswith("\n"):
        return {}
    return {int(number): int(sequence) for number, sequence in (word.split(":") for word in line.split())}


def fill(folder: Path, *, leave: int) -> Path:
    """Take all room but `leave` bytes."""
    filler = folder / "filler"
    room = os.statvfs(folder)
    size = room.f_bavail * room.f_frsize - leave
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return filler


def test_a_filling_disk_refuses_intake_before_it_is_full_and_recovers_by_itself(small_disk: Path) -> None:
    store = Store(small_disk / "security.db", group_s=0.001, reserve_bytes=2 << 20)
    store.attach("mqtt", TYPES)
    store.append([person(n) for n in range(100)], now=True).result()
    filler = fill(small_disk, leave=1 << 20)

    with pytest.raises(StoreFull, match=r"disk_full: .*free some space there") as refused:
        store.append([person(100)])

    assert refused.value.reason is FullReason.DISK
    assert store.stats().full is FullReason.DISK
    assert len(store.read_after(0, TYPES, limit=1000)) == 100, "the page and the sinks go on"
    store.move_cursor("mqtt", 50)
    filler.unlink()
    assert store.stats().full is None
    store.append([person(100)], now=True).result()
    store.close()
    store = Store(small_disk / "security.db", reserve_bytes=0)
    assert store.attach("mqtt", TYPES).pending == 51
    store.close()


def test_a_disk_that_fills_to_the_last_byte_loses_nothing_acknowledged(small_disk: Path) -> None:
    """Without any reserve: SQLite itself runs into the wall, and every sender is told."""
    store = Store(small_disk / "security.db", group_s=0.001, reserve_bytes=0, checkpoint_s=0.05)
    acknowledged: list[int] = []
    refused: list[StoreFull] = []
    filler = fill(small_disk, leave=300_000)
    for number in range(2_000):
        try:
            store.append([person(number)], now=True).result()
        except StoreFull as full:
            refused.append(full)
            assert store.stats().full is FullReason.DISK
            if len(refused) == 20:
                filler.unlink()
        else:
            acknowledged.append(number)
            if refused and len(acknowledged) > len(refused) + 500:
                break

    assert store.stats().full is None
    assert {full.reason for full in refused} == {FullReason.DISK}
    assert len(refused) < 100, "with room again, intake went on by itself"
    stored = [number_of(json.loads(event.body)) for event in store.read_after(0, TYPES, limit=10_000)]
    assert stored == acknowledged
    store.close()


def test_retention_makes_room_on_a_full_disk(small_disk: Path) -> None:
    """A month of events, then somebody else fills the disk: what retention frees counts as room."""
    path = small_disk / "security.db"
    store = Store(path, group_s=0.001, reserve_bytes=2 << 20)
    for start in range(0, 3_000, 100):
        store.append([person(n) for n in range(start, start + 100)], now=True).result()
    store.close()
    fill(small_disk, leave=1 << 20)
    store = Store(path, reserve_bytes=2 << 20, checkpoint_s=0.05, clock_ms=lambda: 4_000_000_000_000)
    with pytest.raises(StoreFull):
        store.append([person(-1)])

    before = store.stats().db_bytes
    assert store.purge(retention_s=3600) == 3_000

    until(lambda: store.stats().full is None)
    until(lambda: store.stats().db_bytes < before // 2)
    assert store.append([person(-1)], now=True).result().sequences == (3_001,)
    store.close()


@pytest.mark.parametrize("damage", ["no database", "a torn page", "cut short"])
def test_a_damaged_file_is_set_aside_and_work_goes_on(
    open_store: OpenStore, tmp_path: Path, damage: str, measured: Measured
) -> None:
    store = open_store()
    store.append([person(n) for n in range(200)]).result()
    store.close()
    path = tmp_path / "state" / "security.db"
    content = bytearray(path.read_bytes())
    if damage == "no database":
        content[:4096] = b"\x00\xff" * 2048
    elif damage == "a torn page":
        content[4096:] = os.urandom(len(content) - 4096)
    else:
        del content[len(content) // 2 + 100 :]
    path.write_bytes(content)

    store = open_store()

    report = store.opened.set_aside
    assert report is not None
    assert report.path.read_bytes() == content
    assert report.reason
    later = store.append([person(1000)]).result()
    assert later.sequences[0] > 200, "numbers of the source rise on, above all that were lost"
    measured(
        "store damaged, found at start",
        f"{damage}: {report.path.stat().st_size} of {len(content)} bytes kept aside, next event stored",
    )


def test_after_a_kill_damage_deep_in_the_file_is_found_too(
    open_store: OpenStore, tmp_path: Path, measured: Measured
) -> None:
    """A power cut tore a page that nobody would look at for days; the state was not closed, so all is checked."""
    store = open_store()
    for start in range(0, 1_000, 100):
        store.append([person(n) for n in range(start, start + 100)], now=True).result()
    folder = tmp_path / "after the power cut"
    shutil.copytree(tmp_path / "state", folder)
    newest = b'"cam-1-999"'
    assert newest in (folder / "security.db-wal").read_bytes()
    with (folder / "security.db").open("r+b") as file:
        file.seek(4096 * 60)
        file.write(os.urandom(4096))

    found = Store(folder / "security.db", reserve_bytes=0)
    report = found.opened.set_aside
    found.close()

    assert report is not None
    assert report.path.stat().st_size > 4096 * 61
    assert any(newest in file.read_bytes() for file in folder.glob("security.db.damaged-*"))
    pages = report.path.stat().st_size // 4096
    measured(
        "store damaged, found at start",
        f"1 of {pages} pages torn by a power cut: found, the WAL's events kept",
    )


def test_damage_under_a_running_store_breaks_it_once_and_the_next_start_recovers(
    open_store: OpenStore, tmp_path: Path, measured: Measured
) -> None:
    store = open_store(checkpoint_s=0.02)
    written = 500
    store.append([person(n) for n in range(500)]).result()
    until(lambda: store.stats().wal_bytes == 0)
    path = tmp_path / "state" / "security.db"
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))

    def write_until_noticed() -> None:
        nonlocal written
        for number in range(500, 3_000):
            store.append([person(number)], now=True).result()
            written = number
            store.submit(lambda t: t.connection.execute("PRAGMA shrink_memory"), now=True).result()

    with pytest.raises(StoreBroken, match="restart, the damaged file is then set aside"):
        write_until_noticed()
    with pytest.raises(StoreBroken):
        store.append([person(1)])
    assert store.stats().broken
    store.close()

    assert open_store().opened.set_aside is not None
    measured(
        "store damaged under way", f"noticed at event {written - 499} after it, set aside by the next opening"
    )


def test_a_folder_that_cannot_be_made_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")

    with pytest.raises(OSError, match="state"):
        Store(tmp_path / "state" / "security.db")


def test_the_file_says_which_process_left_it_in_order(open_store: OpenStore, tmp_path: Path) -> None:
    """Closed in order there is no WAL, and a reader needs no right to write."""
    store = open_store()
    store.append([person(1)]).result()
    store.close()

    with sqlite3.connect(f"file:{tmp_path}/state/security.db?immutable=1", uri=True) as reader:
        assert reader.execute("PRAGMA quick_check").fetchone() == ("ok",)
        assert reader.execute("SELECT count(*) FROM events").fetchone() == (1,)
