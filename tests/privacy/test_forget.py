"""A sale is forgotten: no byte of the stores names it any more, the register says that it forgot, and what of it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edge.app.forget import ForgetError, find_sales, forget_sale
from edge.camera import CameraState
from edge.events.register import emptied, verify
from edge.events.sales_store import local_hour
from tests.events.sales_facts import a_basket, a_line, a_store
from tests.scenarios.desk_box import Box, a_beer, a_box, a_config, a_till


def checkout_age(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def sell(box: Box, receipt: str) -> None:
    """Beer for somebody young whom nobody asked: prompt, outcome, alert, acknowledgement."""
    box.young_customer(track=f"track-of-{receipt}")
    box.post([a_beer(receipt=receipt), a_till("receipt.closed", receipt=receipt)])
    box.until(lambda: any(one[:2] == ("alert", receipt) for one in box.told()))
    alert = next(
        event["data"]["alert"]
        for event in box.events()
        if event["data"].get("alert") and event["data"].get("receipt") == receipt
    )
    assert box.desk.acknowledge(alert, by="anna", outcome="checked").result(10)


def bytes_of(state: Path) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(state.rglob("*")) if file.is_file())


def test_a_forgotten_sale_is_in_no_byte_of_the_store_and_the_register_says_forgotten_1(
    tmp_path: Path,
) -> None:
    with a_box(a_config(tmp_path)) as box:
        sell(box, "R-4711-gone")
        sell(box, "R-4712-stays")
    state = tmp_path / "state"
    assert bytes_of(state).count(b"R-4711-gone") > 5
    done = checkout_age("forget", "--receipt", "R-4711-gone", "--from", state)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("forgotten: receipt R-4711-gone of lane-1")
    left = bytes_of(state)
    assert b"R-4711-gone" not in left
    assert b"track-of-R-4711-gone" not in left
    assert left.count(b"R-4712-stays") > 5
    told = checkout_age("register", "verify", "--from", state)
    assert told.returncode == 0
    assert "\nforgotten: 1 (3 entries)" in told.stdout
    assert checkout_age("forget", "--receipt", "R-4711-gone", "--from", state).returncode == 1
    with sqlite3.connect(state / "security.db") as connection:
        assert verify(connection) == []
        assert len(emptied(connection).forgotten) == 3


def test_its_basket_goes_from_marketings_store_by_the_key_alone(tmp_path: Path) -> None:
    with a_box(a_config(tmp_path)) as box:
        sell(box, "r-1")
        sell(box, "r-2")
    state = tmp_path / "state"
    day, hour = local_hour(time.time_ns(), ZoneInfo("UTC"))
    store = a_store(state, store="store-1", time_zone="UTC")
    for receipt in ("r-1", "r-2"):
        basket = store.key.basket(
            store="store-1", lane="lane-1", receipt=receipt, day=day.isoformat(), hour=hour
        )
        store.keep(
            a_basket(1, basket=basket, day=day, hour=hour, lines=(a_line(f"only-in-{receipt}"),))
        ).result(10)
    store.close()
    assert b"only-in-r-1" in bytes_of(state)
    done = checkout_age("forget", "--receipt", "r-1", "--from", state)
    assert done.returncode == 0, done.stderr
    assert "1 basket lines" in done.stdout
    assert f"--day {day}" in done.stdout
    left = bytes_of(state)
    assert b"only-in-r-1" not in left
    assert b"only-in-r-2" in left


def test_it_works_beside_a_running_box_that_goes_on_selling(tmp_path: Path) -> None:
    with a_box(a_config(tmp_path)) as box:
        sell(box, "r-1")
        (sale,) = find_sales(tmp_path / "state", "r-1")
        done = forget_sale(tmp_path / "state", sale)
        assert (done.till_events, done.events, done.receipts, done.alerts, done.register_entries) == (
            2,
            4,
            1,
            1,
            3,
        )
        sell(box, "r-2")
        told = box.told()
        assert not any("r-1" in one for one in told)
        assert ("alert", "r-2", "unchecked_sale", "1") in told
        assert box.outbox.store is not None
        assert box.outbox.store.read(verify) == []
        sequences = [int(event["sequence"]) for event in box.events()]
        assert sequences == sorted(set(sequences)), "a number was given twice"


def test_an_open_receipt_is_refused_and_nothing_moves(tmp_path: Path) -> None:
    with a_box(a_config(tmp_path)) as box:
        box.post(a_beer(receipt="r-1"))
        (sale,) = find_sales(tmp_path / "state", "r-1")
        with pytest.raises(ForgetError, match="still open"):
            forget_sale(tmp_path / "state", sale)
        assert box.outbox.store is not None
        assert box.outbox.store.read(lambda c: c.execute("SELECT count(*) FROM till_inbox").fetchone()) == (
            1,
        )


def test_the_alert_of_a_blind_camera_stays_and_no_longer_names_the_sale(tmp_path: Path) -> None:
    with a_box(a_config(tmp_path)) as box:
        box.camera(CameraState.DOWN)
        box.until(lambda: ("alert", "None", "camera_blind", "0") in box.told())
        box.post([a_beer(receipt="r-1"), a_till("receipt.closed", receipt="r-1")])
        box.until(lambda: ("alert", "r-1", "camera_blind", "1") in box.told())
    state = tmp_path / "state"
    (sale,) = find_sales(state, "r-1")
    forget_sale(state, sale)
    with sqlite3.connect(state / "security.db") as connection:
        assert connection.execute("SELECT count, receipt FROM alerts").fetchall() == [(1, None)]
    assert b'"r-1"' not in bytes_of(state)


def test_a_number_that_came_again_on_another_day_is_asked_about(tmp_path: Path) -> None:
    old_s = 2 * 86_400
    old = [a_beer(receipt="r-1", ago_s=old_s), a_till("receipt.closed", receipt="r-1", ago_s=old_s)]
    new = [a_beer(receipt="r-1"), a_till("receipt.closed", receipt="r-1")]
    with a_box(a_config(tmp_path)) as box:
        box.post([{**event, "id": f"old-{event['id']}"} for event in old])
        box.until(lambda: sum(one[0] == "sale" for one in box.told()) == 1)
        box.post(new)
        box.until(lambda: sum(one[0] == "sale" for one in box.told()) == 2)
    state = tmp_path / "state"
    first, second = find_sales(state, "r-1")
    asked = checkout_age("forget", "--receipt", "r-1", "--from", state)
    assert asked.returncode == 2
    assert f"--lane lane-1 --day {first.day}" in asked.stderr
    assert checkout_age("forget", "--receipt", "r-1", "--day", first.day, "--from", state).returncode == 0
    assert find_sales(state, "r-1") == [second]


def test_copies_that_were_given_out_are_named(tmp_path: Path) -> None:
    with a_box(
        a_config(tmp_path, "sinks: [{name: out, kind: file, purpose: security, path: out.jsonl}]\n")
    ) as box:
        sell(box, "r-1")
        box.until(lambda: b"acknowledged" in (tmp_path / "state" / "out.jsonl").read_bytes())
    done = checkout_age("forget", "--receipt", "r-1", "--from", tmp_path / "state")
    assert done.returncode == 0
    assert "still there" in done.stderr
    assert "out.jsonl" in done.stderr


def test_what_is_past_retention_goes_from_every_table_and_what_is_not_stays(tmp_path: Path) -> None:
    """Thirty days for sales, a year for what the register says; the chain goes on to hold."""
    day_ms = 86_400_000
    with a_box(a_config(tmp_path)) as box:
        sell(box, "r-1")
        store = box.outbox.store
        assert store is not None

        def age(days: int) -> None:
            """Everything so far was recorded so many days earlier."""
            for table in ("till_inbox", "receipts", "alerts", "events"):
                change = f"UPDATE {table} SET recorded_ms = recorded_ms - {days * day_ms}"  # noqa: S608
                store.submit(lambda t, change=change: t.connection.execute(change).rowcount).result(10)  # type: ignore[misc]

        def counts() -> list[int]:
            tables = ("till_inbox", "receipts", "alerts", "register WHERE payload IS NOT NULL")
            looks = [f"SELECT count(*) FROM {table}" for table in tables]  # noqa: S608
            return [store.read(lambda c, look=look: c.execute(look).fetchone()[0]) for look in looks]  # type: ignore[misc]

        age(29)
        box.desk.purge()
        assert counts() == [2, 1, 1, 3]
        age(2)
        box.desk.purge()
        assert counts() == [0, 0, 0, 3]
        box.desk._clock_ns = lambda: time.time_ns() + 366 * day_ms * 10**6
        box.desk.purge()
        assert counts() == [0, 0, 0, 1], "the tombstone alone says something"
        assert store.read(verify) == []
        assert store.read(emptied).retired == 3
