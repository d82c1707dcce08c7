"""No hidden cell can be worked out from what is published."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from export.events.analysis.suppression import K, hidden_in_rows, hidden_in_table


def range_of(baskets: np.ndarray, hidden: np.ndarray, cell: tuple[int, int]) -> tuple[float, float]:
    """What a reader can work out of a hidden cell: every table of counts that fits what is published."""
    rows, columns = baskets.shape
    size = rows * columns
    whole = np.zeros((rows + 1, columns + 1))
    whole[:-1, :-1] = baskets
    whole[-1], whole[:, -1] = whole.sum(axis=0), whole.sum(axis=1)
    whole[-1, -1] = baskets.sum()
    known, values = [], []
    for r in range(rows + 1):
        for c in range(columns + 1):
            if not hidden[r, c]:
                line = np.zeros((rows, columns))
                line[r if r < rows else slice(None), c if c < columns else slice(None)] = 1
                known.append(line.ravel())
                values.append(whole[r, c])
    goal = np.zeros((rows, columns))
    goal[cell[0] if cell[0] < rows else slice(None), cell[1] if cell[1] < columns else slice(None)] = 1
    ends = [
        linprog(sign * goal.ravel(), A_eq=np.array(known), b_eq=values, bounds=[(0, None)] * size)
        for sign in (1, -1)
    ]
    low = ends[0].fun if ends[0].success else 0.0
    high = -ends[1].fun if ends[1].success else np.inf
    return float(low), float(high)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_hidden_cell_of_a_table_can_be_worked_out(data: st.DataObject) -> None:
    rows, columns = data.draw(st.integers(2, 5)), data.draw(st.integers(2, 5))
    counts = data.draw(
        st.lists(st.integers(0, 9) | st.integers(0, 60), min_size=rows * columns, max_size=rows * columns)
    )
    baskets = np.array(counts, dtype=float).reshape(rows, columns)
    assume(baskets.sum() >= K)  # fewer make no report
    hidden = hidden_in_table(baskets)
    whole = np.vstack([baskets, baskets.sum(axis=0)])
    whole = np.hstack([whole, whole.sum(axis=1, keepdims=True)])
    small = whole < K
    small[-1, -1] = False
    assert hidden[small].all(), "a cell under k is shown"
    for cell in np.argwhere(small):
        low, high = range_of(baskets, hidden, (int(cell[0]), int(cell[1])))
        assert high - low >= min(K, 1.0), f"{cell}: can be worked out as {low} to {high}"


def test_a_table_of_big_numbers_hides_nothing() -> None:
    assert not hidden_in_table(np.full((4, 7), 50.0)).any()


def test_one_small_cell_takes_a_rectangle_of_the_cheapest_with_it() -> None:
    baskets = np.array([[3.0, 40, 90], [50, 60, 70], [80, 90, 99]])
    hidden = hidden_in_table(baskets)
    assert np.argwhere(hidden).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_a_row_whose_total_is_known_hides_a_second_cell() -> None:
    hidden = hidden_in_rows(np.array([[3.0, 40, 90], [50, 60, 70]]))
    assert hidden.tolist() == [[True, True, False], [False, False, False]]


@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (1, 1)])
def test_a_table_too_small_for_partners_is_hidden_as_a_whole(shape: tuple[int, int]) -> None:
    hidden = hidden_in_table(np.full(shape, 4.0))
    assert hidden[:-1, :-1].all()
