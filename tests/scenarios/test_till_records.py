"""What is left of a day at the till, as people ask for it: explain, register, whatif, figures of cashiers."""

from __future__ import annotations

import csv
import json
from contextlib import closing
from pathlib import Path

import pytest

from edge.app.recorded import cashiers, open_state
from edge.cli import main
from tests.scenarios.desk_box import a_beer, a_box, a_config, a_till


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("box")
    with a_box(a_config(folder)) as box:
        box.young_customer()
        # What the till tells is of now, whatever time this machine takes to send it.
        beers = [{**a_beer(receipt=name, ago_s=1.0), "cashier": "c-7"} for name in ("r-1", "r-2")]
        checked = a_till("id.verified", receipt="r-2", ago_s=0.5)
        closed = [a_till("receipt.closed", receipt=name) for name in ("r-1", "r-2")]
        box.post(beers)
        box.until(lambda: sum(one[0] == "check" for one in box.told()) == 2)
        box.post([checked])
        box.post(closed)
        box.post([a_till("receipt.opened", receipt="r-3")])
        box.until(lambda: sum(one[0] == "sale" for one in box.told()) == 2)
    return folder / "state"


def test_explain_shows_all_that_decided(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "r-1", "--from", str(state)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["outcome"], told["track"]) == ("unchecked", "t-1")
    assert [event["type"] for event in told["till_events"]] == ["item.added", "receipt.closed"]
    assert told["candidates"][0]["track"] == "t-1"
    assert told["candidates"][0]["score"] > 0
    assert set(told["policy"]) >= {"name", "legal_age", "challenge_age", "miss_rate", "tau", "config_hash"}
    assert [one["kind"] for one in told["alerts"]] == ["unchecked_sale"]
    assert "c-7" not in json.dumps(told)


def test_explain_knows_an_open_receipt_and_says_where_it_knows_none(
    state: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["explain", "r-3", "--from", str(state)]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "open"
    assert main(["explain", "r-99", "--from", str(state)]) == 1
    assert main(["explain", "r-1", "--from", str(tmp_path)]) == 2


def test_the_register_is_verified_and_exported(
    state: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["register", "verify", "--from", str(state)]) == 0
    assert "3 entries" in capsys.readouterr().out
    out = tmp_path / "register.csv"
    assert main(["register", "export", "--from", str(state), "--out", str(out)]) == 0
    rows = list(csv.DictReader(out.open(encoding="utf-8", newline="")))
    assert [row["kind"] for row in rows] == ["challenge", "challenge", "alert"]
    assert all(row["tau"] and row["model"] and row["config_hash"] for row in rows)
    noted = f"{rows[-1]['number']}:{rows[-1]['chain']}"
    assert main(["register", "verify", "--from", str(state), "--noted", noted]) == 0
    assert main(["register", "verify", "--from", str(state), "--noted", f"9:{rows[-1]['chain']}"]) == 1


def test_another_policy_is_tried_on_what_was_recorded(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--from", str(state), "--challenge-age", "25,30", "--miss-rate", "0.05,0.10", "--json"]
    assert main(["policy", "whatif", *options]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["challenge_age"], row["miss_rate"]) for row in rows] == [
        (25, 0.05),
        (25, 0.1),
        (30, 0.05),
        (30, 0.1),
    ]
    assert {row["prompts_per_100"] for row in rows} == {100.0}
    assert {row["alerts_per_100"] for row in rows} == {50.0}
    assert main(["policy", "whatif", "--from", str(state), "--miss-rate", "0.5"]) == 2
    assert "choose one of them" in capsys.readouterr().err


def test_figures_of_a_cashier_say_that_there_is_not_enough_data(state: Path) -> None:
    with closing(open_state(state)) as connection:
        everybody, one = cashiers(connection, from_ns=0, to_ns=1 << 62, min_check_seconds=2.0)
    assert (everybody.cashier, one.cashier, one.sales) == (None, "c-7", 2)
    assert one.verdict.startswith("not enough data")
