"""Scenes that the shared clips do not have, composed and drawn at test time, through YuNet as a lane runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edge.face import Detector
from edge.track import Tracker, Zones
from tests.scenes import Cast, Lane, film
from tests.scenes.score import Followed, follow, score

Play = Callable[[Lane], list[Followed]]


@pytest.fixture
def cast(shared: Path) -> Cast:
    return Cast(shared, seed=20, split="val")


@pytest.fixture
def play(shared: Path, detector_of: Callable[[str], Detector]) -> Play:
    """The tracks of a lane that count, after a look at what went wrong with any of its people."""

    def played(lane: Lane) -> list[Followed]:
        find = detector_of("yunet").detect
        shots = ((shot, find([shot.image])[0]) for shot in film(shared, lane.scene(), rate_hz=5))
        tracks = follow(Tracker(zones=Zones(**lane.zones_px)), shots)
        result = score(tracks, roles={actor["id"]: actor["role"] for actor in lane.scene()["actors"]})
        assert result.clean(), result
        return [track for track in tracks if track.state.counts]

    return played


def test_two_people_side_by_side_and_the_next_customer_a_second_later(play: Play, cast: Cast):
    lane = Lane(seed=1, duration_s=14)
    ann = lane.customer(cast.next(), till_s=2, pause_s=3)
    child = lane.companion(cast.next(ages=(8, 12)), of=ann, till_s=2.2, pause_s=2.9, width_px=90)
    bob = lane.customer(cast.next(), till_s=8.3, pause_s=3)

    assert {track.actor for track in play(lane)} == {ann, child, bob}


def test_a_companion_who_crosses_while_the_customer_waits(play: Play, cast: Cast):
    lane = Lane(seed=2, duration_s=12)
    ann = lane.customer(cast.next(), till_s=2, pause_s=6)
    passer = lane.passer_by(cast.next(), enter_s=4, to="left", yaw_deg=-25, width_px=150)

    assert {track.actor for track in play(lane)} == {ann, passer}


def test_a_customer_left_over_from_before_gives_way_to_the_next(play: Play, cast: Cast):
    lane = Lane(seed=3, duration_s=13)
    left_over = lane.customer(cast.next(), till_s=-5, pause_s=8)
    queued = lane.customer(cast.next(), till_s=4.5, pause_s=4, queue_s=2.5)

    assert {track.actor for track in play(lane)} == {left_over, queued}


def test_nobody_but_a_cashier_is_nobody(play: Play, cast: Cast):
    lane = Lane(seed=4, duration_s=8)
    lane.cashier(cast.next(ages=(25, 60)), from_s=1, to_s=7)

    assert play(lane) == []


def test_an_empty_lane_has_no_tracks(play: Play):
    assert play(Lane(seed=5, duration_s=2)) == []


@pytest.mark.parametrize("where", [(-0.22, -0.2), (0.3, -0.24)])
def test_a_poster_on_the_wall_is_nobody_while_customers_pass_before_it(
    play: Play, cast: Cast, where: tuple[float, float]
):
    lane = Lane(seed=6, duration_s=12)
    lane.poster(cast.next(), right=where[0], down=where[1], width_px=80)
    ann = lane.customer(cast.next(), till_s=3, pause_s=4)

    assert {track.actor for track in play(lane)} == {ann}


def test_a_customer_who_looks_away_is_the_same_afterwards(play: Play, cast: Cast):
    lane = Lane(seed=7, duration_s=11)
    ann = lane.customer(cast.next(), till_s=2, pause_s=6, away=[[3.0, 6.0, 75]])

    [track] = play(lane)

    assert track.actor == ann
    assert track.state.last_ns / 1e9 > 8
