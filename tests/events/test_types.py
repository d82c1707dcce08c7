"""The table of types says what `schemas.md` says, and a person at the till becomes one pinned line."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from edge.events import (
    EVENT_TYPES,
    CloudEvent,
    EventError,
    Purpose,
    age_event,
    build_event,
    camera_status_event,
)
from edge.events.types import AGE_ESTIMATED, CHECK_REQUESTED
from edge.flow import AgeEstimate
from tests.events.facts import ADULT, BLURRED, SECOND_NS, TEN_O_CLOCK_NS, track_report

GOLDEN = Path(__file__).parent / "golden"
OURS = {"checkout.alert.escalated.v1", "checkout.shift.digest.v1"}
"""Types beside the pinned ones, as docs/pages.md tells them."""


def camera_down() -> CloudEvent:
    return camera_status_event(
        store="store-1",
        box="box-1",
        lane="lane-1",
        camera="cam-1",
        state="down",
        reason="no_frames",
        since_ns=TEN_O_CLOCK_NS,
        at_ns=TEN_O_CLOCK_NS + 10 * SECOND_NS,
    )


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("age_known", age_event(track_report(), store="store-1", box="box-1")),
        ("age_unknown", age_event(track_report(estimate=BLURRED), store="store-1", box="box-1")),
        ("age_russian_store", age_event(track_report(), store="магазин 5", box="box-1")),
        ("camera_down", camera_down()),
    ],
)
def test_an_event_is_byte_for_byte_the_golden_line(name: str, event: CloudEvent) -> None:
    """A changed line breaks receivers and old data: change the file only together with `schemas.md`."""
    assert event.numbered(7).to_json() + "\n" == (GOLDEN / f"{name}.json").read_text()


def test_every_type_and_field_of_the_schema_is_in_the_table(shared: Path) -> None:
    page = (shared / "schemas.md").read_text()
    rows = {
        name: re.findall(r"`([a-z_]+)`(?! [≥=])", cells.split("|")[0])
        for name, cells in re.findall(
            r"^\| `(checkout\.[a-z.]+\.v1)` \| [^|]+ \| (.*) \|$", page, re.MULTILINE
        )
    }

    pinned = {"checkout.age.estimated.v1", *rows}
    assert pinned | OURS == set(EVENT_TYPES)
    assert not pinned & OURS
    for name, fields in rows.items():
        assert set(EVENT_TYPES[name].fields) - {"lane"} <= set(fields), name
    words = re.search(r"\{lane\}/\{([a-z|]+)\}", page)
    assert words is not None
    assert {EVENT_TYPES[name].word for name in pinned} == set(words[1].split("|"))
    example = re.search(r"^```json\n(.*?)```", page, re.MULTILINE | re.DOTALL)
    assert example is not None
    assert tuple(json.loads(example[1])) == AGE_ESTIMATED.fields


def test_who_may_have_what() -> None:
    """Marketing never learns of a person, a check or an alert; operations sees machines only."""
    allowed = {p: {k.word for k in EVENT_TYPES.values() if p in k.purposes} for p in Purpose}

    assert allowed == {
        Purpose.SECURITY: {
            *("age", "check", "outcome", "alert", "ack", "camera", "warning"),
            *("escalation", "digest"),
        },
        Purpose.MARKETING: {"offer"},
        Purpose.OPERATIONS: {"camera", "warning"},
    }


def test_a_second_look_at_the_same_person_is_the_same_fact() -> None:
    """Another model, one crop more: receivers still drop the repeat by its id."""
    first = age_event(track_report(), store="store-1", box="box-1")
    later = age_event(
        track_report(model="other/2", to_s=12, estimate=replace(ADULT, crops=6)), store="store-1", box="box-1"
    )
    someone_else = age_event(track_report(from_s=3.3), store="store-1", box="box-1")

    assert later.id == first.id
    assert someone_else.id != first.id


def test_going_down_coming_back_and_going_down_again_are_three_facts() -> None:
    def status(state: str, reason: str, since_s: int) -> CloudEvent:
        return camera_status_event(
            store="s", box="b", lane="l", camera="c", state=state, reason=reason, since_ns=since_s * SECOND_NS
        )

    told = [status("down", "frozen", 1), status("up", "ok", 5), status("down", "frozen", 9)]

    assert len({event.id for event in told}) == 3
    assert [event.time for event in told] == [event.data["since"] for event in told]


def test_a_track_that_goes_on_gives_no_event() -> None:
    with pytest.raises(EventError, match="has ended"):
        age_event(track_report(ended=False), store="store-1", box="box-1")


def test_half_an_estimate_is_refused() -> None:
    half = AgeEstimate(mean_years=30.0, median_years=30.0)

    with pytest.raises(EventError, match="low and high"):
        age_event(track_report(estimate=half), store="store-1", box="box-1")


@pytest.mark.parametrize(("state", "reason"), [("gone", "ok"), ("down", "tired")])
def test_a_camera_state_that_is_not_in_the_schema_is_refused(state: str, reason: str) -> None:
    with pytest.raises(EventError, match="cam-1"):
        camera_status_event(
            store="s", box="b", lane="l", camera="cam-1", state=state, reason=reason, since_ns=TEN_O_CLOCK_NS
        )


def test_a_forgotten_field_is_named() -> None:
    with pytest.raises(EventError, match=r"r-1.*lacks track, p_under, items, policy"):
        build_event(
            CHECK_REQUESTED,
            store="s",
            box="b",
            lane="l",
            subject="r-1",
            at_ns=TEN_O_CLOCK_NS,
            data={"receipt": "r-1", "challenge_age": 25},
        )


def test_a_field_more_stands_behind_the_pinned_ones() -> None:
    event = build_event(
        EVENT_TYPES["checkout.alert.acknowledged.v1"],
        store="s",
        box="b",
        lane="l",
        subject="a-1",
        at_ns=TEN_O_CLOCK_NS,
        data={"corrects": "a-0", "note": "", "outcome": "checked", "by": "ann", "alert": "a-1"},
    )

    assert list(event.data) == ["lane", "alert", "by", "outcome", "note", "corrects"]
