"""Are the pictures that others are built on enough for the rate that is looked at?"""

from __future__ import annotations

import pytest

from edge.camera.sparse import Sparseness


def heard(stamps_ms: list[float], *, needed_hz: float = 5.0) -> tuple[bool, bool]:
    """Was it ever too few, and is it known?"""
    sparse = Sparseness(needed_hz)
    said = [sparse.too_few(stamp) for stamp in stamps_ms]
    return any(said), sparse.judged


@pytest.mark.parametrize(
    ("gap_ms", "needed_hz", "too_few"),
    [
        (133.3, 5, False),
        (200, 5, False),
        (266.7, 5, True),
        (66.7, 15, False),
        (133.3, 15, True),
        (1000, 0.5, False),
    ],
)
def test_a_picture_in_each_slot_is_enough(gap_ms: float, needed_hz: float, too_few: bool) -> None:
    stamps = [number * gap_ms for number in range(200)]
    assert heard(stamps, needed_hz=needed_hz) == (too_few, True)


def test_one_moment_left_out_is_no_sparse_stream() -> None:
    stamps = [number * 200.0 for number in range(30) if number != 7]
    assert heard(stamps) == (False, True)


def test_it_is_judged_once_and_not_before_four_seconds_of_a_stream_at_five_hertz() -> None:
    assert heard([number * 400.0 for number in range(10)]) == (False, False)
    sparse = Sparseness(5.0)
    said = [sparse.too_few(number * 400.0) for number in range(50)]
    assert said.count(True) == 1
