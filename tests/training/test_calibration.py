"""Numbers that the till relies on, found again from people whose distribution is known."""

from __future__ import annotations

import numpy as np
import pytest

from edge.age import AgeBundle, Intervals, Margin, interval_years, log_softmax, mass_under, tempered
from edge.app import SHIPPED_BUNDLE
from edge.face import CONTRACT
from training.calibration import (
    CalibrationError,
    calibrate,
    clopper_pearson,
    fit_margins,
    fit_temperature,
    fit_threshold,
)
from training.cli.calibrate import threshold_table, unusable_warning


def crowd(n: int, *, seed: int, claimed: float, real: float) -> tuple[np.ndarray, np.ndarray]:
    """Faces whose logits claim a spread of `claimed` years while ages scatter by `real` around the claim."""
    draw = np.random.default_rng(seed)
    middle = draw.uniform(12, 80, n)
    ages = np.clip(np.rint(middle + draw.normal(0, real, n)), 0, 100)
    logits = -0.5 * ((np.arange(101) - middle[:, None]) / claimed) ** 2
    return logits, ages


def covered(p: np.ndarray, ages: np.ndarray, margins: list[dict[str, float]]) -> np.ndarray:
    intervals = Intervals(
        coverage=0.9,
        margins=tuple(
            Margin(from_years=m["from"], to_years=m["to"], low_years=m["low"], high_years=m["high"])
            for m in margins
        ),
    )
    low, high = interval_years(p, intervals)
    return (low <= ages) & (ages <= high)


@pytest.mark.parametrize(("claimed", "real"), [(4.0, 8.0), (6.0, 6.0), (9.0, 4.5)])
def test_the_temperature_undoes_too_much_and_too_little_confidence(claimed: float, real: float) -> None:
    """A Gaussian of spread s, divided by T in its logarithm, has spread s·√T."""
    logits, ages = crowd(6000, seed=1, claimed=claimed, real=real)
    found = fit_temperature(log_softmax(logits), ages)
    assert found == pytest.approx((real / claimed) ** 2, rel=0.06)


def test_margins_cover_nine_of_ten_of_other_people_in_every_band() -> None:
    logits, ages = crowd(6000, seed=2, claimed=5.0, real=9.0)
    margins = fit_margins(np.exp(log_softmax(logits)), ages)
    others, their_ages = crowd(6000, seed=3, claimed=5.0, real=9.0)
    p = np.exp(log_softmax(others))
    inside = covered(p, their_ages, margins)
    mean = p @ np.arange(101)
    assert inside.mean() == pytest.approx(0.9, abs=0.015)
    for margin in margins:
        band = (mean >= margin["from"]) & (mean < margin["to"])
        assert inside[band].mean() == pytest.approx(0.9, abs=0.05)


def test_a_band_with_few_faces_joins_its_neighbour() -> None:
    logits, ages = crowd(3000, seed=4, claimed=5.0, real=5.0)
    mean = np.exp(log_softmax(logits)) @ np.arange(101)
    kept = (mean < 13) | (mean > 30)
    margins = fit_margins(np.exp(log_softmax(logits[kept])), ages[kept])
    assert margins[0]["from"] == 0
    assert margins[-1]["to"] == 100
    assert all(margin["n"] >= 50 for margin in margins)
    assert [m["from"] for m in margins[1:]] == [m["to"] for m in margins[:-1]]


def test_tau_is_the_largest_that_misses_no_more_than_allowed() -> None:
    """Twenty youths with known probabilities: one in ten may be missed, so two, so τ is the third smallest."""
    under = np.linspace(0.05, 0.95, 20)
    p = np.zeros((22, 101))
    p[:20, 16], p[:20, 40] = under, 1 - under
    p[20:, 40] = 1.0
    ages = np.array([14.0, 15, 16, 17] * 5 + [40.0, 13.0])
    found = fit_threshold(p, ages, under_age=25, miss_rate=0.10)
    assert found["n"] == 20
    assert found["tau"] == pytest.approx(under[2], abs=1e-4)
    assert found["tau"] <= under[2]
    assert found["misses"] == 2
    assert found["interval"][0] <= found["tau"] <= found["interval"][1]
    assert not found["usable"]
    assert fit_threshold(p, ages, under_age=25, miss_rate=0.01)["misses"] == 0


def test_without_youths_tau_asks_everybody_and_is_not_usable() -> None:
    found = fit_threshold(np.full((10, 101), 1 / 101), np.full(10, 40.0), under_age=25, miss_rate=0.05)
    assert (found["tau"], found["n"], found["usable"]) == (0.0, 0, False)


def test_clopper_pearson_agrees_with_published_values() -> None:
    """0 of 10 and 1 of 10: 0–0.3085 and 0.0025–0.4450 (tables of the exact binomial interval)."""
    assert clopper_pearson(0, 10) == pytest.approx((0.0, 0.30850), abs=1e-5)
    assert clopper_pearson(1, 10) == pytest.approx((0.00253, 0.44502), abs=1e-5)
    assert clopper_pearson(10, 10) == pytest.approx((0.69150, 1.0), abs=1e-5)


def test_everything_together_keeps_its_promises_on_its_own_faces() -> None:
    logits, ages = crowd(5000, seed=5, claimed=4.0, real=8.0)
    found = calibrate(logits, ages)
    p = tempered(log_softmax(logits), found.temperature)
    assert found.nll < found.nll_before
    assert 0.9 <= found.covered <= 0.92
    assert covered(p, ages, found.intervals["margins"]).mean() == pytest.approx(found.covered, abs=0.005)
    youths = (ages >= 14) & (ages <= 17)
    for entry in found.thresholds:
        missed = (mass_under(p[youths], entry["under_age"]) < entry["tau"]).mean()
        assert missed <= entry["miss_rate"]
    assert len(found.thresholds) == 16
    assert calibrate(logits, ages) == found


def test_a_site_s_thresholds_hold_for_the_probabilities_that_a_box_makes() -> None:
    """A box keeps the bundle's temperature; τ was made for another one and missed more than it said."""
    logits, ages = crowd(5000, seed=7, claimed=4.0, real=8.0)
    found = calibrate(logits, ages, keep_temperature=1.0)
    assert found.temperature == 1.0
    assert found.fitted_temperature == calibrate(logits, ages).temperature > 2
    youths = (ages >= 14) & (ages <= 17)
    p = np.exp(log_softmax(logits))
    for entry in found.thresholds:
        missed = (mass_under(p[youths], entry["under_age"]) < entry["tau"]).mean()
        assert missed <= entry["miss_rate"]
        assert entry["misses"] == round(missed * youths.sum())


def test_the_table_of_thresholds_shows_each_with_its_interval_and_warns_where_it_is_unusable() -> None:
    bundle = AgeBundle.load(SHIPPED_BUNDLE, contract_digest=CONTRACT.digest)
    logits, ages = crowd(3000, seed=8, claimed=5.0, real=6.0)
    found = calibrate(logits, ages, keep_temperature=bundle.temperature)
    rows = threshold_table(found.thresholds, bundle).splitlines()
    assert len(rows) == 17
    entry = next(one for one in found.thresholds if (one["under_age"], one["miss_rate"]) == (25, 0.05))
    [row] = [row for row in rows if row.split()[:2] == ["25", "5%"]]
    before = bundle.threshold(under_age=25, miss_rate=0.05)
    low, high = entry["interval"]
    for said in (
        f"{entry['tau']:.4f}",
        f"{low:.4f} to {high:.4f}",
        str(entry["n"]),
        f"{before.tau:.4f} ({before.n})",
    ):
        assert said in row
    assert "UNUSABLE" not in row
    few = (ages < 14) | (ages >= 18) | (np.arange(len(ages)) % 10 == 0)
    found = calibrate(logits[few], ages[few])
    assert all(row.endswith("UNUSABLE") for row in threshold_table(found.thresholds, bundle).splitlines()[1:])
    warned = unusable_warning(found.thresholds)
    assert warned is not None
    assert warned.startswith(f"WARNING: {found.thresholds[0]['n']} faces of 14 to 17 years are too few")
    assert "policy.accept_few_faces" in warned


def test_a_handful_of_faces_calibrates_nothing() -> None:
    logits, ages = crowd(99, seed=6, claimed=4.0, real=8.0)
    with pytest.raises(CalibrationError, match="99 faces are too few"):
        calibrate(logits, ages)
    with pytest.raises(CalibrationError, match="101"):
        calibrate(np.zeros((200, 7)), np.zeros(200))
