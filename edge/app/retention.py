"""How long marketing's days are kept, counted in months of the store's calendar."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

__all__ = ["months_before"]


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last one of a shorter month; not before the calendar's first."""
    index = day.year * 12 + day.month - 1 - months
    if index < 12:
        return date.min
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
