"""What happens without anybody asking: late alerts passed on, shifts told, weeks reckoned, parked deliveries kept."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from edge.app.clock_watch import clock_offsets
from edge.app.digest import tell_ended_shifts
from edge.app.digest_shifts import shift_of
from edge.app.escalation import escalate
from edge.app.outbox import Outbox
from edge.app.parked import ParkedDeliveries
from edge.app.recorded import explain
from edge.app.weekly import SignatureRefused, sign_week, week_bounds, week_of, week_report, weeks_kept
from edge.config import Config, parse_config
from edge.config.till import TillClock
from edge.events import Store, Transaction, build_event, format_time
from edge.events.attention import unpark
from edge.events.book import AlertRow, ReceiptRow, acknowledge_alert, begin_gap, end_gap, keep_alert, keep_end
from edge.events.register import verify
from edge.events.types import AGE_ESTIMATED
from edge.flow import TillEvent, TillEventType
from edge.till import keep
from tests.events.patience import until
from tests.events.test_webhook import Receiver
from tests.events.test_webhook import receiver as receiver  # noqa: PLC0414 - a fixture

MINUTE_NS = 60 * 10**9
BERLIN = """
site: {time_zone: Europe/Berlin}
cameras: [{name: cam-1, source: demo}]
lanes: [{name: lane-1, camera: cam-1, reports_id_checks: till}, {name: lane-2, camera: cam-1}]
state: {dir: state, min_free_mb: 1}
"""


def berlin(text: str) -> int:
    """Nanoseconds of a local time such as `2026-11-17 09:30`."""
    local = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo("Europe/Berlin"))
    return round(local.timestamp() * 1e9)


def in_utc(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / 1e9, UTC).strftime("%d %H:%M")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return parse_config(BERLIN.encode(), file="box.yaml", folder=tmp_path)


class Clock:
    """The wall clock by which the store stamps what it commits."""

    def __init__(self) -> None:
        self.now_ns = berlin("2026-11-17 09:00")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    file = tmp_path / "state" / "security.db"
    with closing(Store(file, group_s=0, reserve_bytes=0, clock_ms=lambda: clock.now_ns // 10**6)) as store:
        yield store


def do(store: Store, act: Callable[[Transaction], Any]) -> Any:
    return store.submit(act, now=True).result()


def an_alert(
    alert: str, at_ns: int, kind: str = "unchecked_sale", severity: str = "high", lane: str = "lane-1"
):  # type: ignore[no-untyped-def]
    at_ms = at_ns // 10**6
    body = {
        "lane": lane, "alert": alert, "kind": kind, "severity": severity, "receipt": f"r-{alert}", "items": [],
        "camera": "cam-1", "from": format_time(at_ns), "to": format_time(at_ns), "count": 1, "vms_url": None,
        "age": {"mean": 17.0}, "p_under": {"18": 0.7}, "cashier": "c-7",
    }  # fmt: skip
    row = AlertRow(
        alert=alert, lane=lane, kind=kind, severity=severity, receipt=f"r-{alert}", from_ms=at_ms, count=1,
        open=False, acknowledged=None, body=body,
    )  # fmt: skip
    return lambda transaction: keep_alert(transaction.connection, row, recorded_ms=at_ms)


def told(store: Store, type_: str) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in store.read_after(0, [type_], limit=100)]


def test_an_alert_that_nobody_looks_at_is_passed_on_once_over_restarts_too(
    store: Store, config: Config, tmp_path: Path, clock: Clock
) -> None:
    at_ns = clock.now_ns
    do(store, an_alert("a-1", at_ns))
    do(store, an_alert("a-2", at_ns))
    do(store, an_alert("a-3", at_ns, kind="unseen_customer", severity="low"))
    do(store, an_alert("a-4", at_ns - 25 * 60 * MINUTE_NS))
    do(store, lambda t: acknowledge_alert(t.connection, "a-2", {"by": "sam", "outcome": "checked"}))

    def turn(after_minutes: float) -> list[str]:
        now_ns = at_ns + round(after_minutes * MINUTE_NS)
        do(store, lambda t: escalate(t, config, at_ns=now_ns))
        return [event["data"]["alert"] for event in told(store, "checkout.alert.escalated.v1")]

    assert turn(4.9) == []
    assert turn(5.1) == ["a-1"], "not what was looked at, what is gathered, or what is history"
    assert turn(60) == ["a-1"]
    store.close()
    with closing(Store(tmp_path / "state" / "security.db", group_s=0, reserve_bytes=0)) as again:
        do(again, lambda t: escalate(t, config, at_ns=at_ns + 90 * MINUTE_NS))
        [event] = told(again, "checkout.alert.escalated.v1")
    data = event["data"]
    assert (data["kind"], data["severity"], data["minutes"]) == ("unchecked_sale", "high", 5.0)
    assert data["raised"] == format_time(at_ns)
    assert not {"age", "p_under", "cashier"} & set(data)


def test_never_means_never(store: Store, config: Config, clock: Clock) -> None:
    do(store, an_alert("a-1", clock.now_ns))
    never = replace(config, http=replace(config.http, escalate_minutes=0))
    assert do(store, lambda t: escalate(t, never, at_ns=clock.now_ns + 600 * MINUTE_NS)) == 0


@pytest.mark.parametrize(
    ("local", "wanted"),
    [
        ("2026-11-17 05:59", ("16 21:00", "17 05:00")),
        ("2026-11-17 06:00", ("17 05:00", "17 13:00")),
        ("2026-11-17 23:30", ("17 21:00", "18 05:00")),
        ("2026-03-29 01:30", ("28 21:00", "29 04:00")),  # the clock goes forward: seven hours
        ("2026-10-25 01:30", ("24 20:00", "25 05:00")),  # and back: nine
    ],
)
def test_a_shift_begins_and_ends_by_the_stores_own_clock(local: str, wanted: tuple[str, str]) -> None:
    begin, end = shift_of(berlin(local), begin=("06:00", "14:00", "22:00"), zone="Europe/Berlin")
    assert (in_utc(begin), in_utc(end)) == wanted


def test_one_shift_a_day_lasts_until_the_next_day() -> None:
    begin, end = shift_of(berlin("2026-11-17 05:00"), begin=("06:00",), zone="Europe/Berlin")
    assert (in_utc(begin), in_utc(end)) == ("16 05:00", "17 05:00")


def a_sale(receipt: str, at_ns: int, outcome: str, lane: str = "lane-1", **more: Any):  # type: ignore[no-untyped-def]
    told = {
        "restricted": True, "outcome": outcome, "reason": None, "opened": format_time(at_ns - 30 * 10**9),
        "closed": format_time(at_ns), "due": None, "check_delay_s": None,
        "policy": {"reports_id_checks": "till"}, "receipt": receipt, **more,
    }  # fmt: skip
    row = ReceiptRow(
        lane=lane, receipt=receipt, receipt_ns=at_ns, prompted_ns=None, ended_ns=at_ns, outcome=outcome,
        cashier=more.get("cashier"), told=told,
    )  # fmt: skip
    return lambda transaction: keep_end(transaction.connection, row, recorded_ms=at_ns // 10**6)


def test_a_shift_is_told_once_when_it_is_over_and_an_empty_one_is_not_told(
    store: Store, config: Config
) -> None:
    morning = berlin("2026-11-17 09:00")

    def turn(local: str) -> int:
        return int(do(store, lambda t: tell_ended_shifts(t, config, at_ns=berlin(local))))

    assert turn("2026-11-17 09:00") == 0
    for number in range(3):
        at_ns = morning + number * MINUTE_NS
        do(store, an_alert(str(number), at_ns, "unseen_customer", "low"))
        do(store, a_sale(f"r-{number}", at_ns, "unseen", reason="no_face" if number else "ambiguous"))
    do(store, an_alert("9", morning, "unseen_customer", "low", lane="lane-2"))
    do(store, an_alert("high", morning))
    do(store, a_sale("r-7", morning, "checked"))
    do(store, a_sale("r-8", morning, "cancelled"))

    assert turn("2026-11-17 14:00") == 0, "what was decided in the last second may still be on its way"
    assert turn("2026-11-17 14:01") == 1
    assert turn("2026-11-17 14:02") == 0
    assert turn("2026-11-20 09:00") == 0, "three days off: nothing was sold"
    [event] = told(store, "checkout.shift.digest.v1")
    assert event["source"] == "/store-1/box-1/-"
    assert event["data"]["from"] == format_time(berlin("2026-11-17 06:00"))
    assert event["data"]["to"] == event["time"] == format_time(berlin("2026-11-17 14:00"))
    assert (event["data"]["count"], event["data"]["sales"]) == (4, 4)
    assert event["data"]["lanes"] == [
        {
            "lane": "lane-1", "count": 3, "sales": 4, "reasons": {"ambiguous": 1, "no_face": 2},
            "receipts": ["r-0", "r-1", "r-2"],
        },
        {"lane": "lane-2", "count": 1, "sales": 0, "reasons": {"unknown": 1}, "receipts": ["r-9"]},
    ]  # fmt: skip
    assert turn("2026-11-10 09:00") == 0, "a clock that went back"
    assert turn("2026-11-20 09:00") == 0, "and was set again: what was told is not told twice"
    assert len(told(store, "checkout.shift.digest.v1")) == 1
    late = berlin("2026-11-20 08:59")
    do(store, an_alert("late", late, "unseen_customer", "low"))
    assert turn("2026-11-20 14:01") == 1


def test_a_clock_that_was_never_set_does_not_have_decades_of_shifts_told(
    store: Store, config: Config
) -> None:
    do(store, lambda t: tell_ended_shifts(t, config, at_ns=10**9))
    do(store, an_alert("1", berlin("2026-11-17 09:00"), "unseen_customer", "low"))
    begun_s = time.monotonic()
    assert do(store, lambda t: tell_ended_shifts(t, config, at_ns=berlin("2026-11-17 15:00"))) == 1
    assert time.monotonic() - begun_s < 20


def test_weeks_run_from_monday_to_monday_by_the_stores_clock(config: Config) -> None:
    begin, end = week_bounds("2026-W13", "Europe/Berlin")
    assert (begin, end) == (berlin("2026-03-23 00:00"), berlin("2026-03-30 00:00"))
    assert end - begin == (7 * 24 - 1) * 60 * MINUTE_NS
    assert week_of(berlin("2026-12-31 12:00"), "Europe/Berlin") == "2026-W53"
    assert week_of(berlin("2027-01-03 23:59"), "Europe/Berlin") == "2026-W53"
    for word in ("2026-W54", "2026-47", "last", "2026-W00"):
        with pytest.raises(ValueError, match=r"week|Week"):
            week_bounds(word, "Europe/Berlin")
    assert weeks_kept(config, now_ns=berlin("2026-11-18 09:00")) == [
        "2026-W47",
        "2026-W46",
        "2026-W45",
        "2026-W44",
    ]


def a_week_of_sales(store: Store) -> None:
    monday = berlin("2026-11-09 10:00")
    for number in range(40):
        at_ns = monday + number * 10 * MINUTE_NS
        made = number % 5 != 0
        due = format_time(at_ns - 20 * 10**9)
        delay = (1.0 if number % 10 == 1 else 4.0) if made else None
        more = {"due": due, "check_delay_s": delay, "cashier": "c-7" if number < 32 else "c-9"}
        do(store, a_sale(f"r-{number}", at_ns, "checked" if made else "unchecked", **more))
    refused = {"due": format_time(monday), "check_delay_s": 3.0, "cashier": "c-7"}
    do(store, a_sale("r-40", monday + 30 * 10**9, "refused", **refused))
    do(store, a_sale("r-41", monday, "checked", due=format_time(monday), reason="customer_known"))
    do(store, a_sale("r-42", monday, "unchecked", lane="lane-2", due=format_time(monday),
                     policy={"reports_id_checks": "none"}))  # fmt: skip
    do(store, a_sale("next-week", berlin("2026-11-16 00:00"), "unchecked", due=format_time(monday)))
    do(store, lambda t: begin_gap(t.connection, lane="lane-1", kind="camera", from_ns=monday))
    do(store, lambda t: end_gap(t.connection, lane="lane-1", kind="camera", to_ns=monday + 34 * MINUTE_NS))


def test_a_week_counts_challenges_made_of_due_and_says_where_there_is_too_little(
    store: Store, config: Config
) -> None:
    a_week_of_sales(store)
    report = store.read(lambda c: week_report(c, config, "2026-W46", now_ns=berlin("2026-11-18 09:00")))

    everything = report["all"]
    assert (everything["sales"], everything["due"], everything["made"]) == (42, 41, 33)
    assert (everything["refused"], everything["hasty"], everything["known"]) == (1, 4, 1)
    assert everything["share"] == pytest.approx(33 / 41)
    assert everything["interval"] == pytest.approx([0.6599, 0.8977], abs=1e-4)  # Wilson (1927), by hand
    assert everything["delay_s"]["median"] == 4.0
    first, second = report["cashiers"]
    assert (first["cashier"], first["due"], first["share"] is not None) == ("c-7", 33, True)
    assert (second["cashier"], second["due"], second["share"], second["interval"]) == ("c-9", 8, None, None)
    assert [(one["lane"], one["sales"]) for one in report["lanes"]] == [("lane-1", 42), ("lane-2", 0)]
    assert report["unreported"] == ["lane-2"]
    assert report["blind"] == [{"lane": "lane-1", "kind": "camera", "minutes": 34}]


def test_a_sign_off_stands_in_the_register_with_the_figures_that_were_seen(
    store: Store, config: Config
) -> None:
    a_week_of_sales(store)
    now_ns = berlin("2026-11-18 09:00")

    def sign(week: str, by: str) -> Any:
        return do(store, lambda t: sign_week(t, config, week, by=by, at_ns=now_ns))

    assert sign("2026-W46", "max")["number"] == 1
    for week, why in (("2026-W46", "signed_already"), ("2026-W47", "not_over"), ("2026-W01", "not_kept")):
        with pytest.raises(SignatureRefused, match=why):
            sign(week, "max")
    sign("2026-W46", "olga")

    report = store.read(lambda c: week_report(c, config, "2026-W46", now_ns=now_ns))
    assert [(one["by"], one["number"]) for one in report["signed"]] == [("olga", 2), ("max", 1)]
    assert store.read(verify) == []
    payload = json.loads(store.read(lambda c: c.execute("SELECT payload FROM register").fetchone()[0]))
    assert payload["note"] == "2026-W46: 33 of 41 challenges made, 1 refusals"
    assert "cashier" not in json.dumps(payload)
    do(store, lambda t: t.connection.execute("UPDATE register SET payload = replace(payload, '33', '41')"))
    assert store.read(verify) != [], "a figure that is made nicer afterwards is found"


def test_what_a_receiver_refuses_is_parked_on_disk_and_sent_again_when_it_is_mended(
    tmp_path: Path,
    receiver: Receiver,
) -> None:
    """Through the real outbox: the parked event outlives a restart, and what is sent again carries no cashier."""
    sinks = f"sinks: [{{kind: webhook, name: pager, purpose: security, url: '{receiver.url}'}}]"
    config = parse_config((BERLIN + sinks).encode(), file="box.yaml", folder=tmp_path)
    receiver.statuses = [410] * 5
    outbox = Outbox(config)
    outbox.start()
    from edge.app.alert_test import marked_alert

    event = marked_alert(config, at_ns=berlin("2026-11-17 09:00"))
    outbox.append(replace(event, data={**event.data, "cashier": "c-7"}))
    parked = ParkedDeliveries(config, outbox)
    assert outbox.store is not None
    until(lambda: bool(parked.rows(outbox.store)))  # type: ignore[arg-type]
    outbox.close()

    outbox = Outbox(config)
    outbox.start()
    try:
        parked = ParkedDeliveries(config, outbox)
        assert outbox.store is not None
        [row] = parked.rows(outbox.store)
        assert (row["sink"], row["count"], row["reason"]) == ("pager", 1, "answered 410")
        receiver.statuses = [410]
        assert parked.retry("pager")["left"] == 1
        assert parked.retry("pager") == {"sent": 1, "left": 0, "reason": None}
        assert parked.rows(outbox.store) == []
        assert json.loads(receiver.got[-1][1])["id"] == event.id
        assert b"c-7" not in receiver.got[-1][1]
        with pytest.raises(KeyError):
            parked.retry("nobody")
        outbox.store.submit(lambda t: unpark(t.connection, "pager", [1])).result()
    finally:
        outbox.close()


def test_an_explanation_is_asked_for_by_lane(store: Store) -> None:
    at_ns = berlin("2026-11-17 09:00")
    for lane in ("lane-1", "lane-2"):
        do(store, a_sale("r-1", at_ns, "checked", lane=lane))
    assert len(store.read(lambda c: explain(c, "r-1"))) == 2
    assert len(store.read(lambda c: explain(c, "r-1", lane="lane-2"))) == 1


@pytest.mark.parametrize("skew_s", [-7.0, 4.0])
def test_a_tills_clock_that_is_off_is_estimated_from_fifty_receipts_on_beside_what_is_set(
    store: Store, config: Config, skew_s: float
) -> None:
    """The till's own times are `skew_s` behind the camera's; somebody has set 1.5 s already."""
    chance = random.Random(7)
    at_s = berlin("2026-11-17 08:00") / 1e9
    set_s = 1.5
    known = replace(config, till=replace(config.till, clocks=(TillClock(lane="lane-1", offset_s=set_s),)))

    def sell(number: int) -> None:
        nonlocal at_s
        at_s += chance.uniform(40, 120)
        came_s, stayed_s = at_s, chance.uniform(12, 25)
        # The book keeps times with the set offset added.
        opened_s = came_s + chance.uniform(0.5, 2) - skew_s + set_s
        closed_s = came_s + stayed_s - chance.uniform(0.5, 2) - skew_s + set_s
        at_s += stayed_s
        times = {"opened": format_time(round(opened_s * 1e9)), "closed": format_time(round(closed_s * 1e9))}
        do(store, a_sale(f"r-{number}", round(closed_s * 1e9), "checked", clock_offset_s=set_s, **times))
        person = build_event(
            AGE_ESTIMATED, store="store-1", box="box-1", lane="lane-1", subject=f"t-{number}",
            at_ns=round((came_s + stayed_s) * 1e9), identity=(number,),
            data={name: None for name in AGE_ESTIMATED.fields if name != "lane"}
            | {"zone": "customer", "role": "customer", "from": format_time(round(came_s * 1e9)),
               "to": format_time(round((came_s + stayed_s) * 1e9))},
        )  # fmt: skip
        do(store, lambda t: t.append([person]))

    for number in range(40):
        sell(number)
    early = clock_offsets(store, known)
    assert (early["lane-1"]["offset_s"], early["lane-1"]["why"]) == (None, "40 of 50 receipts needed")
    for number in range(40, 80):
        sell(number)
    found = clock_offsets(store, known)
    assert found["lane-1"]["offset_s"] == pytest.approx(skew_s, abs=2.0), found
    assert (found["lane-1"]["receipts"], found["lane-1"]["configured_s"]) == (80, set_s)
    assert found["lane-2"]["receipts"] == 0


@pytest.mark.parametrize(("behind_s", "told"), [(3600.0, 3600.0), (-3600.0, -3600.0), (20.0, None)])
def test_a_tills_clock_that_is_grossly_off_is_told_by_when_its_events_come_in(
    store: Store, config: Config, behind_s: float, told: float | None
) -> None:
    """An hour off, summer time perhaps: at no receipt is anybody found, and presences can never tell why."""
    now_ns = berlin("2026-11-17 08:00")

    def tell(number: int) -> None:
        at_ns = now_ns + number * 60 * 10**9
        event = TillEvent(
            id=f"e-{number}",
            lane="lane-1",
            at_ns=at_ns - round((behind_s + number % 3) * 1e9),  # some are a second or two on their way
            type=TillEventType.RECEIPT_OPENED,
            receipt=f"r-{number}",
        )
        do(store, lambda t: keep(t.connection, [event], door="http", recorded_ms=at_ns // 10**6))

    for number in range(9):
        tell(number)
    assert clock_offsets(store, config)["lane-1"]["offset_s"] is None
    tell(9)
    found = clock_offsets(store, config)["lane-1"]["offset_s"]
    assert found == (None if told is None else pytest.approx(told, abs=1.0))
    assert clock_offsets(store, config)["lane-2"]["offset_s"] is None
