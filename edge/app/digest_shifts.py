"""Which shift a moment belongs to, by the store's own clock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

__all__ = ["shift_of"]


def shift_of(at_ns: int, *, begin: Sequence[str], zone: str) -> tuple[int, int]:
    """`(from_ns, to_ns)` of the shift around a moment; `begin` are times of day such as `06:00`.

    The night in which clocks change has a shift that is an hour shorter or longer; a time of day that this night does
    not have counts as the moment that the clock shows instead.
    """
    here = ZoneInfo(zone)
    day = datetime.fromtimestamp(at_ns // 10**9, UTC).astimezone(here).date()
    moments = sorted(
        {
            round(
                datetime.combine(day + timedelta(days=off), time.fromisoformat(word), here).timestamp() * 1e9
            )
            for off in (-2, -1, 0, 1, 2)
            for word in begin
        }
    )
    place = bisect_right(moments, at_ns)
    return moments[place - 1], moments[place]
