"""Pauses between attempts, and turns between cameras."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.camera.backoff import Backoff, OpenGate


class Always:
    def __init__(self, number: float) -> None:
        self.number = number

    def random(self) -> float:
        return self.number


def test_pauses_double_up_to_the_longest_and_begin_anew_after_success():
    backoff = Backoff(least_s=1, most_s=10, chance=Always(1.0))
    assert [backoff.pause_s() for _ in range(6)] == [1, 2, 4, 8, 10, 10]
    backoff.reset()
    assert backoff.pause_s() == 1


def test_what_will_not_pass_soon_waits_longest_at_once():
    backoff = Backoff(least_s=1, most_s=10, chance=Always(1.0))
    assert [backoff.longest_s(), backoff.pause_s()] == [10, 10]


@given(st.integers(), st.floats(0.01, 5), st.floats(1, 100))
def test_every_pause_is_between_half_and_all_of_its_step(seed, least_s, factor):
    backoff = Backoff(least_s=least_s, most_s=least_s * factor, chance=random.Random(seed))
    for n in range(20):
        full_s = min(least_s * 2**n, least_s * factor)
        assert full_s * 0.499 <= backoff.pause_s() <= full_s * 1.001


def test_two_cameras_do_not_come_back_in_step():
    one, other = (Backoff(least_s=1, most_s=30, chance=random.Random(seed)) for seed in (1, 2))
    assert [one.pause_s() for _ in range(8)] != [other.pause_s() for _ in range(8)]


@pytest.mark.parametrize(("least_s", "most_s"), [(0, 1), (2, 1), (-1, 5)])
def test_pauses_that_make_no_sense_are_refused(least_s, most_s):
    with pytest.raises(ValueError, match="0 < least_s <= most_s"):
        Backoff(least_s=least_s, most_s=most_s, chance=random.Random(0))


def test_cameras_open_one_after_another_and_who_comes_late_does_not_wait():
    now_s = 0.0
    gate = OpenGate(spacing_s=0.5, monotonic_s=lambda: now_s)

    assert [gate.wait_s() for _ in range(4)] == [0.0, 0.5, 1.0, 1.5]
    now_s = 10.0
    assert [gate.wait_s(), gate.wait_s()] == [0.0, 0.5]
