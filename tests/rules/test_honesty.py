"""Figures of cashiers: what is due, what is made, and when to say nothing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.rules import Challenge, honesty, wilson


def a_challenge(*, made: bool = True, chance_s: float = 8.0, delay_s: float | None = 4.0) -> Challenge:
    return Challenge(cashier="c-7", made=made, chance_s=chance_s, delay_s=delay_s if made else None)


def test_few_cases_give_no_verdict() -> None:
    told = honesty([a_challenge(made=False)] * 29, cashier="c-7", sales=400, min_check_seconds=2)
    assert (told.share, told.interval) == (None, None)
    assert told.verdict == "not enough data (29 challenges due)"


def test_many_cases_give_the_share_with_its_interval() -> None:
    cases = [a_challenge()] * 40 + [a_challenge(made=False)] * 10
    told = honesty(cases, cashier="c-7", sales=200, min_check_seconds=2)
    assert (told.due, told.made, told.share) == (50, 40, 0.8)
    assert told.interval == pytest.approx((0.6696, 0.8876), abs=1e-3)  # R: binom::binom.wilson(40, 50)
    assert told.verdict.startswith("80% of 50")


def test_a_check_that_nobody_could_have_made_in_time_counts_for_nobody() -> None:
    told = honesty([a_challenge(made=False, chance_s=1.0)] * 40, cashier=None, sales=40, min_check_seconds=2)
    assert (told.due, told.share) == (0, None)


def test_a_hasty_check_is_counted_and_still_is_a_check() -> None:
    told = honesty([a_challenge(delay_s=0.4)] * 30, cashier="c-7", sales=30, min_check_seconds=2)
    assert (told.hasty, told.made, told.share) == (30, 30, 1.0)


@settings(deadline=None)
@given(n=st.integers(1, 400), share=st.floats(0, 1))
def test_the_interval_solves_the_score_equation(n: int, share: float) -> None:
    """Each end p satisfies |k/n − p| = z·√(p(1−p)/n), which is what Wilson's interval means."""
    k = round(share * n)
    for end in wilson(k, n):
        if 1e-6 < end < 1 - 1e-6:
            assert abs(k / n - end) == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / n), rel=1e-6)


def test_no_share_is_refused() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="no share"):
        wilson(3, 2)
