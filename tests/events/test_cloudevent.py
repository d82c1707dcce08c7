"""What leaves the program can be read by anyone, and the same fact always looks the same."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.events import (
    CloudEvent,
    EventError,
    Sequencer,
    event_id,
    format_time,
    lane_source,
    parse_time,
    source_parts,
)
from tests.events.facts import TEN_O_CLOCK_NS

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/+#", exclude_categories=["C", "Z"]), min_size=1
).filter(lambda name: not name.startswith("$") and name not in (".", ".."))
TEXTS = st.text(st.characters(codec="utf-8"))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def event(**changes: Any) -> CloudEvent:
    """A valid event, so that a test shows only what it is about."""
    given_: dict[str, Any] = {
        "id": "e-1",
        "source": "/store-1/box-1/lane-1",
        "type": "checkout.camera.status.v1",
        "subject": "cam-1",
        "time": "2026-01-05T10:00:03.200Z",
        "data": {"lane": "lane-1"},
        "sequence": 1,
    }
    return CloudEvent(**{**given_, **changes})


@given(data=st.dictionaries(TEXTS, JSON_VALUES, max_size=5), sequence=st.integers(1, 10**14))
def test_what_is_written_reads_back_as_the_same_event_on_one_line(
    data: dict[str, Any], sequence: int
) -> None:
    written = event(data=data, sequence=sequence).to_json()

    assert "\n" not in written
    assert "\r" not in written
    read = CloudEvent.from_json(written.encode())
    assert read == event(data=data, sequence=sequence)
    assert read.to_json() == written


def test_attributes_stand_in_the_order_of_the_schema() -> None:
    assert list(json.loads(event().to_json())) == [
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "time",
        "datacontenttype",
        "sequence",
        "data",
    ]


@given(first=st.integers(1, 10**11), second=st.integers(1, 10**11))
def test_sequences_sort_alike_as_texts_and_as_numbers(first: int, second: int) -> None:
    a, b = (json.loads(event(sequence=n).to_json())["sequence"] for n in (first, second))

    assert (a < b) == (first < second)
    assert int(a) == first


def test_an_event_without_a_number_does_not_go_out() -> None:
    with pytest.raises(EventError, match="has no sequence yet"):
        event(sequence=None).to_json()


def test_an_event_keeps_its_data_whatever_the_builder_does_later() -> None:
    items = ["lager"]
    kept = event(data={"items": items})
    items.append("wine")

    assert kept.data == {"items": ["lager"]}


def test_minus_zero_and_zero_are_one_figure() -> None:
    assert event(data={"x": -0.0}).to_json() == event(data={"x": 0.0}).to_json()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"id": ""}, "id"),
        ({"source": "store/box/lane"}, "source"),
        ({"source": "/store/box/"}, "source"),
        ({"type": "age"}, "type"),
        ({"subject": ""}, "subject"),
        ({"time": "2026-01-05T10:00:03Z"}, "time"),
        ({"time": "2026-01-05T13:00:03.200+03:00"}, "time"),
        ({"time": "2026-02-30T10:00:03.200Z"}, "time"),
        ({"datacontenttype": "text/plain"}, "datacontenttype"),
        ({"sequence": 0}, "sequence"),
        ({"data": {"age": {"mean": math.nan}}}, r"data\.age\.mean"),
        ({"data": {"p": [1.0, math.inf]}}, r"data\.p\[1\]"),
        ({"data": {18: 0.1}}, "keys must be texts"),
        ({"data": {"picture": b"jpeg"}}, "bytes is no JSON value"),
        ({"data": {"name": "\ud800"}}, "surrogate"),
    ],
)
def test_a_bad_value_is_refused_by_name(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(EventError, match=told):
        event(**changes)


GOOD = json.loads(event().to_json())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not one event in JSON"),
        ("[]", "expected a JSON object, got list"),
        (event().to_json() + event().to_json(), "not one event in JSON"),
        (event().to_json()[:-5], "not one event in JSON"),
        (b"\xff\xfe\xfd", "not one event in JSON"),
        ("[" * 100_000, "not one event in JSON"),
        (json.dumps({**GOOD, "sequence": 1}), "sequence: expected a text"),
        (json.dumps({**GOOD, "sequence": "one"}), "sequence: expected a decimal string"),
        (json.dumps({**GOOD, "sequence": "²"}), "sequence: expected a decimal string"),
        (json.dumps({**GOOD, "data": []}), "data: expected a JSON object"),
        (json.dumps({**GOOD, "data": {"x": math.nan}}), "NaN"),
        (event().to_json().replace('"id":', '"id":"e-0","id":'), "twice"),
        *((json.dumps({k: v for k, v in GOOD.items() if k != name}), name) for name in GOOD),
    ],
)
def test_a_text_that_is_no_event_is_refused_with_the_reason(text: str | bytes, told: str) -> None:
    with pytest.raises(EventError, match=told):
        CloudEvent.from_json(text)


def test_an_attribute_of_a_newer_box_is_passed_over() -> None:
    assert CloudEvent.from_json(json.dumps({**GOOD, "traceparent": "00-1"})) == event()


@given(store=NAMES, box=NAMES, lane=NAMES)
def test_names_come_back_from_a_source_as_they_went_in(store: str, box: str, lane: str) -> None:
    source = lane_source(store, box, lane)

    assert source.isascii()
    assert source_parts(source) == (store, box, lane)


@pytest.mark.parametrize("name", ["", "a/b", "a+b", "#", " a", "a\n", "$SYS", "..", "a\x00"])
def test_a_name_that_would_change_a_topic_is_refused(name: str) -> None:
    with pytest.raises(EventError, match="cannot be part"):
        lane_source("store-1", name, "lane-1")


def test_ids_follow_from_the_fact_and_from_nothing_else() -> None:
    fact = ("/s/b/l", "checkout.age.estimated.v1", "t-1", ["cam-1", "x"])

    assert event_id(*fact) == event_id(*fact) == "7bd5b60e-43f5-50ce-85fc-a989b3d6450d"
    others = {
        event_id("/s/b/m", *fact[1:]),
        event_id(*fact[:2], "t-2", fact[3]),
        event_id(*fact[:3], ["cam-1", "y"]),
        event_id(*fact[:3], ["cam-1x"]),
        event_id(*fact),
    }
    assert len(others) == 5


@given(at_ns=st.integers(-60_000_000_000_000_000_000, 200_000_000_000_000_000_000))
def test_times_lose_less_than_a_millisecond_and_never_their_order(at_ns: int) -> None:
    read = parse_time(format_time(at_ns))

    assert 0 <= at_ns - read < 1_000_000
    assert format_time(read) == format_time(at_ns)


def test_ten_o_clock_is_written_as_the_schema_writes_it() -> None:
    assert format_time(TEN_O_CLOCK_NS + 3_200_999_999) == "2026-01-05T10:00:03.200Z"


def test_sources_are_numbered_apart() -> None:
    sequencer = Sequencer(last={"/store-1/box-1/lane-2": 41})
    here, there = event(sequence=None), event(sequence=None, source="/store-1/box-1/lane-2")

    assert [sequencer.number(e).sequence for e in (here, there, here, there)] == [1, 42, 2, 43]
    assert dataclasses.replace(here).sequence is None
