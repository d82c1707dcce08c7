"""Arithmetic of age distributions against formulas written out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edge.age.distribution import log_softmax, mass_under, mean_years, merged, quantile_years, tempered

LOGITS = arrays(np.float32, (101,), elements=st.floats(-20, 20, width=32))


def at(*shares: tuple[int, float]) -> np.ndarray:
    p = np.zeros(101)
    for age, share in shares:
        p[age] = share
    return p


def test_someone_who_is_thirty_for_sure_is_thirty_in_every_way() -> None:
    p = at((30, 1.0))
    assert mean_years(p) == 30
    assert quantile_years(p, 0.5) == 30
    assert mass_under(p, 30) == 0
    assert mass_under(p, 31) == 1


def test_mass_and_mean_of_two_ages_are_worked_out_by_hand() -> None:
    p = at((20, 0.25), (40, 0.75))
    assert mean_years(p) == pytest.approx(35)
    assert mass_under(p, 25) == pytest.approx(0.25)
    # A quarter of the mass fills 19.5..20.5; the median lies a third of the way through 39.5..40.5.
    assert quantile_years(p, 0.125) == pytest.approx(20.0)
    assert quantile_years(p, 0.5) == pytest.approx(39.5 + 1 / 3)


def test_quantiles_of_many_are_those_of_each() -> None:
    p = np.stack([at((20, 1.0)), at((60, 0.5), (62, 0.5)), at((0, 1.0))])
    np.testing.assert_allclose(quantile_years(p, 0.25), [19.75, 60.0, 0.0])
    np.testing.assert_allclose(quantile_years(p[1], 0.25), 60.0)


def test_a_temperature_above_one_widens_and_one_leaves_alone() -> None:
    log_p = log_softmax(-0.5 * ((np.arange(101) - 30.0) / 4) ** 2)
    np.testing.assert_allclose(tempered(log_p, 1.0), np.exp(log_p))
    assert mass_under(tempered(log_p, 2.0), 25) > mass_under(np.exp(log_p), 25)


def test_merging_is_the_weighted_geometric_mean() -> None:
    one, two = at((20, 0.8), (30, 0.2)) + 1e-12, at((20, 0.2), (30, 0.8)) + 1e-12
    log_p = np.log(np.stack([one / one.sum(), two / two.sum()]))
    got = np.exp(merged(log_p, [3.0, 1.0]))
    ratio = (0.8**0.75 * 0.2**0.25) / (0.2**0.75 * 0.8**0.25)
    assert got[20] / got[30] == pytest.approx(ratio, rel=1e-6)


@pytest.mark.parametrize(
    ("weights", "complaint"),
    [([-1.0, 1.0], "not negative"), ([np.nan, 1.0], "finite"), ([1.0], "weights"), ([], "weights")],
)
def test_weights_that_make_no_sense_are_refused(weights: list[float], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        merged(np.zeros((2, 101)), weights)


def test_logits_that_are_not_finite_or_not_ages_are_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        log_softmax(np.full(101, np.nan))
    with pytest.raises(ValueError, match="101"):
        log_softmax(np.zeros((4, 100)))


@given(LOGITS, st.floats(0.1, 10), st.floats(0, 1), st.floats(0, 1))
def test_quantiles_rise_and_agree_with_the_mass_below_them(
    logits: np.ndarray, t: float, a: float, b: float
) -> None:
    p = tempered(log_softmax(logits), t)
    low, high = sorted((a, b))
    assert 0 <= quantile_years(p, low) <= quantile_years(p, high) <= 100
    under = [float(mass_under(p, age)) for age in range(102)]
    assert under == sorted(under)
    assert under[0] == 0
    assert under[101] == pytest.approx(1)
