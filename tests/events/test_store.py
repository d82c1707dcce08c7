"""What was acknowledged is on disk, in order, once; nothing grows without a bound."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.events import Database, FullReason, Store, StoreClosed, StoreFull, StoreInUse, Transaction
from edge.events.store import kept_here
from edge.events.types import EVENT_TYPES
from tests.events.facts import TEN_O_CLOCK_NS, person
from tests.events.patience import until

OpenStore = Callable[..., Store]
TYPES = frozenset(EVENT_TYPES)
TEN_O_CLOCK_MS = TEN_O_CLOCK_NS // 1_000_000
DAY_MS = 86_400_000


def people_in(store: Store, *, after: int = 0) -> list[tuple[str, int]]:
    """Who stands in the store, in order, with the sequence within the lane."""
    bodies = [json.loads(event.body) for event in store.read_after(after, TYPES, limit=10_000)]
    return [(body["subject"], int(body["sequence"])) for body in bodies]


def test_events_stand_in_the_order_of_commits_and_are_numbered_by_lane(open_store: OpenStore) -> None:
    store = open_store()

    store.append([person(1), person(2)])
    store.append([person(1, lane="lane-2")])
    appended = store.append([person(3)], now=True).result()

    assert people_in(store) == [("cam-1-1", 1), ("cam-1-2", 2), ("cam-1-1", 1), ("cam-1-3", 3)]
    assert (appended.sequences, appended.duplicates) == ((3,), 0)


def test_an_answer_means_that_another_process_could_read_it(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(group_s=3600)
    slow = store.append([person(1)])
    assert people_in(store) == []

    store.append([person(2)], now=True).result()

    assert slow.done()
    with sqlite3.connect(tmp_path / "state" / "security.db") as other:
        assert other.execute("SELECT count(*) FROM events").fetchone() == (2,)


def test_events_that_come_together_share_one_commit(open_store: OpenStore) -> None:
    store = open_store(group_s=0.2)
    before = store.stats().commits

    wait([store.append([person(n)]) for n in range(50)])

    assert len(people_in(store)) == 50
    assert store.stats().commits == before + 1


def test_the_same_fact_again_is_passed_over_and_takes_no_number(open_store: OpenStore) -> None:
    store = open_store()
    store.append([person(1), person(1)]).result()

    again = store.append([person(1), person(2)]).result()

    assert (again.sequences, again.duplicates) == ((2,), 1)
    assert people_in(store) == [("cam-1-1", 1), ("cam-1-2", 2)]


def test_numbers_and_positions_go_on_after_a_restart_and_after_everything_was_purged(
    open_store: OpenStore,
) -> None:
    store = open_store()
    store.append([person(1), person(2)]).result()
    position = store.read_after(0, TYPES, limit=10)[-1].position
    store.close()

    store = open_store(clock_ms=lambda: TEN_O_CLOCK_MS * 2)
    assert store.purge(retention_s=60) == 2
    store.close()
    store = open_store()
    store.append([person(3)]).result()

    assert people_in(store) == [("cam-1-3", 3)]
    assert store.read_after(position, TYPES, limit=10)[0].position == position + 1


def test_an_event_of_another_box_keeps_its_number(open_store: OpenStore) -> None:
    store = open_store()

    store.append([person(1).numbered(4711), person(2)]).result()

    assert people_in(store) == [("cam-1-1", 4711), ("cam-1-2", 1)]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(
        st.tuples(
            st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["a", "b"])), max_size=4), st.booleans()
        ),
        max_size=8,
    )
)
def test_however_events_stutter_each_stands_once_at_its_first_place(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[list[tuple[int, str]], bool]]
) -> None:
    """Repeats, reopenings and groups: the order of first arrival, sequences 1, 2, 3 … in each lane."""
    path = tmp_path_factory.mktemp("stutter") / "security.db"
    expected: list[tuple[int, str]] = []
    store = Store(path, group_s=0.001, reserve_bytes=0)
    for batch, reopen in batches:
        store.append([person(number, lane=lane) for number, lane in batch])
        expected += [
            one for place, one in enumerate(batch) if one not in expected and one not in batch[:place]
        ]
        if reopen:
            store.close()
            store = Store(path, group_s=0.001, reserve_bytes=0)
    store.append([], now=True).result()
    found = [json.loads(event.body) for event in store.read_after(0, TYPES, limit=1000)]
    store.close()

    assert [(int(body["subject"][6:]), body["data"]["lane"]) for body in found] == expected
    for lane in ("a", "b"):
        sequences = [int(body["sequence"]) for body in found if body["data"]["lane"] == lane]
        assert sequences == list(range(1, len(sequences) + 1))


def test_work_of_a_room_and_its_events_stand_or_fall_together(open_store: OpenStore) -> None:
    store = open_store(group_s=0.2)

    def close_receipt(transaction: Transaction) -> str:
        transaction.append([person(2)])
        transaction.set_mark("receipts closed", 1)
        return "closed"

    def stumble(transaction: Transaction) -> None:
        transaction.append([person(3)])
        transaction.set_mark("receipts closed", 99)
        raise ZeroDivisionError("a fault in a rule")

    before = store.append([person(1)])
    good, bad = store.submit(close_receipt), store.submit(stumble)
    after = store.append([person(4)])

    assert good.result() == "closed"
    with pytest.raises(ZeroDivisionError, match="a fault in a rule"):
        bad.result()
    assert (before.result().sequences, after.result().sequences) == ((1,), (3,))
    assert people_in(store) == [("cam-1-1", 1), ("cam-1-2", 2), ("cam-1-4", 3)]
    assert store.submit(lambda transaction: transaction.mark("receipts closed")).result() == 1


def test_a_full_queue_refuses_and_keeps_what_it_has(open_store: OpenStore) -> None:
    store = open_store(max_queued=3)
    held, go_on = threading.Event(), threading.Event()
    store.submit(lambda _: (held.set(), go_on.wait(30)), now=True)
    held.wait(30)

    kept = store.append([person(1), person(2)])
    with pytest.raises(StoreFull, match="events wait for the disk") as refused:
        store.append([person(3), person(4)])
    go_on.set()

    assert refused.value.reason is FullReason.QUEUE
    assert kept.result().sequences == (1, 2)
    assert people_in(store) == [("cam-1-1", 1), ("cam-1-2", 2)]
    assert store.stats().refused == 1
    assert store.append([person(3)]).result().sequences == (3,)


def test_cursors_outlive_the_process_and_sinks_do_not_share_them(open_store: OpenStore) -> None:
    store = open_store()
    store.append([person(n) for n in range(4)]).result()
    assert [store.attach(sink, TYPES).position for sink in ("file", "mqtt")] == [0, 0]

    store.move_cursor("file", 3)
    store.close()
    store = open_store()

    file, mqtt = (store.attach(sink, TYPES) for sink in ("file", "mqtt"))
    assert (file.position, file.pending, mqtt.position, mqtt.pending) == (3, 1, 0, 4)


def test_a_late_sink_may_begin_with_what_comes_next(open_store: OpenStore) -> None:
    store = open_store()
    store.append([person(1)]).result()
    late = store.attach("telegram", TYPES, from_start=False)
    store.append([person(2)]).result()
    store.close()
    store = open_store()

    assert late.pending == 0
    assert store.attach("telegram", TYPES, from_start=False).pending == 1


def test_retention_takes_what_is_old_and_delivered_and_nothing_else(open_store: OpenStore) -> None:
    now_ms = [TEN_O_CLOCK_MS]
    store = open_store(clock_ms=lambda: now_ms[0])
    store.append([person(1), person(2)]).result()
    now_ms[0] += 20 * DAY_MS
    store.append([person(3)]).result()
    store.close()

    now_ms[0] += 20 * DAY_MS
    store = open_store(clock_ms=lambda: now_ms[0])
    store.attach("mqtt", TYPES)
    assert store.purge(retention_s=30 * 86_400) == 0
    store.move_cursor("mqtt", 1)
    assert store.purge(retention_s=30 * 86_400) == 1
    store.move_cursor("mqtt", 3)
    assert store.purge(retention_s=30 * 86_400) == 1

    assert people_in(store) == [("cam-1-3", 3)]


def test_a_clock_that_jumps_changes_no_order_and_deletes_nothing_fresh(open_store: OpenStore) -> None:
    """A box starts in 1970, finds 2090 for a moment and then the right day."""
    now_ms = [5_000]
    store = open_store(clock_ms=lambda: now_ms[0])
    for number, clock in enumerate([5_000, 120 * 365 * DAY_MS, TEN_O_CLOCK_MS]):
        now_ms[0] = clock
        store.append([person(number)]).result()
        assert store.purge(retention_s=3600) == 0

    assert people_in(store) == [("cam-1-0", 1), ("cam-1-1", 2), ("cam-1-2", 3)]
    stamps = [event.recorded_ms for event in store.read_after(0, TYPES, limit=10)]
    assert stamps == [5_000, TEN_O_CLOCK_MS, TEN_O_CLOCK_MS], "the one from 2090 would have stayed for ever"


def test_the_wal_stays_small_however_much_is_written(open_store: OpenStore) -> None:
    store = open_store(checkpoint_s=0.05)
    largest = 0
    for start in range(0, 6_000, 200):
        store.append([person(n) for n in range(start, start + 200)], now=True).result()
        largest = max(largest, store.stats().wal_bytes)

    assert largest < 2_500_000
    until(lambda: store.stats().wal_bytes == 0)


def test_a_customer_costs_the_flash_four_pages_at_most(open_store: OpenStore) -> None:
    """One commit a customer, two sinks following: the budget in `measure_store` rests on this."""
    store = open_store()
    for sink in ("file", "mqtt"):
        store.attach(sink, TYPES)
    until(lambda: store.stats().queued == 0)
    before = store.stats().wal_bytes
    for number in range(50):
        store.append([person(number)], now=True).result()
        for sink in ("file", "mqtt"):
            store.move_cursor(sink, number + 1)

    assert 0 < (store.stats().wal_bytes - before) / 50 <= 4 * 4120


def test_a_reader_that_never_ends_is_reported_and_the_wal_shrinks_when_it_does(
    open_store: OpenStore, tmp_path: Path
) -> None:
    """Somebody leaves a query open over lunch (`field.md` 2.25)."""
    store = open_store(checkpoint_s=0.05)
    store.append([person(0)]).result()
    reader = sqlite3.connect(tmp_path / "state" / "security.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM events").fetchone()

    for start in range(0, 3_000, 200):
        store.append([person(n) for n in range(start, start + 200)], now=True).result()
    until(lambda: store.stats().wal_pinned)
    grown = store.stats().wal_bytes
    reader.close()
    until(lambda: not store.stats().wal_pinned)

    assert grown > 2_000_000
    assert store.stats().wal_bytes == 0
    assert len(people_in(store)) == 3_000


def test_our_own_reader_is_cut_off(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db", migrations=(), reserve_bytes=0, read_limit_s=0.05)
    forever = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"

    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        database.read(lambda connection: connection.execute(forever).fetchone())

    assert database.read(lambda connection: connection.execute("SELECT 7").fetchone()) == (7,)
    database.close()


def test_readers_cannot_write(open_store: OpenStore) -> None:
    store = open_store()

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store.read(lambda connection: connection.execute("DELETE FROM marks"))


def test_a_second_daemon_is_turned_away(open_store: OpenStore) -> None:
    store = open_store()
    with pytest.raises(StoreInUse, match="in use by another process"):
        open_store()
    store.close()

    open_store().append([person(1)]).result()


def test_closing_keeps_what_waits_and_then_takes_no_more(open_store: OpenStore, tmp_path: Path) -> None:
    store = open_store(group_s=3600)
    waiting = store.append([person(1)])
    store.close()
    store.close()

    assert waiting.result().sequences == (1,)
    with pytest.raises(StoreClosed):
        store.append([person(2)])
    with pytest.raises(StoreClosed):
        store.read_after(0, TYPES, limit=1)
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["security.db", "security.db.lock"]


def test_nobody_else_may_read_the_state(open_store: OpenStore, tmp_path: Path) -> None:
    open_store().append([person(1)]).result()

    for path in (tmp_path / "state", *(tmp_path / "state").iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


def test_what_is_for_the_pages_alone_reaches_no_sink_and_is_known_by_its_id(
    open_store: Callable[..., Store],
) -> None:
    store = open_store()
    theirs = person(1).numbered(77)
    for new in (1, 0):
        kept = store.submit(
            lambda transaction: transaction.append([theirs], only_here=True), now=True
        ).result()
        assert len(kept.sequences) == new
    store.append([person(2)], now=True).result()

    assert [one.position for one in store.read_after(0, EVENT_TYPES, limit=10)] == [2]
    [here] = store.read_after(0, [kept_here(theirs.type)], limit=10)
    assert '"sequence":"000000000077"' in here.body
