"""Counts of unknown and marked baskets: small ones are hidden, and what would tell them by subtraction too."""

from __future__ import annotations

from typing import Any

import numpy as np

from export.events.report.counts import Counts, counts_of


def told(
    hours: dict[int, tuple[int, int]],
    days: dict[str, tuple[int, int]],
    groups: dict[str, tuple[int, int, int]],
) -> Counts:
    """`hours`: known and unknown baskets; `days`: clean and marked ones; `groups`: all, unknown, marked."""
    return counts_of(
        rows("date", days, "marked") | {"position": np.array([5] * 2 * len(days))},
        rows("hour", hours, "position"),
        {
            "lane_group": np.array(list(groups)),
            **{
                name: np.array([one[i] for one in groups.values()])
                for i, name in enumerate(("n", "unknown", "marked"))
            },
        },
    )


def rows(key: str, made: dict[Any, tuple[int, int]], trait: str) -> dict[str, Any]:
    traits = (5, -1) if trait == "position" else (False, True)
    return {
        key: np.array([name for name in made for _ in range(2)]),
        "n": np.array([n for pair in made.values() for n in pair]),
        trait: np.array([one for _ in made for one in traits]),
    }


PLENTY = {"lanes": (600, 60, 0)}
WEEK = {"2026-01-05": (600, 0)}


def test_plenty_is_told_and_so_is_nobody() -> None:
    made = told({8: (100, 0), 9: (200, 30)}, WEEK, PLENTY)
    assert made.unknown_by_hour == ((8, 100, 0), (9, 230, 30))
    assert made.unknown_by_lane_group == (("lanes", 600, 60, 0),)
    assert (made.known, made.unknown, made.marked) == (600, 0, 0)
    assert not made.week_baskets_hidden.any()


def test_few_unknown_of_an_hour_hide_how_many_were_known_and_another_hours_too() -> None:
    made = told({8: (100, 5), 9: (200, 30), 10: (300, 60)}, WEEK, PLENTY)
    assert made.unknown_by_hour == ((8, 105, None), (9, 230, None), (10, 360, 60))
    assert made.hour_known_hidden.tolist() == [True, True, False]


def test_an_hour_of_few_baskets_is_not_told_at_all() -> None:
    made = told({7: (4, 3), 8: (100, 20), 9: (200, 30)}, WEEK, PLENTY)
    assert made.unknown_by_hour[0] == (7, None, None)
    assert sum(n is None for _, n, _ in made.unknown_by_hour) > 1, "all baskets less the others"


def test_few_baskets_of_a_blind_day_hide_the_sum_of_all_such_days() -> None:
    made = told(
        {8: (100, 20)},
        {"2026-01-05": (500, 0), "2026-01-12": (500, 4)},
        {"a": (504, 60, 4), "b": (500, 60, 0)},
    )
    assert made.marked_days == (("2026-01-12", None),)
    assert made.marked is None
    assert made.week_marked_hidden[1]
    assert made.week_baskets_hidden[1]
    assert made.unknown_by_lane_group[0][3] is None
