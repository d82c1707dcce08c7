"""A till event as text for the inbox, and back: exact, and of one shape whichever door it came by."""

from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal

from edge.flow import TillEvent, TillEventType

__all__ = ["from_body", "to_body"]

_DEFAULTS = {field.name: field.default for field in fields(TillEvent)}


def to_body(event: TillEvent) -> str:
    """One line of JSON; what has its default is left out, decimals are texts."""
    told = {}
    for name, default in _DEFAULTS.items():
        value = getattr(event, name)
        if value != default:
            told[name] = str(value) if isinstance(value, Decimal | TillEventType) else value
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def from_body(body: str) -> TillEvent:
    """The event that `to_body` wrote, by this version or an older one. Raises ValueError, KeyError, TypeError."""
    told = {name: value for name, value in json.loads(body).items() if name in _DEFAULTS}
    for name in ("quantity", "unit_price"):
        if told.get(name) is not None:
            told[name] = Decimal(told[name])
    return TillEvent(**{**told, "type": TillEventType(told["type"])})
