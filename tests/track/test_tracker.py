"""Scenes at the till: one person is one track, the next person is the next."""

from __future__ import annotations

import numpy as np
import pytest

from edge.track import Tracker, Zones
from tests.track.drawn import SIZE_PX, Person, Told, shots, watch

RED, GREEN, BLUE = (50, 50, 170), (60, 140, 60), (170, 90, 40)
BLACK, GREY = (20, 20, 25), (150, 150, 150)


def customer(name: str, *, at_s: float, pause_s: float = 4.0, **more: object) -> Person:
    """From the aisle to the till, a pause, and out on the left."""
    way = [
        (at_s, 345, 132, 23),
        (at_s + 2, 225, 145, 58),
        (at_s + 2 + pause_s, 225, 145, 58),
        (at_s + 3.3 + pause_s, -40, 150, 60),
    ]
    return Person(name=name, way=way, **more)  # type: ignore[arg-type]


def counted(told: list[Told]) -> list[str]:
    """Who deserves an age event, in order of first sight."""
    return [one.name for one in told if one.state.counts]


def test_two_customers_one_after_the_other_are_two_tracks():
    told = watch([customer("ann", at_s=0, clothes=RED), customer("bob", at_s=8, clothes=GREEN)], to_s=18)

    assert counted(told) == ["ann", "bob"]
    assert [one.state.customer_zone_s >= 1 for one in told] == [True, True]


def test_somebody_who_looks_away_for_three_seconds_stays_one_track():
    told = watch([customer("ann", at_s=0, pause_s=6, away=[(3, 6)])], to_s=12)

    assert counted(told) == ["ann"]


def test_who_takes_the_same_place_a_second_later_is_somebody_new():
    """Ann is last seen at the till; when faces are found again, somebody in other clothes stands there."""
    ann = Person(name="ann", way=[(0, 345, 132, 23), (2, 225, 145, 58), (6, 225, 145, 58)], clothes=RED)
    bob = Person(name="bob", way=[(7, 225, 145, 58), (11, 225, 145, 58)], clothes=GREEN, hair=GREY)

    assert counted(watch([ann, bob], to_s=15)) == ["ann", "bob"]


def test_who_leaves_and_comes_back_after_four_seconds_is_a_new_track():
    told = watch(
        [customer("ann", at_s=0, clothes=RED), customer("ann again", at_s=11.5, clothes=RED)], to_s=22
    )

    assert counted(told) == ["ann", "ann again"]


def test_a_passer_by_in_front_of_a_customer_splits_neither():
    ann = customer("ann", at_s=0, pause_s=6, clothes=RED)
    passer = Person(name="passer", way=[(4, -60, 140, 85), (7, 700, 140, 85)], clothes=BLUE, hair=BLACK)

    told = watch([ann, passer], to_s=14)

    assert counted(told) == ["ann", "passer"]


def test_two_people_side_by_side_are_two_tracks():
    left = Person(name="left", way=[(0, 100, 150, 50), (8, 100, 150, 50)], clothes=RED)
    right = Person(name="right", way=[(0, 175, 148, 56), (8, 175, 148, 56)], clothes=GREEN)

    assert counted(watch([left, right], to_s=12)) == ["left", "right"]


def test_a_child_who_crosses_before_the_customer_keeps_both_apart():
    """Ann's face is seen above the child all the time, but the child stands before her clothes."""
    ann = customer("ann", at_s=0, pause_s=8, clothes=RED)
    way = [(3, 340, 235, 60), (5, 320, 235, 60), (7, 130, 235, 60), (10, 120, 235, 60), (11, -50, 235, 60)]

    assert counted(watch([ann, Person(name="child", way=way, clothes=GREEN)], to_s=15)) == ["ann", "child"]


def test_the_next_in_the_queue_is_known_from_the_queue_to_the_till():
    ann = customer("ann", at_s=0, clothes=RED)
    bob = Person(
        name="bob",
        way=[
            (3, 345, 132, 23),
            (4, 350, 140, 37),
            (6.5, 350, 140, 37),
            (8, 225, 145, 58),
            (12, 225, 145, 58),
        ],
        clothes=GREEN,
    )

    assert counted(watch([ann, bob], to_s=16)) == ["ann", "bob"]


def test_a_customer_left_over_from_before_the_clip_is_one_track():
    left_over = Person(
        name="ann", way=[(-5, 225, 145, 58), (7, 225, 145, 58), (8.5, -40, 150, 60)], clothes=RED
    )

    assert counted(watch([left_over, customer("bob", at_s=9, clothes=GREEN)], to_s=19)) == ["ann", "bob"]


def test_a_cashier_gives_no_event():
    cashier = Person(
        name="cashier", way=[(0, 660, 145, 50), (1, 555, 145, 50), (20, 555, 145, 50)], clothes=GREEN
    )

    [told] = watch([cashier], to_s=22)

    assert not told.state.counts
    assert told.state.cashier_zone_s > 15


def test_a_cashier_who_reaches_over_to_the_customer_for_a_moment_is_still_none():
    way = [(0, 555, 145, 50), (10, 555, 145, 50), (11, 320, 145, 52), (13, 320, 145, 52), (14, 555, 145, 50)]
    cashier = Person(name="cashier", way=[*way, (20, 555, 145, 50)], clothes=GREEN)

    assert counted(watch([cashier], to_s=22)) == []


def test_a_poster_on_the_wall_is_no_customer():
    poster = Person(name="poster", way=[(-60, 150, 80, 40), (600, 150, 80, 40)], sway=0)

    told = watch([poster, customer("ann", at_s=2)], to_s=14)

    assert counted(told) == ["ann"]
    assert [one.state.is_still for one in told] == [True, False]


def test_a_poster_that_was_covered_for_long_is_known_again():
    poster = Person(name="poster", way=[(-60, 150, 80, 40), (600, 150, 80, 40)], sway=0, away=[(10, 20)])

    told = watch([poster], to_s=22)

    assert [(one.name, one.state.counts) for one in told] == [("poster", False), ("poster", False)]


def test_a_poster_is_known_by_its_place_whoever_stands_before_its_chest():
    """Somebody with the back to the camera covers all of it, then everything but the face."""
    poster = Person(name="poster", way=[(-60, 150, 80, 40), (600, 150, 80, 40)], sway=0, clothes=RED)
    back = Person(
        name="back", way=[(6, 150, 90, 60), (8, 150, 90, 60), (8.2, 150, 190, 60), (14, 150, 190, 60)]
    )
    unseen = Person(name="back", way=back.way, clothes=GREY, away=[(0, 99)])

    told = watch([poster, unseen], to_s=15)

    assert [(one.name, one.state.counts) for one in told] == [("poster", False)]


def test_somebody_who_stands_still_for_some_seconds_and_then_moves_was_no_poster():
    statue = Person(name="ann", way=[(0, 225, 145, 58), (6, 225, 145, 58)], sway=0)
    alive = Person(name="ann", way=[(6.2, 225, 145, 58), (16, 225, 145, 58)])

    assert counted(watch([statue, alive], to_s=18)) == ["ann"]


@pytest.mark.parametrize("rate_hz", [3.0, 5.0, 15.0])
def test_a_face_seen_for_half_a_second_is_not_told_of(rate_hz: float):
    glimpse = Person(name="glimpse", way=[(1, 225, 145, 58), (1.5, 225, 145, 58)])

    assert counted(watch([glimpse], to_s=6, rate_hz=rate_hz)) == []


def test_a_track_ends_after_its_longest_time_and_who_still_stands_there_gives_no_second_one():
    stays = Person(name="ann", way=[(0, 225, 145, 58), (40, 225, 145, 58), (41, -40, 150, 60)], clothes=RED)

    told = watch([stays, customer("bob", at_s=42, clothes=GREEN)], to_s=52, max_track_s=20)

    assert counted(told) == ["ann", "bob"]
    assert told[0].who["ann"] == told[0].state.sightings  # nothing is told of her after the end
    assert (told[0].state.last_ns - told[0].state.first_ns) / 1e9 == pytest.approx(20, abs=0.3)


def test_ended_is_told_once_and_soon_after_somebody_walked_out():
    tracker = Tracker(zones=Zones())
    ended = [
        (at_ns, state)
        for at_ns, found, image in shots([customer("ann", at_s=0)], to_s=12)
        for state in tracker.update(at_ns, [face for _, face in found], image).ended
    ]

    [(told_ns, state)] = ended
    assert (told_ns - state.last_ns) / 1e9 <= 1.0
    assert tracker.finish() == ()
    assert not tracker.live


def test_an_empty_lane_tells_nothing():
    assert watch([], to_s=3) == []


def test_nobody_is_live_but_a_poster():
    poster = Person(name="poster", way=[(-60, 150, 80, 40), (600, 150, 80, 40)], sway=0)
    tracker = Tracker(zones=Zones())
    for at_ns, found, image in shots([poster], to_s=6):
        tracker.update(at_ns, [face for _, face in found], image)

    assert not tracker.live


def test_one_face_found_twice_is_one_track():
    tracker = Tracker(zones=Zones())
    for at_ns, found, image in shots([customer("ann", at_s=0)], to_s=5):
        faces = [face for _, face in found]
        update = tracker.update(at_ns, [*faces, *faces], image)
        assert len(update.seen) == len(faces)

    assert len(tracker.finish()) == 1


def test_a_picture_whose_size_changes_is_no_harm():
    tracker = Tracker(zones=Zones())
    for at_ns, found, image in shots([customer("ann", at_s=0)], to_s=5):
        smaller = image[:200, :260] if at_ns % 2_000_000_000 else image
        tracker.update(at_ns, [face for _, face in found], smaller)

    assert len(tracker.finish()) == 1


def test_time_that_stands_still_is_refused():
    tracker = Tracker(zones=Zones())
    image = np.zeros((SIZE_PX[1], SIZE_PX[0], 3), np.uint8)
    tracker.update(1_000, [], image)

    with pytest.raises(ValueError, match="in order of time"):
        tracker.update(1_000, [], image)


@pytest.mark.parametrize("setting", ["patience_s", "max_track_s", "still_s"])
def test_settings_are_above_zero(setting: str):
    with pytest.raises(ValueError, match=setting):
        Tracker(zones=Zones(), **{setting: 0.0})
