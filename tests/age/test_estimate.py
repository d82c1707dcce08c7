"""What is said of a person from the crops of their track."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.age import Margin, estimate_track
from tests.age.conftest import bundle_with

PLAIN = bundle_with()
TRACKS = st.integers(1, 6).flatmap(
    lambda k: st.tuples(
        arrays(np.float32, (k, 101), elements=st.floats(-30, 30, width=32)),
        arrays(np.float32, (k,), elements=st.floats(0, 1, width=32)),
    )
)
MARGINS = st.lists(st.tuples(st.floats(-30, 30), st.floats(-30, 30)), min_size=1, max_size=4).map(
    lambda pairs: tuple(
        Margin(from_years=25.0 * i, to_years=25.0 * (i + 1), low_years=low, high_years=high)
        for i, (low, high) in enumerate(pairs)
    )
)


def face_of(age: float, *, sure: float = 3.0) -> np.ndarray:
    """Logits of a face around an age, float32 (101,)."""
    return (-0.5 * ((np.arange(101) - age) / sure) ** 2).astype(np.float32)


@given(TRACKS, MARGINS, st.floats(0.3, 3))
def test_whatever_the_crops_say_the_estimate_is_in_order(
    track: tuple[np.ndarray, np.ndarray], margins: tuple[Margin, ...], temperature: float
) -> None:
    said = estimate_track(*track, bundle_with(temperature=temperature, margins=margins))
    assert said.reason is None
    assert said.mean_years is not None
    assert said.low_years is not None
    assert said.median_years is not None
    assert said.high_years is not None
    assert 0 <= said.low_years <= said.median_years <= said.high_years <= 100
    assert 0 <= said.mean_years <= 100
    under = [said.p_under[age] for age in (18, 21, 25, 30)]
    assert under == sorted(under)
    assert under[0] >= 0
    assert under[-1] <= 1
    assert said.crops == len(track[1])


@given(arrays(np.float32, (101,), elements=st.floats(-30, 30, width=32)), st.integers(2, 8), st.floats(0, 1))
def test_the_same_crop_five_times_says_what_it_says_once(
    logits: np.ndarray, times: int, quality: float
) -> None:
    once = estimate_track(logits[None], np.array([quality]), PLAIN)
    often = estimate_track(np.tile(logits, (times, 1)), np.full(times, quality), PLAIN)
    assert often.mean_years == pytest.approx(once.mean_years, abs=1e-6)
    assert often.low_years == pytest.approx(once.low_years, abs=1e-4)
    assert often.high_years == pytest.approx(once.high_years, abs=1e-4)
    assert often.p_under[25] == pytest.approx(once.p_under[25], abs=1e-6)


@given(TRACKS, st.randoms(use_true_random=False))
def test_the_order_of_crops_does_not_matter(track: tuple[np.ndarray, np.ndarray], order: object) -> None:
    logits, qualities = track
    turned = estimate_track(logits[::-1], qualities[::-1], PLAIN)
    assert turned.mean_years == pytest.approx(estimate_track(logits, qualities, PLAIN).mean_years, abs=1e-6)


def test_a_sharp_crop_outweighs_a_blurred_one() -> None:
    logits = np.stack([face_of(20), face_of(40)])
    said = estimate_track(logits, np.array([0.9, 0.1]), PLAIN)
    assert said.mean_years == pytest.approx(22, abs=0.2)
    assert said.quality == pytest.approx(0.9)


def test_a_crop_of_quality_nought_beside_a_good_one_is_not_heard() -> None:
    logits = np.stack([face_of(20), face_of(60)])
    assert estimate_track(logits, np.array([0.5, 0.0]), PLAIN).mean_years == pytest.approx(20, abs=0.01)


def test_several_crops_take_the_temperature_that_was_calibrated_on_tracks() -> None:
    bundle = bundle_with(temperature=1.0, track_temperature=2.0)
    logits = np.stack([face_of(22), face_of(22)])
    one = estimate_track(logits[:1], np.ones(1), bundle)
    two = estimate_track(logits, np.ones(2), bundle)
    assert two.high_years - two.low_years > one.high_years - one.low_years  # type: ignore[operator]


def test_margins_of_the_predicted_band_move_the_ends_and_never_past_the_median() -> None:
    margins = (
        Margin(from_years=0, to_years=25, low_years=1.0, high_years=2.0),
        Margin(from_years=25, to_years=100, low_years=-50.0, high_years=3.0),
    )
    plain = estimate_track(face_of(20)[None], np.ones(1), PLAIN)
    moved = estimate_track(face_of(20)[None], np.ones(1), bundle_with(margins=margins))
    assert moved.low_years == pytest.approx(plain.low_years - 1)  # type: ignore[operator]
    assert moved.high_years == pytest.approx(plain.high_years + 2)  # type: ignore[operator]
    older = estimate_track(face_of(60)[None], np.ones(1), bundle_with(margins=margins))
    assert older.low_years == older.median_years


def test_a_site_may_ask_for_further_ages() -> None:
    said = estimate_track(face_of(20)[None], np.ones(1), PLAIN, ages=[16, 40])
    assert list(said.p_under) == [16, 18, 21, 25, 30, 40]


def test_no_crop_is_no_estimate() -> None:
    with pytest.raises(ValueError, match="k ≥ 1"):
        estimate_track(np.zeros((0, 101), np.float32), np.zeros(0), PLAIN)


def test_the_shares_of_age_bands_are_the_distribution_cut_at_their_ends():
    logits = np.stack([face_of(20), face_of(30)])
    said = estimate_track(logits, np.ones(2), PLAIN, band_ends=(17, 24, 100))
    assert sum(said.shares) == pytest.approx(1, abs=1e-12)
    assert said.shares[0] == pytest.approx(said.p_under[18], abs=1e-12)
    assert sum(said.shares[:2]) == pytest.approx(said.p_under[25], abs=1e-12)
    assert estimate_track(logits, np.ones(2), PLAIN).shares == ()
