"""What a box counts of its tills and sales, door by door."""

from __future__ import annotations

from pathlib import Path

from edge.app.till_stats import TillWatch
from edge.ops.till_stats import till_findings
from tests.scenarios.desk_box import a_beer, a_box, a_config, a_till


def test_every_event_is_counted_once_at_its_door_and_every_sale_by_its_end(tmp_path: Path) -> None:
    doors = "till: {http: {token_file: token}, lines: [{path: till.jsonl}]}"
    with a_box(a_config(tmp_path, doors)) as box:
        assert box.doors is not None
        watch = TillWatch(box.desk, box.doors, box.outbox)
        box.young_customer()
        beer, closed = a_beer(receipt="r-1"), a_till("receipt.closed", receipt="r-1")
        box.post([beer, beer, {**a_beer(receipt="r-9"), "at": "soon", "birth_date": "2009-01-01"}])
        box.post(beer)
        box.post([], token="no-token-of-this-box-0000000000000")
        box.post(b"no json")
        (tmp_path / "till.jsonl").write_text("half a line of nothing\n")
        box.until(lambda: watch.now().open_receipts == 1)
        box.post([closed, a_till("receipt.opened", receipt="r-2")])
        box.until(lambda: any(one[0] == "alert" for one in box.told()))
        box.post(a_till("id.verified", receipt="r-1"))  # by now the receipt has ended
        box.until(lambda: watch.now().too_late == 1)
        box.until(lambda: "not_json" in {door.door: door for door in watch.now().doors}["file"].refused)
        told = TillWatch(box.desk, box.doors, box.outbox).now()
    http, file = told.doors
    assert (http.door, http.accepted, http.duplicate, http.fault) == ("http", 4, 2, None)
    assert http.refused == {"bad_time": 1, "no_token": 1, "not_json": 1}
    assert http.dead_letters == 1
    assert (file.door, file.accepted, file.refused, file.dead_letters) == ("file", 0, {"not_json": 1}, 1)
    assert (told.birth_dates, told.backlog, told.open_receipts, told.unsaved) == (1, 0, 1, 0)
    assert (told.prompts, told.outcomes, told.alerts) == (1, {"unchecked": 1}, {"unchecked_sale": 1})
    assert till_findings(told) == []


def test_a_door_that_cannot_be_looked_through_is_told_by_its_reason(tmp_path: Path) -> None:
    (tmp_path / "till.jsonl").mkdir()
    with a_box(a_config(tmp_path, "till: {lines: [{path: till.jsonl}]}")) as box:
        assert box.doors is not None
        watch = TillWatch(box.desk, box.doors, box.outbox)
        box.until(lambda: watch.now().doors[0].fault is not None)
        [finding] = till_findings(watch.now())
        assert finding.startswith("the till's door file is shut: ")
