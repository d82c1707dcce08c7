"""A birth date is never kept: where a till sends one, it is dropped and counted before anything else looks."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["is_birth_date", "without_birth_dates"]

_NAME = re.compile(r"birth|geburt|^d_?o_?b$|dateofb", re.IGNORECASE)
_DEPTH_MAX = 64


def is_birth_date(name: str) -> bool:
    """Does a field or element of this name hold a birth date?"""
    return _NAME.search(name.replace("-", "").replace(" ", "")) is not None


def without_birth_dates(document: Any, *, depth: int = 0) -> tuple[Any, int]:
    """A parsed JSON document without any field that holds a birth date, and how many were dropped.

    What is nested deeper than any event is dropped too, uncounted.
    """
    if depth > _DEPTH_MAX:
        return None, 0
    if isinstance(document, dict):
        kept, dropped = {}, 0
        for name, value in document.items():
            if is_birth_date(str(name)):
                dropped += 1
                continue
            kept[name], inner = without_birth_dates(value, depth=depth + 1)
            dropped += inner
        return kept, dropped
    if isinstance(document, list):
        pairs = [without_birth_dates(value, depth=depth + 1) for value in document]
        return [value for value, _ in pairs], sum(inner for _, inner in pairs)
    return document, 0
