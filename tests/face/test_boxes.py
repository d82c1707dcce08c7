"""What is left when one face was found several times: two rules, both against the definition written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.face.boxes import suppress, suppress_any

Box = tuple[float, float, float, float]

numbers = st.integers(0, 40).map(float)
boxes = st.builds(lambda x, y, w, h: (x, y, x + w + 1, y + h + 1), numbers, numbers, numbers, numbers)
found = st.lists(st.tuples(boxes, st.floats(0, 1, width=16)), max_size=40)


def overlap(a: Box, b: Box, *, of_smaller: bool = False) -> float:
    common = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    areas = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
    return common / (min(areas) if of_smaller else sum(areas) - common)


def arrays(faces: list[tuple[Box, float]]) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.array([box for box, _ in faces], dtype=np.float32).reshape(-1, 4),
        np.array([score for _, score in faces], dtype=np.float32),
    )


@given(found, st.sampled_from([0.3, 0.5]))
@settings(deadline=None)
def test_a_box_is_dropped_only_for_a_better_one_that_stays(
    faces: list[tuple[Box, float]], limit: float
) -> None:
    order = sorted(range(len(faces)), key=lambda i: -faces[i][1])
    kept: list[int] = []
    for i in order:
        if all(overlap(faces[i][0], faces[j][0]) <= limit for j in kept):
            kept.append(i)
    assert suppress(*arrays(faces), overlap_max=limit).tolist() == kept


@given(found, st.sampled_from([0.5, 0.7]), st.booleans())
@settings(deadline=None)
def test_by_the_packages_rule_a_box_is_dropped_for_any_better_one(
    faces: list[tuple[Box, float]], limit: float, of_smaller: bool
) -> None:
    order = sorted(range(len(faces)), key=lambda i: -faces[i][1])
    kept = [
        i
        for place, i in enumerate(order)
        if all(overlap(faces[i][0], faces[j][0], of_smaller=of_smaller) <= limit for j in order[:place])
    ]
    assert suppress_any(*arrays(faces), overlap_max=limit, of_smaller=of_smaller).tolist() == kept


def test_more_boxes_than_are_compared_in_one_step() -> None:
    """300 boxes in a row, each over half of the next: the best of each run of neighbours, whole blocks apart."""
    left = np.arange(300, dtype=np.float32) * 4
    row = np.stack([left, left * 0, left + 10, left * 0 + 10], axis=1)
    scores = np.linspace(1, 0.5, 300, dtype=np.float32)
    assert suppress(row, scores, overlap_max=0.3).tolist() == list(range(0, 300, 2))
    assert suppress_any(row, scores, overlap_max=0.3).tolist() == [0]


@pytest.mark.parametrize("rule", [suppress, suppress_any])
def test_no_boxes_leave_no_boxes(rule: object) -> None:
    assert rule(*arrays([]), overlap_max=0.5).tolist() == []  # type: ignore[operator]
