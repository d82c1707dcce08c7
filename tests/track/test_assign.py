"""The cheapest whole, held against trying everything."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.track.assign import assign

PRICE = st.one_of(st.floats(0, 1.6), st.just(float("inf")))


def total(prices: np.ndarray, pairs: list[tuple[int, int]]) -> float:
    return sum(float(prices[pair]) for pair in pairs) + prices.shape[0] - len(pairs)


def cheapest(prices: np.ndarray) -> float:
    rows, columns = prices.shape
    return min(
        total(prices, list(zip(some, order, strict=True)))
        for count in range(min(rows, columns) + 1)
        for some in itertools.combinations(range(rows), count)
        for order in itertools.permutations(range(columns), count)
    )


@settings(deadline=None, derandomize=True)
@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(PRICE, min_size=n, max_size=n), min_size=1, max_size=4)
    )
)
def test_no_other_assignment_is_cheaper(table: list[list[float]]):
    prices = np.array(table)

    pairs = assign(prices, alone=1.0)

    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    assert all(prices[pair] < 1 for pair in pairs)
    assert total(prices, pairs) == pytest.approx(cheapest(prices))


def test_a_near_pair_gives_way_where_both_gain():
    """Greedy would take 0.1 first and leave the other two alone."""
    assert assign(np.array([[0.1, 0.2], [0.3, 2.0]]), alone=1.0) == [(0, 1), (1, 0)]


def test_nobody_to_pair_is_an_ordinary_case():
    assert assign(np.empty((0, 3)), alone=1.0) == []
    assert assign(np.empty((2, 0)), alone=1.0) == []
