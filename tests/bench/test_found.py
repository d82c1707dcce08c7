"""Whether a live lane lost a customer that replay finds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.bench.found import matched

THREE = [(1.0, 6.0), (9.0, 14.0), (16.0, 20.0)]


def test_the_same_people_a_little_later_are_all_found():
    assert matched(THREE, [(a + 0.7, b + 0.6) for a, b in THREE]) == 3


def test_who_was_lost_is_not_made_up_for_by_somebody_else():
    assert matched(THREE, [THREE[0], (30.0, 40.0), THREE[2]]) == 2


def test_one_who_was_told_twice_counts_once():
    assert matched([(0.0, 10.0)], [(0.0, 5.0), (5.0, 10.0)]) == 1
    assert matched([(0.0, 5.0), (5.0, 10.0)], [(0.0, 10.0)]) == 1


def test_nobody_among_nobody():
    assert matched([], []) == matched(THREE, []) == matched([], THREE) == 0


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0.5, 9)), max_size=6), st.floats(-4, 4))
def test_a_lane_that_finds_what_replay_finds_loses_nobody_whenever_it_began(stays, shift):
    expected = [(begin, begin + lasts) for begin, lasts in stays]
    assert matched(expected, [(a + shift, b + shift) for a, b in expected]) == len(expected)
