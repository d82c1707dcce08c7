"""A till's times: RFC 3339 with any zone; a local time without one takes the store's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from edge.till.refusal import Refusal, TillEventRefused

__all__ = ["read_time"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def read_time(text: object, *, zone: tzinfo, field: str = "at") -> int:
    """Nanoseconds since 1970 of `2026-01-05T10:00:03.2Z`, `…+02:00` or local `2026-01-05T10:00:03`.

    A local time that occurs twice (the clocks go back) is its first occurrence; one that never occurs (they go
    forward) is moved on by the hour that is missing. Raises TillEventRefused for anything else, and for years outside
    2000 to 2099: such a clock was never set.
    """
    if not isinstance(text, str) or len(text) < 16 or len(text) > 40:
        raise TillEventRefused(Refusal.BAD_TIME, f"{field}: a time like 2026-01-05T10:00:03.200Z is expected")
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=zone)
        in_utc = at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        shown = text if text.isprintable() else ascii(text)
        raise TillEventRefused(
            Refusal.BAD_TIME, f"{field}: '{shown}' is no time like 2026-01-05T10:00:03.200Z"
        ) from error
    if not _FIRST <= in_utc < _LAST:
        raise TillEventRefused(Refusal.BAD_TIME, f"{field}: '{text}' lies outside of the years 2000 to 2099")
    return (in_utc - _EPOCH) // timedelta(microseconds=1) * 1000
