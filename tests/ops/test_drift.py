"""When does a camera's last day differ from its last weeks? Scenes, and what holds for any weeks."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.ops.drift import AGE_BANDS, HourFigures, find_drift, sentence

NOW = 500_006  # an hour since 1970: two in the afternoon


def customer(chance: random.Random, **changed: float) -> tuple[float | None, dict[str, float]]:
    """Somebody at the till of an ordinary day; `changed` moves a measure."""
    years = (
        None
        if chance.random() < changed.get("unknown", 0.08)
        else chance.gauss(42 + changed.get("years", 0), 17)
    )
    measures = {
        "x": chance.gauss(0.35 + changed.get("x", 0), 0.05),
        "y": chance.gauss(0.42 + changed.get("y", 0), 0.03),
        "size": chance.gauss(-2.3 + changed.get("size", 0), 0.12),
        "blur": min(1.0, max(0.0, chance.gauss(0.35 + changed.get("blur", 0), 0.15))),
        "brightness": chance.gauss(125 + changed.get("brightness", 0), 22),
    }
    return (None if years is None else max(1.0, years)), measures


def hour(chance: random.Random, at: int, count: int, **changed: float) -> HourFigures:
    figures = HourFigures(hour=at)
    for _ in range(count):
        years, measures = customer(chance, **changed)
        figures = figures.with_customer(mean_years=years, measures=measures)
    return figures


def weeks(
    *, days: int = 28, seed: int = 1, an_hour: int = 12, last_hours: int = 24, **changed: float
) -> list:
    """Open from 8 to 20 o'clock; what changed holds for the newest hours."""
    chance = random.Random(seed)
    told = []
    for back in range(24 * days):
        at = NOW - back
        if 8 <= at % 24 <= 20:
            figures = hour(chance, at, an_hour, **(changed if back < last_hours else {}))
            told.append(figures)
    return told


def kinds(hours: list[HourFigures]) -> list[tuple[str, str]]:
    return [(one.kind, one.measure) for one in find_drift(hours, now_hour=NOW)]


def test_weeks_like_each_other_say_nothing():
    assert [kinds(weeks(seed=seed)) for seed in range(5)] == [[]] * 5


@pytest.mark.parametrize(
    ("changed", "kind", "measure"),
    [
        ({"x": 0.15}, "moved", "x"),
        ({"y": -0.12}, "moved", "y"),
        ({"size": 0.4}, "moved", "size"),
        ({"blur": 0.25}, "soiled", "blur"),
        ({"brightness": -60}, "drift", "brightness"),
        ({"years": -18}, "drift", "age"),
        ({"unknown": 0.6}, "drift", "unknown"),
    ],
)
def test_a_camera_that_changed_a_day_ago_is_told_by_its_measure(changed, kind, measure):
    assert kinds(weeks(**changed)) == [(kind, measure)]


def test_a_camera_turned_this_afternoon_is_told_the_same_afternoon():
    """Forty customers are enough where the change is plain."""
    assert ("moved", "x") in kinds(weeks(x=0.2, last_hours=4))


def test_a_few_days_tell_nothing_yet():
    assert kinds(weeks(days=6, x=0.3, blur=0.4, years=-20)) == []


def test_a_lane_with_hardly_any_customers_is_not_judged():
    assert kinds(weeks(an_hour=1, x=0.3, last_hours=12)) == []


def test_a_wanted_change_becomes_the_usual_within_the_weeks():
    assert kinds(weeks(x=0.2, last_hours=24 * 20)) == []


def test_dusk_is_compared_with_dusk():
    """Every evening is dark; only a noon as dark as an evening is news."""
    chance = random.Random(3)

    def day(back: int) -> float:
        return -80.0 if (NOW - back) % 24 >= 17 else 0.0

    usual = [hour(chance, NOW - back, 15, brightness=day(back)) for back in range(24 * 20)]
    assert kinds(usual) == []
    dark = [hour(chance, one.hour, 15, brightness=-80.0) if one.hour > NOW - 4 else one for one in usual]
    assert NOW % 24 < 17, "the scene needs a light hour now"
    assert kinds(dark) == [("drift", "brightness")]


def test_a_sentence_says_where_faces_stand_and_on_how_many_that_rests():
    [finding] = find_drift(weeks(x=0.15), now_hour=NOW)
    said = sentence("cam-1", finding)
    assert said.startswith("camera cam-1 seems to have been moved: faces stand at 5")
    assert "customers)" in said


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_order_splitting_and_the_way_through_the_store_change_nothing(data):
    seed = data.draw(st.integers(0, 2**16))
    moved = data.draw(st.sampled_from([{}, {"x": 0.15}, {"blur": 0.25}, {"years": -18.0}]))
    hours = weeks(days=10, seed=seed, **moved)
    expected = find_drift(hours, now_hour=NOW)
    shuffled = [HourFigures.from_json(one.hour, one.to_json()) for one in hours]
    data.draw(st.randoms()).shuffle(shuffled)
    assert [(one.kind, one.measure, one.n) for one in find_drift(shuffled, now_hour=NOW)] == [
        (one.kind, one.measure, one.n) for one in expected
    ]


@given(
    st.lists(
        st.tuples(st.integers(NOW - 800, NOW), st.integers(0, 60), st.floats(0, 1), st.floats(0, 255)),
        max_size=60,
    )
)
@settings(deadline=None)
def test_any_hours_give_findings_that_lie_beyond_their_tolerance(told):
    hours = {}
    for at, count, share, grey in told:
        figures = HourFigures(hour=at)
        for number in range(count):
            figures = figures.with_customer(
                mean_years=None if number % 5 == 0 else share * 90,
                measures={"x": share, "y": 1 - share, "size": -share, "blur": share, "brightness": grey},
            )
        hours[at] = figures
    for finding in find_drift(hours.values(), now_hour=NOW):
        assert abs(finding.recent - finding.usual) > finding.tolerance > 0
        assert finding.n >= 40
        assert sentence("cam-1", finding)


def test_two_halves_of_an_hour_are_that_hour():
    chance = random.Random(9)
    people = [customer(chance) for _ in range(30)]
    whole, first, second = (HourFigures(hour=NOW) for _ in range(3))
    for number, (years, measures) in enumerate(people):
        whole = whole.with_customer(mean_years=years, measures=measures)
        half = (first if number < 12 else second).with_customer(mean_years=years, measures=measures)
        first, second = (half, second) if number < 12 else (first, half)
    both = first.plus(second)
    assert (both.customers, both.unknown, both.ages) == (whole.customers, whole.unknown, whole.ages)
    assert both.sums["blur"].mean == pytest.approx(whole.sums["blur"].mean)
    assert both.sums["blur"].variance == pytest.approx(whole.sums["blur"].variance)
    assert replace(both, hour=NOW) == both
    assert sum(both.ages) + both.unknown == 30
    assert len(both.ages) == AGE_BANDS
