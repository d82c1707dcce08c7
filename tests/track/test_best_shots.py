"""Which crops of a track are read: the first, then only what adds something, and never more than the budget allows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.flow import Crop, GateVerdict, UnknownReason
from edge.track import BestShots, Refusals

PIXELS = np.zeros((112, 112, 3), np.uint8)


def verdict(
    quality: float = 0.5, *, yaw: float = 0.0, reason: UnknownReason | None = None, px: float = 40
) -> GateVerdict:
    return GateVerdict(quality=quality, reason=reason, eye_distance_px=px, blur=0.1, yaw=yaw, brightness=120)


def crop(at_s: float, quality: float = 0.5, *, yaw: float = 0.0, reason: UnknownReason | None = None) -> Crop:
    judged = verdict(quality, yaw=yaw, reason=reason)
    return Crop(pixels=PIXELS, at_ns=round(at_s * 1e9), box_px=(0, 0, 80, 100), verdict=judged)


def admitted(shots: BestShots, crops: list[Crop]) -> list[float]:
    return [one.at_ns / 1e9 for one in crops if shots.admit(one)]


def test_the_first_that_passes_the_gate_is_read_at_once():
    refused = crop(0.0, 0.9, reason=UnknownReason.BLURRED)

    assert admitted(BestShots(), [refused, crop(0.2, 0.1), crop(0.4, 0.1)]) == [0.2]


def test_later_only_a_clearly_better_one():
    assert admitted(BestShots(), [crop(0.0, 0.4), crop(0.4, 0.45), crop(0.6, 0.52)]) == [0.0, 0.6]


def test_another_pose_or_a_later_moment_is_worth_reading_when_not_much_worse():
    crops = [crop(0.0), crop(0.4), crop(0.6, yaw=0.3), crop(1.0, 0.2), crop(1.5)]

    assert admitted(BestShots(), crops) == [0.0, 0.6, 1.5]


def test_a_face_that_comes_nearer_does_not_spend_the_budget_on_its_way():
    approach = [crop(0.1 * step, 0.2 * 1.1**step) for step in range(16)]

    assert len(admitted(BestShots(), approach)) <= 4


def test_a_spent_budget_is_replaced_by_clearly_better_ones_only():
    shots = BestShots(budget=2)

    assert admitted(shots, [crop(0, 0.3), crop(1, 0.3), crop(2, 0.3), crop(3, 0.36), crop(4, 0.5)]) == [
        0,
        1,
        4,
    ]


def test_wanting_a_crop_counts_nothing():
    shots = BestShots(budget=1)

    assert shots.wants(crop(0.0))
    assert shots.wants(crop(0.0))
    assert shots.reads == 0


def test_a_frozen_track_reads_nothing_more():
    shots = BestShots()
    shots.freeze()

    assert admitted(shots, [crop(0.0, 0.9)]) == []


@given(st.integers(1, 6), st.lists(st.tuples(st.floats(0.05, 1), st.floats(-0.9, 0.9)), max_size=200))
def test_the_cost_of_a_track_has_a_bound_however_long_it_lasts(budget: int, looks: list[tuple[float, float]]):
    shots = BestShots(budget=budget)

    read = admitted(
        shots, [crop(0.2 * number, quality, yaw=yaw) for number, (quality, yaw) in enumerate(looks)]
    )

    assert len(read) == shots.reads <= 2 * budget
    assert bool(read) == bool(looks)


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        BestShots(budget=0)


def test_why_the_near_face_could_not_be_read_outweighs_the_far_one():
    refusals = Refusals()
    for _ in range(8):
        refusals.add(verdict(reason=UnknownReason.TOO_SMALL, px=12))
    for _ in range(4):
        refusals.add(verdict(reason=UnknownReason.TOO_DARK, px=40))

    assert refusals.reason() is UnknownReason.TOO_DARK


def test_who_was_hardly_seen_was_seen_too_shortly():
    refusals = Refusals()
    refusals.add(verdict(reason=UnknownReason.BLURRED))

    assert refusals.reason() is UnknownReason.TOO_SHORT


def test_a_face_that_passes_is_no_refusal():
    with pytest.raises(ValueError, match="has a reason"):
        Refusals().add(verdict())
