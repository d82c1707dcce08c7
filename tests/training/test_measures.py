"""Figures agree with numbers worked out by hand, and what nobody was measured on is None."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.age import Intervals, Margin
from training.evaluation.answers import Answers, CalibrationInForce, answers_of
from training.evaluation.conclusions import conclusions
from training.evaluation.degraded import DEGRADATIONS, degrade
from training.evaluation.figures import worst_gaps
from training.evaluation.measures import (
    bootstrap,
    challenge,
    challenged,
    clean,
    coverage,
    error_intervals,
    errors,
    expected_calibration_error,
    reliability,
    share_intervals,
)
from training.evaluation.paired import paired

AGES = np.array([15.0, 17.9, 20.0, 27.0, 33.0, 40.0, 70.0])


def said(*mean: float, under_25: list[float] | None = None, width: float = 5.0) -> Answers:
    years = np.array(mean)
    return Answers(
        mean=years,
        median=years + 1,
        low=years - width,
        high=years + width,
        under_25=None if under_25 is None else np.array(under_25),
    )


def test_errors_by_hand() -> None:
    told = errors(np.array([10.0, 20.0, 30.0]), said(12.0, 14.0, 30.0))

    assert told["mae_mean"] == pytest.approx((2 + 6 + 0) / 3)
    assert told["mae_median"] == pytest.approx((3 + 5 + 1) / 3)
    assert told["cs5"] == pytest.approx(2 / 3)
    assert told["bias"] == pytest.approx((2 - 6 + 0) / 3)


def test_challenge_25_by_point_and_by_threshold() -> None:
    answers = said(26, 20, 24, 24, 26, 24.9, 60, under_25=[0.2, 0.9, 0.6, 0.5, 0.3, 0.4, 0.0])
    by_point, by_tau = challenged(answers, None), challenged(answers, 0.3)
    assert by_point is not None
    assert by_tau is not None

    point, tau = challenge(AGES, by_point), challenge(AGES, by_tau)

    assert (point["miss_14_17"], point["challenged_18_24"], point["false_25_29"]) == (0.5, 1.0, 1.0)
    assert (point["false_30_34"], point["false_35_plus"], point["n_14_17"]) == (0.0, 0.5, 2)
    assert (tau["miss_14_17"], tau["false_30_34"], tau["false_35_plus"]) == (0.5, 1.0, 0.5)


def test_who_is_absent_has_no_figure() -> None:
    told = challenge(np.array([40.0]), np.array([False]))
    assert told["miss_14_17"] is None
    assert told["false_35_plus"] == 0.0
    assert errors(AGES, said(*AGES), AGES > 99)["mae_mean"] is None


def test_seventeen_lasts_until_the_birthday() -> None:
    assert challenge(np.array([17.99, 18.0]), np.array([False, False]))["n_14_17"] == 1


def test_coverage_counts_both_ends() -> None:
    assert coverage(np.array([15.0, 25.0, 30.1]), said(20, 20, 25, width=5)) == pytest.approx(2 / 3)


def test_calibration_error_of_a_sure_and_wrong_model_is_one() -> None:
    wrong = said(20, 40, under_25=[0.0, 1.0])
    assert expected_calibration_error(np.array([20.0, 40.0]), wrong) == pytest.approx(1.0)


def test_calibration_error_by_hand() -> None:
    ages = np.array([20.0, 30.0, 20.0, 20.0])
    answers = said(1, 1, 1, 1, under_25=[0.62, 0.68, 0.95, 0.95])
    # One bin of two at 0.65 with half observed, one of two at 0.95 with all observed.
    assert expected_calibration_error(ages, answers) == pytest.approx(0.5 * 0.15 + 0.5 * 0.05)
    assert [row["n"] for row in reliability(ages, answers)] == [0] * 6 + [2, 0, 0, 2]


def test_the_bootstrap_holds_the_known_error_of_a_mean() -> None:
    values = np.random.default_rng(1).normal(10, 2, 400)
    interval = bootstrap(400, lambda members: float(values[members].mean()))
    assert interval is not None
    assert interval[0] == pytest.approx(values.mean() - 1.96 * 0.1, abs=0.03)
    assert interval[1] == pytest.approx(values.mean() + 1.96 * 0.1, abs=0.03)
    assert bootstrap(0, lambda _members: 1.0) is None


def test_every_error_has_its_own_interval() -> None:
    ages = np.arange(10.0, 50.0)
    always_two_old = error_intervals(ages, said(*(ages + 2)))
    assert always_two_old == {
        "mae_mean": [2.0, 2.0],
        "mae_median": [3.0, 3.0],
        "cs5": [1.0, 1.0],
        "bias": [2.0, 2.0],
    }

    mixed = error_intervals(ages, said(*(ages + np.tile([4.0, -8.0], 20))))
    assert mixed["mae_mean"] == pytest.approx([6 - 1.96 * 2 / 40**0.5, 6 + 1.96 * 2 / 40**0.5], abs=0.12)
    assert mixed["cs5"] == pytest.approx([0.345, 0.655], abs=0.04)
    assert mixed["bias"][0] < -2 < mixed["bias"][1]
    assert error_intervals(ages, said(*ages), ages > 99)["cs5"] is None


def test_every_share_of_the_challenge_has_its_interval() -> None:
    ages = np.repeat([16.0, 20.0, 40.0], 400)
    told = share_intervals(ages, np.tile([True, False, False, False], 300))

    half = 1.96 * (0.25 * 0.75 / 400) ** 0.5
    assert told["miss_14_17"] == pytest.approx([0.75 - half, 0.75 + half], abs=0.01)
    for name in ("challenged_18_24", "false_35_plus"):
        assert told[name] == pytest.approx([0.25 - half, 0.25 + half], abs=0.01)
    assert told["false_30_34"] is None


def test_a_better_model_is_significantly_better_and_an_equal_one_is_not() -> None:
    rng = np.random.default_rng(0)
    ages = rng.uniform(10, 70, 500)
    good, bad = ages + rng.normal(0, 3, 500), ages + rng.normal(0, 6, 500)

    told = paired(ages, said(*good), said(*bad))
    same = paired(ages, said(*good), said(*good))

    assert told["mae"]["difference"] < -1
    assert told["mae"]["significant"]
    assert not same["mae"]["significant"]
    assert told["miss_14_17_tau"] is None


def test_misses_are_compared_by_each_models_own_threshold() -> None:
    ages = np.array([15.0] * 40)
    first, second = said(*[20.0] * 40, under_25=[0.5] * 40), said(*[20.0] * 40, under_25=[0.2] * 40)
    told = paired(ages, first, second, first_tau=0.4, second_tau=0.3)
    assert told["miss_14_17_tau"]["first"] == 0.0
    assert told["miss_14_17_tau"]["second"] == 1.0
    assert told["miss_14_17_tau"]["significant"]


def test_answers_follow_temperature_and_margins() -> None:
    logits = np.full((1, 101), -50.0)
    logits[0, 30] = logits[0, 20] = 0.0
    margins = (Margin(from_years=0, to_years=100, low_years=1.0, high_years=2.0),)
    force = CalibrationInForce(
        source="bundle",
        temperature=1.0,
        intervals=Intervals(coverage=0.9, margins=margins),
        tau=0.3,
        miss_rate=0.05,
    )
    answers = answers_of(logits, force)

    assert answers.mean[0] == pytest.approx(25.0)
    assert answers.under_25 is not None
    assert answers.under_25[0] == pytest.approx(0.5)
    assert answers.low is not None
    assert answers.high is not None
    assert answers.low[0] < 20
    assert answers.high[0] > 30
    assert answers_of(np.array([[33.0]]), None).mean[0] == 33.0
    with pytest.raises(ValueError, match="expected logits"):
        answers_of(np.zeros((2, 50)), None)


def test_gaps_leave_small_groups_out() -> None:
    rows = [
        {
            "by": "group",
            "value": v,
            "n": n,
            "mae": m,
            "miss_14_17": None,
            "n_14_17": 0,
            "false_challenge_35_plus": f,
        }
        for v, n, m, f in (("a", 500, 5.0, 0.1), ("b", 200, 6.5, 0.3), ("c", 20, 99.0, 0.9))
    ]
    gaps = worst_gaps(rows)
    assert [(gap["figure"], gap["worst"], gap["gap"]) for gap in gaps] == [
        ("mae", "b", 1.5),
        ("false_challenge_35_plus", "b", pytest.approx(0.2)),
    ]


def figures(**changes: float | None) -> dict:
    known = {
        "mae": 5.5,
        "cs5": 0.6,
        "coverage": 0.9,
        "miss": 0.05,
        "false": 0.08,
        "ece": 0.02,
        "n": 100,
    } | changes
    return {
        "overall": {"mae_mean": known["mae"], "cs5": known["cs5"]},
        "calibration": {"coverage90": known["coverage"], "ece_under_25": known["ece"]},
        "challenge25": {
            "tau": {
                "miss_14_17": known["miss"],
                "false_35_plus": known["false"],
                "n_14_17": known["n"],
                "ci95": None
                if known["miss"] is None
                else [max(0, known["miss"] - 0.04), known["miss"] + 0.04],
            }
        },
    }


@pytest.mark.parametrize(
    ("changes", "offers", "challenge_verdict"),
    [
        ({}, "yes", "yes"),
        ({"mae": 7.0}, "no", "yes"),
        ({"coverage": 0.95}, "no", "yes"),
        ({"coverage": None}, "unknown", "yes"),
        ({"false": 0.2}, "yes", "no"),
        ({"miss": 0.2}, "yes", "no"),
        ({"n": 20}, "yes", "no"),
        ({"miss": None}, "yes", "unknown"),
    ],
)
def test_conclusions_follow_their_rules(
    changes: dict[str, float | None], offers: str, challenge_verdict: str
) -> None:
    told = conclusions(figures(**changes))
    assert told["offers"]["verdict"] == offers
    assert told["challenge"]["verdict"] == challenge_verdict


@pytest.mark.parametrize("name", list(DEGRADATIONS))
def test_degradations_are_repeatable_and_worse(name: str) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3)).astype(np.uint8)
    first, second = degrade(crops, name), degrade(crops, name)

    assert first.dtype == np.uint8
    assert first.shape == crops.shape
    assert np.array_equal(first, second)
    assert np.abs(first.astype(int) - crops).mean() > 5
    assert np.array_equal(degrade(crops[:2], name), first[:2])


@given(st.floats(-1e6, 1e6))
def test_figures_are_rounded_for_json(value: float) -> None:
    assert clean({"a": [np.float64(value), None, np.int64(3)]}) == {"a": [round(value, 4), None, 3]}
