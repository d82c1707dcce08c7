"""Planted clock skews are found from presences and receipts alone."""

from __future__ import annotations

import random

import pytest

from edge.rules import estimate_offset

Span = tuple[float, float]


def a_shift(seed: int, *, customers: int = 80, busy: bool = False) -> tuple[list[Span], list[Span]]:
    """True receipts and presences: people come, scan, pay, go; some buy nothing, some are seen late or not at all."""
    rng = random.Random(seed)
    now_s, receipts, presences = 0.0, [], []
    for _ in range(customers):
        now_s += rng.uniform(0.5, 4.0) if busy else rng.uniform(2.0, 60.0)
        came_s = now_s
        opened_s = came_s + rng.uniform(0.5, 3.0)
        closed_s = opened_s + rng.lognormvariate(3.2, 0.6)
        now_s = closed_s + rng.uniform(0.8, 4.0)
        if rng.random() < 0.9:
            presences.append((came_s + rng.uniform(0, 1.5), now_s - rng.uniform(0, 1.0)))
        if rng.random() < 0.95:
            receipts.append((opened_s, closed_s))
        if rng.random() < 0.2:
            presences.append((came_s, came_s + rng.uniform(3, 20)))
    return receipts, presences


@pytest.mark.parametrize("skew_s", [-20, -11.5, -4, -1, 0, 1, 3, 8, 15.5, 20])
@pytest.mark.parametrize("busy", [False, True])
def test_a_planted_skew_is_found_within_two_seconds(skew_s: float, busy: bool) -> None:
    for seed in range(3):
        receipts, presences = a_shift(seed, busy=busy)
        tilled = [(opened - skew_s, closed - skew_s) for opened, closed in receipts]
        found = estimate_offset(tilled, presences)
        assert found.offset_s is not None, found.why
        assert abs(found.offset_s - skew_s) <= 2.0


def test_few_receipts_give_no_estimate() -> None:
    receipts, presences = a_shift(1)
    found = estimate_offset(receipts[:49], presences)
    assert found.offset_s is None
    assert "49 of 50" in found.why


def test_a_lane_where_somebody_always_stands_gives_no_estimate() -> None:
    receipts, _ = a_shift(1)
    assert estimate_offset(receipts, [(-100.0, 10_000.0)]).offset_s is None
