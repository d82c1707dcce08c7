"""Which pictures are due, and how a container's stamps become times."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.camera.pace import ClipClock, Pace

MS = 1_000_000
rising_times = st.lists(st.integers(min_value=0, max_value=120), min_size=1, max_size=200).map(
    lambda gaps: [sum(gaps[: n + 1]) * MS for n in range(len(gaps))]
)


def test_without_a_rate_every_picture_is_due():
    pace = Pace(None)
    assert all(pace.due(n) for n in (0, 1, 2, 2))


@pytest.mark.parametrize("rate_hz", [0, -1, float("nan")])
def test_a_rate_must_be_above_zero(rate_hz):
    with pytest.raises(ValueError, match="rate_hz must be above 0"):
        Pace(rate_hz)


@given(rising_times, st.sampled_from([0.5, 1.0, 5.0, 7.5, 15.0]))
def test_every_slot_that_has_a_picture_has_exactly_one_due(times_ns, rate_hz):
    pace = Pace(rate_hz)
    due = [time_ns for time_ns in times_ns if pace.due(time_ns)]

    def slot(time_ns: int) -> int:
        return int((time_ns / MS + 1.5) * rate_hz // 1000)

    assert [slot(t) for t in due] == sorted({slot(t) for t in times_ns})


@given(rising_times)
def test_what_is_due_does_not_depend_on_the_pictures_between(times_ns):
    """A lost picture changes at most its own slot, never the choice behind it."""
    pace, thinned = Pace(5.0), Pace(5.0)
    due = {t for t in times_ns if pace.due(t)}
    assert {t for t in sorted(due) if thinned.due(t)} == due


def clip_times_ms(stamps_ms: list[float], fps: float = 10) -> list[float]:
    clock = ClipClock(fps=fps)
    return [clock.time_ns(stamp) / MS for stamp in stamps_ms]


def test_a_clip_starts_at_zero_and_keeps_its_gaps():
    assert clip_times_ms([1400, 1500, 2700]) == [0, 100, 1300]


def test_stamps_that_stand_still_go_on_at_the_declared_rate():
    assert clip_times_ms([0, 0, 0]) == [0, 100, 200]


def test_stamps_that_start_anew_go_on_by_the_last_interval():
    assert clip_times_ms([0, 200, 4000, 0, 150]) == [0, 200, 4000, 7800, 7950]


def test_stamps_out_of_order_cost_a_millisecond_and_time_catches_up():
    assert clip_times_ms([0, 1000, 400, 1100]) == [0, 1000, 1001, 1100]


@given(st.lists(st.floats(min_value=-1e7, max_value=1e9), min_size=1, max_size=50), st.floats(0, 2000))
def test_times_always_rise(stamps_ms, fps):
    clock = ClipClock(fps=fps)
    times_ns = [clock.time_ns(stamp) for stamp in stamps_ms]

    assert times_ns[0] == 0
    assert all(earlier < later for earlier, later in pairwise(times_ns))
