"""From the JSON of a till to a `TillEvent`: checked once at the border, exact, and without any birth date."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from datetime import UTC, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any

from edge.flow import TillEvent, TillEventType
from edge.till.birth import without_birth_dates
from edge.till.clock import read_time
from edge.till.products import Products
from edge.till.refusal import Refusal, TillEventRefused

__all__ = ["TillReader", "parse_json"]

_TEXT_MAX = 200
_PLACES_MAX, _DIGITS_MAX = 6, 15
_AGE_MAX = 120
_WHOLE_LINE = Decimal(10) ** _DIGITS_MAX
"""A void that names a line and no quantity takes back all of it; what a void takes beyond a line is ignored."""
_TYPES = {kind.value: kind for kind in TillEventType}


def parse_json(raw: bytes | str) -> Any:
    """A JSON document with exact numbers (`Decimal`, `int`). Raises TillEventRefused where it is none."""

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is no number")

    try:
        return json.loads(raw, parse_float=Decimal, parse_constant=refuse)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise TillEventRefused(Refusal.NOT_JSON, str(error)[:_TEXT_MAX]) from error


class TillReader:
    """Reads events of the lanes of one box. `dropped_birth_dates` counts what was thrown away unseen."""

    def __init__(
        self, *, lanes: Collection[str] | None = None, zone: tzinfo = UTC, products: Products | None = None
    ) -> None:
        """`lanes` None: events of any lane are taken. `zone`: where a local time is understood."""
        self._lanes = None if lanes is None else frozenset(lanes)
        self._zone = zone
        self._products = products or Products()
        self.counts: Counter[str] = Counter()

    @property
    def dropped_birth_dates(self) -> int:
        """How many fields with a birth date were dropped so far."""
        return self.counts["birth_dates"]

    def read(self, document: Any) -> TillEvent:
        """One event from parsed JSON (numbers as `parse_json` gives them).

        Fields that we do not know are passed over. Raises TillEventRefused with a typed reason and the event's id
        where it has one.
        """
        if not isinstance(document, dict):
            raise TillEventRefused(Refusal.NOT_AN_OBJECT, f"an event is a JSON object, not {_kind(document)}")
        told, dropped = without_birth_dates(document)
        self.counts["birth_dates"] += dropped
        given = told.get("id")
        event_id = given if isinstance(given, str) and 0 < len(given) <= _TEXT_MAX else None
        try:
            return self._products.mark(self._event(told))
        except TillEventRefused as refused:
            raise TillEventRefused(refused.reason, refused.detail, event_id=event_id) from refused

    def _event(self, told: dict[str, Any]) -> TillEvent:
        kind = _TYPES.get(_needed(told, "type"))
        if kind is None:
            raise TillEventRefused(Refusal.UNKNOWN_TYPE, f"type: one of {', '.join(_TYPES)}")
        lane = _needed(told, "lane")
        if self._lanes is not None and lane not in self._lanes:
            raise TillEventRefused(
                Refusal.UNKNOWN_LANE, f"lane: this box has {', '.join(sorted(self._lanes))}"
            )
        min_age = _number(told, "min_age")
        if min_age is not None and (min_age != int(min_age) or not 0 <= min_age <= _AGE_MAX):
            raise TillEventRefused(Refusal.BAD_NUMBER, f"min_age: whole years from 0 to {_AGE_MAX}")
        quantity = _number(told, "quantity")
        if quantity is not None and quantity < 0:
            raise TillEventRefused(Refusal.BAD_NUMBER, "quantity: 0 or more; take goods back by item.voided")
        if quantity is None:
            whole = kind is TillEventType.ITEM_VOIDED and told.get("line") not in (None, "")
            quantity = _WHOLE_LINE if whole else Decimal(1)
        event = TillEvent(
            id=_needed(told, "id"),
            lane=lane,
            at_ns=read_time(told.get("at"), zone=self._zone),
            type=kind,
            receipt=_needed(told, "receipt"),
            cashier=_text(told, "cashier"),
            line=_text(told, "line"),
            sku=_text(told, "sku"),
            name=_text(told, "name"),
            category=_text(told, "category"),
            quantity=quantity,
            unit_price=_number(told, "unit_price"),
            currency=_text(told, "currency"),
            restricted=_flag(told, "restricted"),
            min_age=None if min_age is None else int(min_age),
        )
        if kind is TillEventType.ITEM_VOIDED and event.line is None and event.sku is None:
            raise TillEventRefused(Refusal.MISSING, "line or sku: which goods are taken back")
        return event


def _needed(told: dict[str, Any], name: str) -> str:
    text = _text(told, name)
    if text is None:
        raise TillEventRefused(Refusal.MISSING, f"{name}: a text is needed")
    return text


def _text(told: dict[str, Any], name: str) -> str | None:
    """A text in one line; a whole number is taken as its digits, since many tills number receipts and lines."""
    value = told.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**18 else None
    if not isinstance(value, str) or not value.strip() or len(value) > _TEXT_MAX or not value.isprintable():
        raise TillEventRefused(
            Refusal.BAD_TEXT, f"{name}: one line of at most {_TEXT_MAX} printable characters"
        )
    return value


def _number(told: dict[str, Any], name: str) -> Decimal | None:
    """Exactly what was written, as a JSON number or a decimal string."""
    value = told.get(name)
    if value is None or value == "":
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal) or len(str(value)) > 40:
            raise ValueError
        number = Decimal(value)
        places = number.as_tuple().exponent
        if not number.is_finite() or not isinstance(places, int) or places < -_PLACES_MAX:
            raise ValueError
        if number.adjusted() >= _DIGITS_MAX:
            raise ValueError
    except (ValueError, InvalidOperation) as error:
        raise TillEventRefused(
            Refusal.BAD_NUMBER, f'{name}: a decimal such as "1.29" with at most {_PLACES_MAX} decimal places'
        ) from error
    return number


def _flag(told: dict[str, Any], name: str) -> bool:
    value = told.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise TillEventRefused(Refusal.BAD_FLAG, f"{name}: true or false")
    return value


def _kind(value: Any) -> str:
    return {list: "an array", str: "a text", type(None): "null"}.get(type(value), "a number")
