"""What holds for a tracker whatever the scene: order of faces, rate of pictures, nothing changed or kept."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.track.drawn import Person, watch

COLOURS = [(40, 40, 170), (60, 150, 60), (170, 90, 40), (40, 150, 170), (150, 60, 150), (30, 30, 30)]
HAIR = [(20, 20, 20), (60, 90, 130), (150, 160, 160), (30, 40, 90), (90, 90, 90), (40, 70, 110)]


@st.composite
def lanes(draw: st.DrawFn) -> list[Person]:
    """One to four customers, one after another, some with a companion, somebody crossing now and then."""
    people, at_s = [], 0.0
    for number in range(draw(st.integers(1, 4))):
        pause_s, width = draw(st.floats(3, 5)), draw(st.floats(45, 70))
        away = draw(st.sampled_from([[], [(at_s + 2.5, at_s + 4.5)]]))
        way = [(at_s, 345, 132, 23), (at_s + 2, 225, 145, width), (at_s + 2 + pause_s, 225, 145, width)]
        way += [(at_s + 2.5 + pause_s, 195, 146, width), (at_s + 3.8 + pause_s, -60, 150, width)]
        look = {"clothes": COLOURS[number], "hair": HAIR[number]}
        people.append(Person(name=f"c{number}", way=way, away=away, **look))
        if draw(st.booleans()):
            beside = [(t + 0.2, x - 105 * w / width, y + 5, 0.9 * w) for t, x, y, w in way]
            look = {"clothes": COLOURS[5 - number], "hair": HAIR[5 - number]}
            people.append(Person(name=f"p{number}", way=beside, **look))
        if draw(st.booleans()):
            across = [(at_s + 3, -60, 140, 85), (at_s + 6, 700, 140, 85)]
            people.append(Person(name=f"x{number}", way=across, clothes=(200, 200, 200), hair=(10, 10, 60)))
        at_s += 5 + pause_s
    return people


@settings(max_examples=15, deadline=None, derandomize=True)
@given(lanes(), st.randoms(use_true_random=False))
def test_the_order_of_faces_within_a_frame_changes_nothing(people: list[Person], chance: random.Random):
    to_s = max(person.way[-1][0] for person in people) + 4

    plain = watch(people, to_s=to_s)
    shuffled = watch(people, to_s=to_s, reorder=lambda found: chance.sample(found, len(found)))

    assert shuffled == plain


@settings(max_examples=15, deadline=None, derandomize=True)
@given(lanes(), st.sampled_from([3.0, 4.0, 7.5, 10.0, 15.0]))
def test_customers_are_told_of_once_each_at_any_rate(people: list[Person], rate_hz: float):
    to_s = max(person.way[-1][0] for person in people) + 4

    told = [one for one in watch(people, to_s=to_s, rate_hz=rate_hz) if one.state.counts]

    wanted = [person.name for person in people if person.name[0] == "c"]
    sat_on = [one.who.most_common(1)[0][0] for one in told]
    assert [name for name in sat_on if name[0] == "c"] == wanted
    assert len(sat_on) == len(set(sat_on))


@pytest.mark.parametrize("rate_hz", [3.0, 5.0, 15.0])
def test_zone_seconds_are_seconds_of_event_time(rate_hz: float):
    """Four seconds left of the border, which is crossed at an even pace: half of the walk belongs to the zone."""
    ann = Person(name="ann", way=[(0, 250, 145, 50), (4, 250, 145, 50), (6, 410, 145, 50)], sway=0.3)

    [told] = watch([ann], to_s=10, rate_hz=rate_hz)

    assert told.state.customer_zone_s == pytest.approx(5.0, abs=0.5 / rate_hz + 0.15)
    assert told.state.zone.value == "customer"
