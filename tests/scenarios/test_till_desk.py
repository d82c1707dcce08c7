"""A till's day at the box: what it sends is kept before it is answered, judged once, and survives what happens."""

from __future__ import annotations

import json
import time
from pathlib import Path

from edge.app.recorded import cashiers
from edge.app.weekly import week_of, week_report
from edge.camera import CameraState
from edge.events.register import verify
from edge.till import dead_letters
from tests.scenarios.desk_box import a_beer, a_box, a_config, a_till


def test_beer_for_a_young_face_is_prompted_and_ends_unchecked_with_one_alert(tmp_path: Path) -> None:
    with a_box(a_config(tmp_path)) as box:
        box.young_customer()
        beer, closed = a_beer(receipt="r-1", ago_s=0.5), a_till("receipt.closed", receipt="r-1")
        assert box.post(beer) == (200, {"accepted": 1, "duplicate": 0, "rejected": []})
        box.until(lambda: ("check", "r-1") in box.told())
        box.post([closed, closed])
        box.until(lambda: any(one[0] == "alert" for one in box.told()))
        assert [one for one in box.told() if one[0] != "age"] == [
            ("check", "r-1"),
            ("sale", "r-1", "unchecked", "None"),
            ("alert", "r-1", "unchecked_sale", "1"),
        ]
        assert box.outbox.store is not None
        assert box.outbox.store.read(verify) == []
        kinds = box.outbox.store.read(
            lambda c: c.execute("SELECT kind FROM register ORDER BY number").fetchall()
        )
        assert kinds == [("challenge",), ("alert",)]


def test_how_fast_a_box_with_a_till_is_shows_in_its_prompts(tmp_path: Path) -> None:
    """From the later of face and item, half a second ago here, to the committed prompt."""
    with a_box(a_config(tmp_path)) as box:
        box.young_customer()
        assert box.outbox.commits.quantile(0.95) is None
        box.post(a_beer(receipt="r-1", ago_s=0.5))
        box.until(lambda: len(box.outbox.commits) == 1)
        latency_s = box.outbox.commits.quantile(0.95)
        assert latency_s is not None
        assert 0.5 <= latency_s < 30


def test_a_batch_with_bad_events_keeps_the_good_ones_and_parks_the_bad(tmp_path: Path) -> None:
    with a_box(a_config(tmp_path)) as box:
        bad = {**a_beer(receipt="r-1"), "at": "yesterday", "customer": {"birthDate": "2009-01-01"}}
        status, answer = box.post([a_till("receipt.opened", receipt="r-1"), bad, 5])
        assert status == 200
        assert answer["accepted"] == 1
        assert [(one["index"], one["reason"].split(":")[0]) for one in answer["rejected"]] == [
            (1, "bad_time"),
            (2, "not_an_object"),
        ]
        assert box.outbox.store is not None
        letters = box.outbox.store.read(dead_letters)
        assert {letter["reason"] for letter in letters} == {"bad_time", "not_an_object"}
        assert "2009" not in json.dumps(letters)


def test_who_shows_no_token_sends_garbage_or_too_much_is_told_so(tmp_path: Path) -> None:
    with a_box(a_config(tmp_path, "till: {http: {token_file: token, max_body_kb: 1}}")) as box:
        assert box.post([], token="another-token-of-32-characters-xx")[0] == 401
        assert box.post(b"no json at all")[0] == 400
        assert box.post(b"7")[0] == 400
        assert box.post(b"[" + b" " * 2000 + b"]")[0] == 413
        assert box.post([]) == (200, {"accepted": 0, "duplicate": 0, "rejected": []})


def test_a_restart_forgets_no_open_receipt_and_alerts_none_twice(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    with a_box(config) as box:
        box.young_customer()
        box.post([a_beer(receipt="r-1"), a_till("receipt.closed", receipt="r-1"), a_beer(receipt="r-2")])
        box.until(lambda: any(one[:2] == ("alert", "r-1") for one in box.told()))
    with a_box(config) as box:
        box.post([a_till("receipt.closed", receipt="r-1"), a_till("receipt.closed", receipt="r-2")])
        box.until(lambda: any(one[:2] == ("alert", "r-2") for one in box.told()))
        told = box.told()
        assert ("sale", "r-2", "unseen", "restart") in told
        assert [one for one in told if one[0] == "alert"] == [
            ("alert", "r-1", "unchecked_sale", "1"),
            ("alert", "r-2", "unseen_customer", "1"),
        ]
        assert [one[1] for one in told if one[0] == "sale"] == ["r-1", "r-2"]


def test_a_restart_in_the_middle_of_a_prompt_asks_nobody_twice_and_judges_who_stands_there(
    tmp_path: Path,
) -> None:
    """The customer is seen anew after the restart, as another track; the cashier was asked before it."""
    config = a_config(tmp_path)
    with a_box(config) as box:
        box.young_customer()
        box.post([a_beer(receipt="r-1"), a_beer(receipt="r-2")])
        box.until(lambda: {("check", "r-1"), ("check", "r-2")} <= set(box.told()))
    with a_box(config) as box:
        box.young_customer(track="t-2")
        box.post(a_till("id.verified", receipt="r-2"))
        box.post([a_till("receipt.closed", receipt=name) for name in ("r-1", "r-2")])
        box.until(lambda: sum(one[0] == "sale" for one in box.told()) == 2, seconds=60)
        told = [one for one in box.told() if one[0] != "age"]
    assert sorted(told) == [
        ("alert", "r-1", "unchecked_sale", "1"),
        ("check", "r-1"),
        ("check", "r-2"),
        ("sale", "r-1", "unchecked", "None"),
        ("sale", "r-2", "checked", "None"),
    ]


def test_a_prompt_before_a_restart_is_to_the_cashiers_credit_and_never_to_their_charge(
    tmp_path: Path,
) -> None:
    """The restart took the prompt off the screen: the check that was made counts, the one that was not is the box's."""
    config = a_config(tmp_path)
    with a_box(config) as box:
        box.young_customer(seconds=9.0)
        beers = [{**a_beer(receipt=name, ago_s=6.0), "cashier": "c-7"} for name in ("shown", "passed over")]
        box.post(beers)
        box.until(lambda: {("check", "shown"), ("check", "passed over")} <= set(box.told()))
    with a_box(config) as box:
        box.post(a_till("id.verified", receipt="shown", ago_s=0.5))
        box.post([a_till("receipt.closed", receipt=name) for name in ("shown", "passed over")])
        box.until(lambda: sum(one[0] == "sale" for one in box.told()) == 2, seconds=60)
        assert ("sale", "shown", "checked", "None") in box.told()
        assert ("sale", "passed over", "unseen", "restart") in box.told()
        assert box.outbox.store is not None
        [everybody, cashier] = box.outbox.store.read(
            lambda c: cashiers(c, from_ns=0, to_ns=1 << 62, min_check_seconds=2.0)
        )
    assert (cashier.cashier, cashier.due, cashier.made, cashier.hasty) == ("c-7", 1, 1, 0)
    assert (everybody.due, everybody.made) == (1, 1)


def test_a_refusal_is_noted_however_the_receipt_ends_afterwards(tmp_path: Path) -> None:
    """Goods that were refused are struck, or the whole receipt is cancelled: that is how most refusals go on."""
    with a_box(a_config(tmp_path)) as box:
        box.young_customer()
        names = ("struck", "cancelled")
        box.post([{**a_beer(receipt=name, ago_s=1.0), "cashier": "c-7"} for name in names])
        box.until(lambda: {("check", name) for name in names} <= set(box.told()))
        box.post([a_till("sale.refused", receipt=name, ago_s=0.3) for name in names])
        box.post(a_till("item.voided", receipt="struck", ago_s=0.2, sku="lager"))
        box.post(a_till("receipt.closed", receipt="struck"))
        box.post(a_till("receipt.cancelled", receipt="cancelled"))
        box.until(lambda: sum(one[0] == "sale" for one in box.told()) == 2, seconds=60)
        assert {one[1:3] for one in box.told() if one[0] == "sale"} == {
            ("struck", "refused"),
            ("cancelled", "cancelled"),
        }
        assert not [one for one in box.told() if one[0] == "alert"]
        store = box.outbox.store
        assert store is not None
        rows = store.read(
            lambda c: c.execute("SELECT payload FROM register WHERE kind = 'refusal'").fetchall()
        )
        assert sorted(json.loads(payload)["receipt"] for (payload,) in rows) == sorted(names)
        everybody, kate = store.read(lambda c: cashiers(c, from_ns=0, to_ns=1 << 62, min_check_seconds=0.1))
        assert (everybody.due, everybody.made, kate.due, kate.made) == (2, 2, 2, 2)
        week = week_of(time.time_ns(), box.config.site.time_zone)
        told = store.read(lambda c: week_report(c, box.config, week, now_ns=time.time_ns()))["all"]
        assert (told["due"], told["made"], told["refused"]) == (2, 2, 2)


def test_the_same_fact_by_two_doors_is_one_fact(tmp_path: Path) -> None:
    config = a_config(tmp_path, "till: {http: {token_file: token}, lines: [{path: till.jsonl}]}")
    with a_box(config) as box:
        facts = [a_beer(receipt="r-1", ago_s=1.0), a_till("receipt.closed", receipt="r-1")]
        assert box.post(facts)[1]["accepted"] == 2
        (tmp_path / "till.jsonl").write_text("".join(json.dumps(one) + "\n" for one in facts))
        box.until(lambda: box.desk.duplicates["file"] == 2)
        assert box.post(facts)[1] == {"accepted": 0, "duplicate": 2, "rejected": []}
        box.until(lambda: any(one[0] == "sale" for one in box.told()), seconds=60)
        assert sum(one[0] == "sale" for one in box.told()) == 1


def test_while_the_camera_is_blind_500_sales_are_one_row(tmp_path: Path) -> None:
    with a_box(a_config(tmp_path)) as box:
        box.camera(CameraState.DOWN)
        box.until(lambda: ("alert", "None", "camera_blind", "0") in box.told())
        names = [f"r-{number}" for number in range(500)]
        for first in range(0, 500, 100):
            batch = [
                event
                for name in names[first : first + 100]
                for event in (a_beer(receipt=name), a_till("receipt.closed", receipt=name))
            ]
            box.post(batch)
        box.until(lambda: sum(one[0] == "sale" for one in box.told()) == 500, seconds=60)
        store = box.outbox.store
        assert store is not None
        box.until(lambda: store.read(lambda c: c.execute("SELECT count FROM alerts").fetchall()) == [(500,)])
        box.camera(CameraState.UP)
        box.until(lambda: store.read(lambda c: c.execute("SELECT open FROM alerts").fetchall()) == [(0,)])
        assert store.read(
            lambda c: c.execute("SELECT count(*) FROM gaps WHERE to_ns NOT NULL").fetchone()
        ) == (1,)


def test_an_acknowledgement_can_be_corrected_and_both_stay_in_the_register(tmp_path: Path) -> None:
    with a_box(a_config(tmp_path)) as box:
        box.post([a_beer(receipt="r-1"), a_till("receipt.closed", receipt="r-1")])
        box.until(lambda: any(one[0] == "alert" for one in box.told()))
        alert = next(event["data"]["alert"] for event in box.events() if "alert" in event["data"])
        assert box.desk.acknowledge(alert, by="anna", outcome="checked").result(10)
        assert box.desk.acknowledge(alert, by="anna", outcome="false_alarm", note="staff").result(10)
        assert not box.desk.acknowledge("a-none", by="anna", outcome="checked").result(10)
        assert box.outbox.store is not None
        rows = box.outbox.store.read(
            lambda c: c.execute("SELECT payload FROM register WHERE kind = 'acknowledgement'").fetchall()
        )
        assert [json.loads(payload)["outcome"] for (payload,) in rows] == ["checked", "false_alarm"]
        acknowledged = box.outbox.store.read(
            lambda c: c.execute("SELECT acknowledged FROM alerts").fetchone()
        )
        assert json.loads(acknowledged[0])["outcome"] == "false_alarm"


def test_a_file_door_goes_on_where_it_was_through_rotation_and_restart(tmp_path: Path) -> None:
    config = a_config(tmp_path, "till: {lines: [{path: till.jsonl}]}")
    file = tmp_path / "till.jsonl"

    def accepted(box: object) -> list[str]:
        rows = box.outbox.store.read(  # type: ignore[attr-defined]
            lambda c: c.execute("SELECT receipt FROM till_inbox ORDER BY position").fetchall()
        )
        return [name for (name,) in rows]

    second = json.dumps(a_beer(receipt="r-2"))
    file.write_text(json.dumps(a_beer(receipt="r-1")) + "\n" + second[:40])
    with a_box(config) as box:
        box.until(lambda: accepted(box) == ["r-1"])
    with file.open("a") as end:
        end.write(second[40:])
    file.rename(tmp_path / "till.jsonl.1")
    file.write_text(json.dumps(a_beer(receipt="r-3")) + "\n")
    with a_box(config) as box:
        box.until(lambda: accepted(box) == ["r-1", "r-2", "r-3"])


def test_a_poslog_file_in_the_folder_becomes_a_sale_and_its_birth_date_is_nowhere(tmp_path: Path) -> None:
    folder = tmp_path / "poslog"
    folder.mkdir()
    config = a_config(tmp_path, "till: {poslog: [{folder: poslog, lane: lane-1}]}")
    with a_box(config) as box:
        (folder / "bomb.xml").write_text('<!DOCTYPE a [<!ENTITY b "x">]><POSLog>&b;</POSLog>')
        (folder / "sale.xml").write_text((Path(__file__).parent.parent / "till" / "sale.xml").read_text())
        box.until(lambda: any(one[0] == "sale" for one in box.told()))
        assert [one for one in box.told() if one[0] == "sale"] == [("sale", "4711", "checked", "None")]
        assert box.outbox.store is not None
        assert [one["reason"] for one in box.outbox.store.read(dead_letters)] == ["not_xml"]
    for file in (tmp_path / "state").iterdir():
        assert b"1999-03" not in file.read_bytes()
