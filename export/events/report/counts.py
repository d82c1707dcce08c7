"""Plain counts of baskets, known and unknown, marked and clean, with the small ones hidden. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.events.analysis.suppression import K, hidden_in_rows, hidden_in_table

__all__ = ["Counts", "counts_of", "monday_of"]

_Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Baskets by hour, lane group and week; None where a number is hidden. Masks are by hour or by week."""

    known: int | None
    unknown: int | None
    marked: int | None
    unknown_by_hour: tuple[tuple[int, int | None, int | None], ...]
    unknown_by_lane_group: tuple[tuple[str, int | None, int | None, int | None], ...]
    marked_days: tuple[tuple[str, int | None], ...]
    hour_known_hidden: _Mask
    week_baskets_hidden: _Mask
    week_marked_hidden: _Mask


def counts_of(by_date: dict[str, Any], by_hour: dict[str, Any], by_lane_group: dict[str, Any]) -> Counts:
    """What may be told of each count, given that the number of all baskets is told.

    Nobody unknown, or nobody of a blind day, is told as 0: there is no basket to protect.
    """
    total = int(by_date["n"].sum())
    unknown = int(by_date["n"][by_date["position"] < 0].sum())
    marked = int(by_date["n"][by_date["marked"]].sum())
    hours = np.unique(by_hour["hour"])
    in_hours = _split(by_hour["hour"], hours, by_hour["n"], by_hour["position"] < 0)
    hours_hidden = _hidden(in_hours)
    groups = sorted(
        zip(*(by_lane_group[c].tolist() for c in ("lane_group", "n", "unknown", "marked")), strict=True)
    )
    in_groups = np.array([[n - u, u] for _, n, u, _ in groups], dtype=np.float64)
    marked_in_groups = np.array([[n - m, m] for _, n, _, m in groups], dtype=np.float64)
    groups_hidden, group_marks_hidden = _hidden(in_groups), _hidden(marked_in_groups)
    days = by_date["date"].astype(str)
    weeks = np.array([monday_of(date.fromisoformat(day)).isoformat() for day in days])
    weeks_hidden = _hidden(_split(weeks, np.unique(weeks), by_date["n"], by_date["marked"]))
    marked_days = [
        (day, int(by_date["n"][(days == day) & by_date["marked"]].sum()))
        for day in sorted(set(days[by_date["marked"] & (by_date["n"] > 0)].tolist()))
    ]
    days_hidden = hidden_in_rows(np.array([[n for _, n in marked_days]], dtype=np.float64))[0]
    unknown_hidden = bool(_hidden(np.array([[total - unknown, unknown]], dtype=np.float64))[0, 1])
    unknown_hidden |= bool(hours_hidden[-1, :2].any() or groups_hidden[-1, :2].any())
    marked_hidden = bool(
        weeks_hidden[-1, :2].any() or group_marks_hidden[-1, :2].any() or days_hidden.sum() == 1
    )
    return Counts(
        known=None if unknown_hidden else total - unknown,
        unknown=None if unknown_hidden else unknown,
        marked=None if marked_hidden else marked,
        unknown_by_hour=tuple(
            (int(hour), _told(row.sum(), hide[2]), _told(row[1], hide[1]))
            for hour, row, hide in zip(hours, in_hours, hours_hidden, strict=False)
        ),
        unknown_by_lane_group=tuple(
            (str(group), _told(n, hide[2] or hide_marks[2]), _told(u, hide[1]), _told(m, hide_marks[1]))
            for (group, n, u, m), hide, hide_marks in zip(
                groups, groups_hidden, group_marks_hidden, strict=False
            )
        ),
        marked_days=tuple(
            (day, _told(n, hide)) for (day, n), hide in zip(marked_days, days_hidden, strict=True)
        ),
        hour_known_hidden=hours_hidden[:-1, 0] | hours_hidden[:-1, 2],
        week_baskets_hidden=weeks_hidden[:-1, 0],
        week_marked_hidden=weeks_hidden[:-1, 1],
    )


def monday_of(day: date) -> date:
    """The first day of its week."""
    return day - timedelta(days=day.weekday())


def _split(keys: NDArray[Any], rows: NDArray[Any], n: NDArray[Any], second: _Mask) -> NDArray[np.float64]:
    """Baskets of each row without and with a trait `(R, 2)`."""
    made = np.zeros((len(rows), 2))
    np.add.at(made, (np.searchsorted(rows, keys), second.astype(int)), n.astype(np.float64))
    return made


def _hidden(baskets: NDArray[np.float64]) -> _Mask:
    return hidden_in_table(baskets, k=K, empty_is_small=False)


def _told(number: float, hidden: Any) -> int | None:
    return None if hidden else int(number)
