"""The shared clips: every customer once, nobody in two, nobody lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edge.track import Tracker
from tests.scenes.score import follow, score
from tests.track.conftest import Clip

ClipOf = Callable[[str, str], Clip]


def test_fourteen_customers_and_their_companions_are_one_track_each(clip_of: ClipOf):
    clip = clip_of("lane_ages", "yunet")

    result = score(follow(Tracker(zones=clip.zones), clip.shots()), roles=clip.roles)

    assert result.people == 16
    assert result.clean(), result


@pytest.mark.parametrize("detector", ["yunet", "mtcnn"])
def test_in_the_rush_only_who_leaves_and_returns_is_two(clip_of: ClipOf, detector: str):
    """A queue of eight, a passer-by before them twice, one who looks away; `c03` and `c03b` are one person's visits."""
    clip = clip_of("lane_rush", detector)

    result = score(follow(Tracker(zones=clip.zones), clip.shots()), roles=clip.roles)

    assert result.people == 9
    assert result.clean(), result


def test_with_no_zones_at_all_the_same_people_are_found(clip_of: ClipOf):
    clip = clip_of("lane_rush", "yunet")

    told = [track for track in follow(Tracker(zones=type(clip.zones)()), clip.shots()) if track.state.counts]

    assert {track.actor for track in told} == set(clip.roles)
    assert len(told) == len(clip.roles)
