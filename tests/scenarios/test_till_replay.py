"""A clip with its till: who pays, what is asked, how every sale ends, and that all of it follows from the print."""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.clips import Printed, matches, replay
from tests.scenarios.till_checker import complaints

DETECTORS = ["yunet", "mtcnn"]


def truth_of(shared: Path) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((shared / "video" / "lane_ages.truth.json").read_text())
    return truth


def till_events(shared: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (shared / "video" / "lane_till.jsonl").read_text().splitlines()]


def replay_with(shared: Path, till: Path, *, detector: str = "yunet") -> Printed:
    video = shared / "video"
    options = ("--zones", str(video / "lane_ages.zones.json"), "--detector", detector, "--till", str(till))
    return replay(video / "lane_ages.mp4", *options, models=shared / "models")


@pytest.fixture(scope="module")
def sales(shared: Path) -> dict[str, Printed]:
    return {
        name: replay_with(shared, shared / "video" / "lane_till.jsonl", detector=name) for name in DETECTORS
    }


def outcomes(printed: Printed) -> dict[str, dict[str, Any]]:
    found = (event["data"] for event in printed.events if event["type"] == "checkout.sale.outcome.v1")
    return {data["receipt"]: data for data in found}


@pytest.mark.parametrize("detector", DETECTORS)
def test_everything_that_is_told_follows_from_ages_till_and_policy(
    sales: dict[str, Printed], shared: Path, detector: str
) -> None:
    assert sales[detector].code == 0, sales[detector].stderr
    assert complaints(sales[detector].events, till_events(shared)) == []


@pytest.mark.parametrize("detector", DETECTORS)
def test_the_payer_is_the_customer_of_the_truth_on_13_of_14_receipts(
    sales: dict[str, Printed], shared: Path, detector: str
) -> None:
    truth = truth_of(shared)
    ages = [event for event in sales[detector].events if event["type"] == "checkout.age.estimated.v1"]
    actor = {
        event["data"]["track"]: name for name, events in matches(ages, truth).items() for event in events
    }
    ended = outcomes(sales[detector])
    right = [
        one["id"] for one in truth["receipts"] if actor.get(ended[one["id"]]["track"]) == one["customer"]
    ]
    assert len(right) >= 13, sorted(set(ended) - set(right))
    companions = {actor[event["data"]["track"]] for event in ages if event["data"]["role"] == "companion"}
    assert companions <= {"p03", "p12"}


@pytest.mark.parametrize("detector", DETECTORS)
def test_what_the_till_alone_decides_ends_as_the_truth_says(
    sales: dict[str, Printed], shared: Path, detector: str
) -> None:
    ended = outcomes(sales[detector])
    for one in truth_of(shared)["receipts"]:
        if one["expected"] in ("checked", "refused", "no_restricted_item"):
            assert ended[one["id"]]["outcome"] == one["expected"]


def till_of_scene(shared: Path, clip: str) -> list[dict[str, Any]]:
    """The till file of a clip that lies there without one, made from its scene as its maker makes it."""
    scene = json.loads((shared / "video" / "scenes" / f"{clip}.scene.json").read_text())
    start = datetime.fromisoformat(scene["clip_start"])
    told = sorted(
        ((event["t"], one["id"], event) for one in scene["receipts"] for event in one["events"]),
        key=lambda each: each[0],
    )
    return [
        {
            "id": f"evt-{number}",
            "lane": scene["lane"],
            "at": (start + timedelta(seconds=at_s)).isoformat(timespec="milliseconds"),
            "receipt": receipt,
            **{name: value for name, value in event.items() if name != "t"},
        }
        for number, (at_s, receipt, event) in enumerate(told, 1)
    ]


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("detector", DETECTORS)
@pytest.mark.parametrize(("clip", "receipts"), [("lane_rush", 8), ("lane_1080p15", 4)])
def test_other_clips_of_the_same_make_end_as_they_must(
    shared: Path, tmp_path: Path, clip: str, receipts: int, detector: str
) -> None:
    """A queue whose next customer waits behind, somebody who comes back, and a large picture."""
    video = shared / "video"
    till = till_of_scene(shared, clip)
    (tmp_path / "till.jsonl").write_text("".join(json.dumps(one) + "\n" for one in till))
    truth = json.loads((video / f"{clip}.truth.json").read_text())
    options = ("--zones", str(video / f"{clip}.zones.json"), "--detector", detector)
    options += ("--start", truth["clip_start"], "--till", str(tmp_path / "till.jsonl"))
    printed = replay(video / f"{clip}.mp4", *options, models=shared / "models")
    assert printed.code == 0, printed.stderr
    assert complaints(printed.events, till) == []
    ended = outcomes(printed)
    assert len(ended) == receipts
    ages = [event for event in printed.events if event["type"] == "checkout.age.estimated.v1"]
    actor = {event["data"]["track"]: name for name, own in matches(ages, truth).items() for event in own}
    wrong = {
        one["id"]: actor.get(ended[one["id"]]["track"])
        for one in truth["receipts"]
        if actor.get(ended[one["id"]]["track"]) != one["customer"]
    }
    assert len(wrong) <= receipts // 8, wrong


def test_lines_in_any_order_repeated_or_bad_change_no_byte_and_bad_ones_are_named(
    sales: dict[str, Printed], shared: Path, tmp_path: Path
) -> None:
    lines = (shared / "video" / "lane_till.jsonl").read_text().splitlines()
    lines += lines[:20]
    random.Random(4).shuffle(lines)
    lines.insert(3, '{"id": "x", "lane": "lane-1", "type": "item.gone"}')
    lines.insert(7, "half a li")
    lines.append(
        '{"id":"o","lane":"lane-9","at":"2026-01-05T10:00:09Z","type":"receipt.opened","receipt":"other"}'
    )
    till = tmp_path / "till.jsonl"
    till.write_text("\n".join(lines))
    printed = replay_with(shared, till)
    assert printed.code == 0
    assert "till.jsonl:4: unknown_type" in printed.stderr
    assert "till.jsonl:8: not_json" in printed.stderr
    assert printed.stdout == sales["yunet"].stdout


def test_a_till_file_that_is_none_is_refused_with_the_reason(shared: Path, tmp_path: Path) -> None:
    missing = replay_with(shared, tmp_path / "none.jsonl")
    assert (missing.code, missing.stdout) == (2, b"")
    assert "none.jsonl" in missing.stderr
    (tmp_path / "clip.jsonl").write_bytes(b"\x00\x01 no till\n\n")
    assert replay_with(shared, tmp_path / "clip.jsonl").code == 2


def test_the_checker_finds_what_is_wrong(sales: dict[str, Printed], shared: Path) -> None:
    """A checker that complains about nothing proves nothing: each of these is one thing wrong."""
    till = till_events(shared)

    def broken(type_: str, /, **changes: Any) -> list[str]:
        events = json.loads(json.dumps(sales["yunet"].events))
        event = next(one for one in events if one["type"] == type_)
        event["data"] |= changes
        return complaints(events, till)

    assert broken("checkout.sale.outcome.v1", outcome="not_prompted")
    assert broken("checkout.sale.outcome.v1", p_under={"18": 0.0, "25": 0.0})
    assert broken("checkout.sale.outcome.v1", track="t-nobody")
    assert broken("checkout.alert.raised.v1", severity="high")
    assert broken("checkout.alert.raised.v1", kind="unseen_customer")
    assert broken("checkout.check.requested.v1", receipt="R-1001")
    assert complaints(sales["yunet"].events[:-3], till)
