"""The real daemon is killed again and again, within commits and deliveries too; who reads its sinks sees nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Measured
from tests.soak.storm import CHECKOUT, Storm


def survived(tmp_path: Path, shared: Path, kills: int, seed: int) -> dict[str, Any]:
    storm = Storm(tmp_path, film=shared / "video" / "lane_rush.mp4", models=shared / "models", seed=seed)
    try:
        storm.rage(kills)
        storm.settle()
        told = storm.verdict()
    finally:
        storm.close()
    print(json.dumps(told))
    assert told["complaints"] == []
    assert told["register_holds"], told["register"]
    assert sum(told["kills"].values()) == kills
    assert told["till_events_acknowledged"] == told["till_events_sent"]
    assert "Traceback" not in storm.log()
    return told


SAID = (
    "{} kills, {} of them within a commit, a delivery or an answer: {} of {} till events never acknowledged, "
    "{} receipts ended, {} events in both sinks, {} lost, invented or told in two ways"
)


def counts_of(told: dict[str, Any]) -> tuple[int, ...]:
    """The checker's counts for these words."""
    kills = told["kills"]
    return (
        sum(kills.values()),
        sum(number for place, number in kills.items() if not place.startswith("outside")),
        told["till_events_sent"] - told["till_events_acknowledged"],
        told["till_events_sent"],
        sum(told["outcomes"].values()),
        told["events"],
        len(told["complaints"]),
    )


def test_ten_kills_lose_nothing_invent_nothing_and_end_no_receipt_twice(
    tmp_path: Path, shared: Path, measured: Measured
) -> None:
    told = survived(tmp_path, shared, 10, seed=7)
    assert told["events"] > 20
    measured("killed at a random moment", SAID, *counts_of(told))


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(11, 21))
def test_two_hundred_kills(tmp_path: Path, shared: Path, seed: int, measured: Measured) -> None:
    """Twenty in each of ten shops."""
    told = survived(tmp_path, shared, 20, seed=seed)
    measured("killed at a random moment", f"ten shops: {SAID}", *counts_of(told))


def check(folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak.storm_checker", str(folder)],
        cwd=CHECKOUT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return list(json.loads(done.stdout)["complaints"])


def outcome(receipt: str, sequence: int, word: str = "checked", **more: Any) -> dict[str, Any]:
    return {
        "source": "/s/b/lane-1", "id": f"o-{receipt}", "sequence": str(sequence),
        "type": "checkout.sale.outcome.v1", "data": {"receipt": receipt, "outcome": word}, **more,
    }  # fmt: skip


TILL = [
    {
        "id": f"r-1-{number}",
        "receipt": "r-1",
        "type": kind,
        "acknowledged": True,
        "sku": "beer",
        "restricted": True,
    }
    for number, kind in enumerate(["receipt.opened", "item.added", "id.verified", "receipt.closed"])
]


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ([outcome("r-1", 1)], None),
        ([outcome("r-1", 1), outcome("r-1", 1)], None),
        ([], "has no outcome"),
        ([outcome("r-1", 2)], "never delivered"),
        ([outcome("r-1", 1), outcome("r-1", 2, id="o-2")], "ended 2 times"),
        ([outcome("r-1", 1), outcome("r-1", 1, "unseen")], "told in two ways"),
        ([outcome("r-1", 1), outcome("r-9", 2)], "no till ever sold"),
        ([outcome("r-1", 1, "unseen")], "say otherwise"),
    ],
)
def test_the_checker_sees_what_is_wrong(
    tmp_path: Path, told: list[dict[str, Any]], complaint: str | None
) -> None:
    (tmp_path / "till.jsonl").write_text("".join(json.dumps(one) + "\n" for one in TILL))
    for name in ("events.jsonl", "hook.jsonl"):
        (tmp_path / name).write_text("".join(json.dumps(one) + "\n" for one in told))
    found = check(tmp_path)
    if complaint is None:
        assert found == []
    else:
        assert any(complaint in one for one in found), found
