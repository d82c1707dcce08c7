"""Up by the measured ratio, down by one, and two results in a row decide."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from edge.bench.ramp import Ramp, Try


def climbed(
    passes: Callable[[int], bool], *, holds: float, start: int = 4, most: int = 96
) -> tuple[int, list[int]]:
    """The level that comes out, and what was tried, where a machine holds `holds` streams of work."""
    ramp = Ramp(start=start, most=most)
    tried = []
    while (count := ramp.next()) is not None:
        tried.append(count)
        assert len(tried) < 100, f"no end: {tried}"
        passed, room = passes(count), holds / count
        ramp.take(Try(streams=count, passed=passed, room=room if passed else min(room, 1.0)))
    return ramp.level, tried


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 17, 30, 31, 60])
@pytest.mark.parametrize("start", [1, 4, 20])
@pytest.mark.parametrize("hidden", [0.7, 1.0, 1.3])
def test_the_level_is_the_last_number_that_passes(limit: int, start: int, hidden: float) -> None:
    """Whatever the processor's load promises: something else may give way earlier or later."""
    level, tried = climbed(lambda count: count <= limit, holds=limit * hidden, start=start)
    assert level == limit
    assert tried.count(level) == 2
    assert tried.count(level + 1) == 2


def test_far_below_the_limit_one_result_is_enough_to_go_on() -> None:
    _, tried = climbed(lambda count: count <= 30, holds=30, start=2)
    assert tried[:2] == [2, 28]


def test_where_not_one_stream_passes_the_level_is_zero_and_it_ends() -> None:
    assert climbed(lambda _: False, holds=0.4, start=6) == (0, [6, 6, 1, 1])


def test_nothing_above_the_most_is_tried() -> None:
    level, tried = climbed(lambda _: True, holds=1000, start=2, most=8)
    assert (level, max(tried)) == (8, 8)


def test_a_number_that_passes_and_fails_by_turns_counts_as_failing() -> None:
    flicker = itertools.cycle([True, False])
    level, tried = climbed(lambda count: count <= 3 or (count == 4 and next(flicker)), holds=4, start=4)
    assert level == 3
    assert tried.count(4) <= 5
