"""Times on the wire: RFC 3339 in UTC with milliseconds and `Z`, as `schemas.md` pins them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

__all__ = ["format_time", "parse_time"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHAPE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def format_time(at_ns: int) -> str:
    """Write nanoseconds since 1970 as `2026-01-05T10:00:03.200Z`.

    Rounded down to the millisecond, so that the order of two times survives the writing.
    Raises OverflowError or ValueError outside the years 1..9999.
    """
    at = _EPOCH + timedelta(milliseconds=at_ns // 1_000_000)
    return at.strftime("%Y-%m-%dT%H:%M:%S.").zfill(20) + f"{at.microsecond // 1000:03d}Z"


def parse_time(text: str) -> int:
    """Read what `format_time` writes, as nanoseconds since 1970. Raises ValueError for any other shape."""
    if not _SHAPE.fullmatch(text):
        raise ValueError(f"expected a UTC time like 2026-01-05T10:00:03.200Z, got {text!r}")
    since_epoch = datetime.fromisoformat(text) - _EPOCH
    return (since_epoch // timedelta(milliseconds=1)) * 1_000_000
