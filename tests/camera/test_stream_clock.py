"""A picture that came late is known to be old."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edge.camera.stream_clock import StreamClock

MS = 1_000_000


def ages_ms(arrivals_and_stamps_ms: list[tuple[float, float | None]]) -> list[float]:
    clock = StreamClock()
    return [
        (round(arrived * MS) - clock.captured_ns(stamp_ms=stamp, arrived_ns=round(arrived * MS))) / MS
        for arrived, stamp in arrivals_and_stamps_ms
    ]


def test_an_even_stream_is_always_fresh():
    assert ages_ms([(5000 + 40 * n, 40 * n) for n in range(50)]) == [0] * 50


def test_a_burst_after_a_stall_is_as_old_as_the_stall_was():
    """The switch hiccups for a second; 25 pictures come at once, then all is well."""
    fresh = [(40.0 * n, 40.0 * n) for n in range(25)]
    burst = [(2000.0, 40.0 * n) for n in range(25, 51)]
    after = [(2040.0 + 40 * n, 2040.0 + 40 * n) for n in range(5)]
    ages = ages_ms(fresh + burst + after)

    assert all(abs(age - (2000 - 40 * n)) < 2 for n, age in zip(range(25, 51), ages[25:51], strict=True))
    assert max(ages[51:]) < 2


def test_a_stream_that_falls_behind_is_seen_to_age():
    """Stamps rise by 40 ms, pictures come every 50: a fifth of real time is lost, however slowly."""
    ages = ages_ms([(50.0 * n, 40.0 * n) for n in range(200)])
    assert 1900 < ages[-1] < 2000


def test_a_camera_whose_clock_is_a_little_slow_stays_fresh_for_hours():
    ages = ages_ms([(100.0 * n, 99.95 * n) for n in range(100_000)])
    assert max(ages) < 1


def test_the_picture_that_comes_quickest_sets_the_measure():
    """The first pictures after opening come late, out of the probe's buffer."""
    ages = ages_ms([(900.0, 0.0), (905.0, 40.0), (910.0, 80.0), (930.0, 120.0), (970.0, 160.0)])
    assert [round(age) for age in ages] == [0, 0, 0, 0, 0]


def test_stamps_that_start_anew_or_are_set_are_a_fresh_start():
    assert ages_ms([(0.0, 9e6), (40.0, 0.0), (80.0, 40.0)]) == [0, 0, 0]
    assert ages_ms([(0.0, 0.0), (200_000.0, 40.0)]) == [0, 0]


def test_without_stamps_the_arrival_counts():
    assert ages_ms([(0.0, None), (40.0, None)]) == [0, 0]


@given(st.lists(st.tuples(st.floats(0, 1e6), st.one_of(st.none(), st.floats(-1e6, 1e9))), max_size=60))
def test_no_picture_is_from_the_future_or_older_than_two_minutes(pairs):
    arrivals = sorted(arrived for arrived, _ in pairs)
    ages = ages_ms([(arrived, stamp) for arrived, (_, stamp) in zip(arrivals, pairs, strict=True)])
    assert all(0 <= age <= 120_000 for age in ages)
