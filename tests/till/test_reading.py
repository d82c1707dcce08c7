"""What a till may send, what is refused and why, and that a birth date never gets anywhere."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.flow import TillEventType
from edge.till import Product, Products, Refusal, TillEventRefused, TillReader, parse_json
from edge.till.body import from_body, to_body

LAGER = {
    "id": "e-1",
    "lane": "lane-1",
    "at": "2026-01-05T10:00:03.200Z",
    "type": "item.added",
    "receipt": "r-1",
    "sku": "4600",
    "name": "Lager 0.5",
    "category": "alcohol",
    "unit_price": "1.29",
    "restricted": True,
    "min_age": 18,
}
AT_NS = 1_767_607_203_200_000_000


def read(**changes: Any) -> Any:
    return TillReader(lanes=["lane-1"]).read(parse_json(json.dumps({**LAGER, **changes})))


def test_the_event_of_the_format_page() -> None:
    event = read()
    assert (event.at_ns, event.type, event.unit_price) == (AT_NS, TillEventType.ITEM_ADDED, Decimal("1.29"))
    assert (event.restricted, event.min_age, event.quantity) == (True, 18, Decimal(1))


def test_a_price_as_a_json_number_is_read_exactly() -> None:
    raw = (
        json.dumps(LAGER).replace('"1.29"', "0.1000000000000000055").replace("0.1000000000000000055", "2.690")
    )
    assert str(TillReader().read(parse_json(raw)).unit_price) == "2.690"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "item.gone"}, Refusal.UNKNOWN_TYPE),
        ({"type": None}, Refusal.MISSING),
        ({"id": ""}, Refusal.MISSING),
        ({"receipt": {"number": 1}}, Refusal.BAD_TEXT),
        ({"lane": "lane-9"}, Refusal.UNKNOWN_LANE),
        ({"at": "yesterday"}, Refusal.BAD_TIME),
        ({"at": "1970-01-01T00:00:00Z"}, Refusal.BAD_TIME),
        ({"at": 1767607203}, Refusal.BAD_TIME),
        ({"unit_price": "1,29"}, Refusal.BAD_NUMBER),
        ({"unit_price": "NaN"}, Refusal.BAD_NUMBER),
        ({"quantity": -1}, Refusal.BAD_NUMBER),
        ({"quantity": "1e30"}, Refusal.BAD_NUMBER),
        ({"restricted": "yes"}, Refusal.BAD_FLAG),
        ({"min_age": 17.5}, Refusal.BAD_NUMBER),
        ({"name": "a\nb"}, Refusal.BAD_TEXT),
        ({"sku": "x" * 500}, Refusal.BAD_TEXT),
        ({"type": "item.voided", "sku": None}, Refusal.MISSING),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason_and_id(changes: dict[str, Any], reason: Refusal) -> None:
    with pytest.raises(TillEventRefused) as refused:
        read(**changes)
    assert refused.value.reason is reason
    assert refused.value.event_id == (None if changes.get("id") == "" else "e-1")


def test_a_birth_date_anywhere_is_dropped_and_counted() -> None:
    reader = TillReader()
    nested = {
        "customer": {"date_of_birth": "2009-01-01", "ids": [{"Birthdate": "x"}]},
        "dob": "y",
        "BirthDate": 3,
    }
    event = reader.read({**LAGER, **nested})
    assert reader.dropped_birth_dates == 4
    assert "2009" not in to_body(event)


@pytest.mark.parametrize(
    ("at", "hour_utc"),
    [
        ("2026-01-05T10:00:00", 9),
        ("2026-07-05T10:00:00", 8),
        ("2026-01-05T10:00:00+02:00", 8),
        ("2026-10-25T02:30:00", 0),  # happens twice: the first
        ("2026-03-29T02:30:00", 1),  # never happens: the clocks have gone on
    ],
)
def test_a_local_time_takes_the_stores_zone(at: str, hour_utc: int) -> None:
    reader = TillReader(zone=ZoneInfo("Europe/Berlin"))
    assert reader.read({**LAGER, "at": at}).at_ns // 3_600_000_000_000 % 24 == hour_utc


@pytest.mark.parametrize(
    ("item", "age"),
    [
        ({"restricted": True, "min_age": None, "category": None}, None),
        ({"restricted": False, "min_age": 16, "category": None}, 16),
        ({"restricted": False, "min_age": None, "category": "ALCOHOL"}, 18),
        ({"restricted": False, "min_age": None, "category": "misc", "sku": "4600"}, 21),
        ({"restricted": False, "min_age": None, "category": "misc", "name": "Energy Drink Max"}, 16),
        ({"restricted": False, "min_age": 16, "category": "alcohol"}, 18),
    ],
)
def test_goods_are_restricted_by_till_category_or_pattern_and_the_strictest_counts(
    item: dict[str, Any], age: int | None
) -> None:
    products = Products(
        categories={"alcohol": 18},
        products=[Product(pattern="46?0", min_age=21), Product(pattern="*energy*", min_age=16)],
    )
    plain = {"sku": "1", "name": "Bread", **item}
    event = TillReader(products=products).read({**LAGER, **plain})
    assert (event.restricted, event.min_age) == (True, age)
    assert (
        not TillReader(products=products)
        .read(
            {**LAGER, "restricted": False, "min_age": None, "category": "misc", "sku": "1", "name": "Bread"}
        )
        .restricted
    )


def test_an_event_comes_back_from_the_inbox_as_it_went_in() -> None:
    event = read(quantity="0.350", line=7, cashier="c-7", currency="EUR", name="Käse “alt”")
    assert from_body(to_body(event)) == event


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@settings(deadline=None)
@given(changes=st.dictionaries(st.sampled_from(sorted(LAGER)), _json))
def test_whatever_comes_is_an_event_or_refused(changes: dict[str, Any]) -> None:
    try:
        event = TillReader().read({**LAGER, **changes})
    except TillEventRefused:
        return
    assert from_body(to_body(event)) == event


@settings(deadline=None)
@given(raw=st.binary(max_size=200))
def test_any_bytes_are_json_or_refused(raw: bytes) -> None:
    """Nothing but a refusal ever comes out of the parser."""
    with suppress(TillEventRefused):
        parse_json(raw)
