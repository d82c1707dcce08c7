"""A sink that is away gets everything when it is back, in order, and never what is not for it."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.events import (
    CloudEvent,
    Courier,
    FileSink,
    Purpose,
    SinkDown,
    Store,
    StoredEvent,
    allowed_types,
    build_event,
    camera_status_event,
)
from edge.events.backoff import Backoff
from edge.events.types import ALERT_RAISED, EVENT_TYPES, OFFER_SUGGESTED
from tests.conftest import Measured
from tests.events.facts import TEN_O_CLOCK_NS, person
from tests.events.patience import until

OpenStore = Callable[..., Store]


class BrokerThatIsAList:
    """A sink like any other: keeps what it takes; `mood` says how many it takes next, or that it is away."""

    def __init__(self, mood: Callable[[int], int] = lambda offered: offered) -> None:
        self.taken: list[dict[str, object]] = []
        self.mood = mood
        self.closed = False

    def deliver(self, batch: Sequence[StoredEvent]) -> int:
        number = self.mood(len(batch))
        self.taken += [json.loads(event.body) for event in batch[:number]]
        return number

    def close(self) -> None:
        self.closed = True

    @property
    def subjects(self) -> list[object]:
        return [body["subject"] for body in self.taken]


def away(_offered: int) -> int:
    raise SinkDown("broker example:1883: connection refused")


def courier(store: Store, sink: BrokerThatIsAList | FileSink, **settings_: object) -> Courier:
    return Courier(
        store,
        sink,
        **{  # type: ignore[arg-type]
            "name": "here",
            "purpose": "security",
            "first_retry_s": 0.002,
            "longest_retry_s": 0.01,
            "chance": random.Random(1),
            **settings_,
        },
    )


def everything() -> list[CloudEvent]:
    """One event of every type."""
    events = [person(1)]
    events.append(
        camera_status_event(
            store="store-1",
            box="box-1",
            lane="lane-1",
            camera="cam-1",
            state="down",
            reason="black",
            since_ns=TEN_O_CLOCK_NS,
        )
    )
    for kind in EVENT_TYPES.values():
        if kind.name not in {event.type for event in events}:
            events.append(
                build_event(
                    kind,
                    store="store-1",
                    box="box-1",
                    lane="lane-1",
                    subject=kind.word,
                    at_ns=TEN_O_CLOCK_NS,
                    data=dict.fromkeys(kind.fields[1:]),
                )
            )
    return events


def test_what_was_there_before_and_what_comes_after_arrives_in_order(open_store: OpenStore) -> None:
    store, sink = open_store(), BrokerThatIsAList()
    store.append([person(n) for n in range(250)]).result()
    carrying = courier(store, sink)
    carrying.start()
    for number in range(250, 300):
        store.append([person(number)])

    until(lambda: len(sink.taken) == 300)

    assert sink.subjects == [f"cam-1-{n}" for n in range(300)]
    until(lambda: carrying.stats().delivered == 300)
    stats = carrying.stats()
    assert (stats.pending, stats.oldest_pending_ms, stats.failures, stats.last_error) == (0, None, 0, None)
    carrying.stop()
    assert sink.closed


def test_a_sink_that_is_away_finds_everything_when_it_is_back(
    open_store: OpenStore, measured: Measured
) -> None:
    now_ms = [1_000]
    store, sink = open_store(clock_ms=lambda: now_ms[0]), BrokerThatIsAList(away)
    other = BrokerThatIsAList()
    carrying, beside = courier(store, sink), courier(store, other, name="other")
    carrying.start()
    beside.start()
    for number in range(3):
        now_ms[0] = 1_000 + number
        store.append([person(number)]).result()

    until(lambda: carrying.stats().failures > 3)
    stats = carrying.stats()
    assert (stats.delivered, stats.pending, stats.oldest_pending_ms) == (0, 3, 1_000)
    assert stats.last_error == "broker example:1883: connection refused"
    until(lambda: len(other.taken) == 3)

    sink.mood = lambda offered: offered
    back_s = time.monotonic()
    until(lambda: carrying.stats().delivered == 3)
    took_s = time.monotonic() - back_s
    assert sink.subjects == ["cam-1-0", "cam-1-1", "cam-1-2"]
    assert carrying.stats().last_error is None
    measured(
        "sink away",
        f"meanwhile another sink had {len(other.taken)} of 3; then all 3 in order after {took_s:.2f} s",
    )
    carrying.stop()
    beside.stop()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moods=st.lists(st.integers(-2, 7), max_size=12), lives=st.integers(1, 3), batch=st.integers(1, 7))
def test_however_a_sink_takes_them_order_is_kept_and_nothing_is_lost_or_repeated(
    tmp_path_factory: pytest.TempPathFactory, moods: list[int], lives: int, batch: int
) -> None:
    """Takes all, some, none, stumbles with a fault of its own; the daemon is restarted in order between."""
    path = tmp_path_factory.mktemp("moods") / "security.db"
    coming = iter(moods)

    def mood(offered: int) -> int:
        number = next(coming, offered)
        if number == -1:
            raise SinkDown("away")
        if number == -2:
            raise ZeroDivisionError
        return min(number, offered)

    sink = BrokerThatIsAList(mood)
    for life in range(lives):
        store = Store(path, group_s=0.001, reserve_bytes=0)
        carrying = courier(store, sink, batch=batch)
        carrying.start()
        store.append([person(life * 10 + n) for n in range(10)])
        if life == lives - 1:
            until(lambda: len(sink.taken) >= lives * 10)
        carrying.stop()
        store.close()

    assert sink.subjects == [f"cam-1-{n}" for n in range(lives * 10)]


@pytest.mark.parametrize("purpose", list(Purpose))
def test_no_sink_gets_a_type_outside_its_purpose(open_store: OpenStore, purpose: Purpose) -> None:
    store, sink = open_store(), BrokerThatIsAList()
    carrying = courier(store, sink, purpose=purpose.value)
    carrying.start()
    store.append(everything(), now=True).result()

    allowed = [name for name, kind in EVENT_TYPES.items() if purpose in kind.purposes]
    until(lambda: len(sink.taken) == len(allowed))
    until(lambda: carrying.stats().pending == 0)
    carrying.stop()

    assert sorted(str(body["type"]) for body in sink.taken) == sorted(allowed)


def test_a_sink_may_ask_for_less_and_never_for_more() -> None:
    assert allowed_types("security", [ALERT_RAISED.name]) == {ALERT_RAISED.name}
    with pytest.raises(
        ValueError, match=r"for marketing does not get checkout\.alert.*allowed are checkout\.offer"
    ):
        allowed_types("marketing", [ALERT_RAISED.name, OFFER_SUGGESTED.name])
    with pytest.raises(ValueError, match=r"does not get checkout\.guess\.v1"):
        allowed_types("security", ["checkout.guess.v1"])
    with pytest.raises(ValueError, match="one of security, marketing, operations"):
        allowed_types("curiosity")


@pytest.mark.parametrize("allowed", [False, True])
def test_a_cashier_is_named_only_where_the_sink_may_know(open_store: OpenStore, allowed: bool) -> None:
    store, sink = open_store(), BrokerThatIsAList()
    data = {**dict.fromkeys(ALERT_RAISED.fields[1:]), "items": ["пиво"], "cashier": "c-7"}
    alert = build_event(
        ALERT_RAISED, store="s", box="b", lane="l", subject="a-1", at_ns=TEN_O_CLOCK_NS, data=data
    )
    carrying = courier(store, sink, cashier=allowed)
    carrying.start()
    store.append([alert], now=True)
    until(lambda: bool(sink.taken))
    carrying.stop()

    expected = json.loads(alert.numbered(1).to_json())
    if not allowed:
        del expected["data"]["cashier"]
    assert sink.taken == [expected]


def test_stopping_does_not_wait_for_a_sink_that_hangs(open_store: OpenStore) -> None:
    store = open_store()
    hanging, let_go = threading.Event(), threading.Event()

    class Hanging(BrokerThatIsAList):
        def deliver(self, batch: Sequence[StoredEvent]) -> int:  # noqa: ARG002
            hanging.set()
            let_go.wait(30)
            raise SinkDown("closed")

        def close(self) -> None:
            let_go.set()

    carrying = courier(store, Hanging())
    carrying.start()
    store.append([person(1)], now=True).result()
    hanging.wait(30)
    carrying.stop(grace_s=0.05)

    assert store.attach("here", EVENT_TYPES).pending == 1


def test_pauses_grow_to_a_cap_and_boxes_do_not_knock_together() -> None:
    boxes = [Backoff(first_s=0.5, cap_s=60, chance=random.Random(seed)) for seed in range(50)]

    waits = [[box.next_wait_s() for _ in range(2_000)] for box in boxes]

    for box in waits:
        for place, wait_s in enumerate(box):
            full_s = min(60, 0.5 * 2 ** min(place, 10))
            assert full_s / 2 <= wait_s <= full_s
    assert len({box[0] for box in waits}) == 50
    boxes[0].reset()
    assert boxes[0].next_wait_s() <= 0.5


def test_a_file_sink_waits_for_its_folder_and_then_writes_everything(
    open_store: OpenStore, tmp_path: Path, measured: Measured
) -> None:
    path = tmp_path / "mounted later" / "events.jsonl"
    store = open_store()
    carrying = courier(store, FileSink(path))
    carrying.start()
    store.append([person(n) for n in range(5)]).result()
    until(lambda: carrying.stats().failures > 2)
    assert "No such file or directory" in (carrying.stats().last_error or "")

    path.parent.mkdir()
    mounted_s = time.monotonic()
    until(lambda: carrying.stats().delivered == 5)
    took_s = time.monotonic() - mounted_s
    carrying.stop()

    bodies = [event.body for event in store.read_after(0, EVENT_TYPES, limit=10)]
    lines = path.read_text().splitlines()
    assert lines == bodies
    measured(
        "sink away",
        f"a file's folder that is missing: {len(lines)} of {len(bodies)} there after {took_s:.2f} s",
    )


def test_a_file_has_no_repeats_when_a_crash_took_the_cursor_back(
    open_store: OpenStore, tmp_path: Path
) -> None:
    path = tmp_path / "events.jsonl"
    store = open_store()
    store.append([person(n) for n in range(6)]).result()
    events = store.read_after(0, EVENT_TYPES, limit=10)
    before = FileSink(path)
    before.deliver(events[:4])
    before.close()

    after = FileSink(path)
    assert [after.deliver(events[:2]), after.deliver(events[2:])] == [2, 4]
    after.close()

    assert path.read_text().splitlines() == [event.body for event in events]
