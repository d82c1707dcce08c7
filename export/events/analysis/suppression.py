"""Small numbers stay hidden, and what is beside them where they could be worked out. Pure.

A cell of fewer than k baskets is hidden (primary). Where a table's totals are published, hidden cells could be
worked out by subtraction; so each gets a partner in its row, one in its column and the fourth corner (complementary).
The two partners hold at least k baskets, so that the hidden figure can still be anything within k of itself.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["LIFT_BASKETS_MIN", "K", "hidden_in_rows", "hidden_in_table"]

K: Final = 10
LIFT_BASKETS_MIN: Final = 50
"""A product in fewer baskets has no lifts: their intervals would say nothing."""
_Mask = NDArray[np.bool_]


def hidden_in_rows(baskets: NDArray[np.float64], *, k: int = K) -> _Mask:
    """What to hide where each row's total is known, and no column's: `(R, C)`."""
    hidden = baskets < k
    for row in np.flatnonzero(hidden.any(axis=1)):
        beside = np.where(hidden[row], np.inf, baskets[row])
        if np.isfinite(beside).any():
            hidden[row, int(beside.argmin())] = True
    return hidden


def hidden_in_table(baskets: NDArray[np.float64], *, k: int = K, empty_is_small: bool = True) -> _Mask:
    """What to hide where totals of rows and columns are published: `(R + 1, C + 1)`, the last are the totals.

    The grand total is never hidden; rows and columns whose total is below k are hidden with it. `empty_is_small`
    False: a cell of no basket at all may be told, where it speaks of nobody (no unknown customer, no day marked).
    """
    whole = np.vstack([baskets, baskets.sum(axis=0)])
    whole = np.hstack([whole, whole.sum(axis=1, keepdims=True)])
    primary = (whole < k) & (empty_is_small | (whole > 0))
    primary[-1, -1] = False
    hidden = primary.copy()
    for i, j in np.argwhere(primary):
        _protect(whole, hidden, (int(i), int(j)), k)
    return hidden


def _protect(whole: NDArray[np.float64], hidden: _Mask, at: tuple[int, int], k: int) -> None:
    """Hide the cheapest rectangle through a cell whose sides that give way hold at least k."""
    i, j = at
    row, column = np.ogrid[: whole.shape[0], : whole.shape[1]]
    in_last_row, in_last_column = row == whole.shape[0] - 1, column == whole.shape[1] - 1
    total_row, total_column = i == whole.shape[0] - 1, j == whole.shape[1] - 1
    # A total moves with its part, so that the far side must give way instead.
    totals_in_row, totals_in_column = in_last_column != total_column, in_last_row != total_row
    beside, below = whole[i][None, :], whole[:, j][:, None]
    gives = np.minimum(
        np.where(~totals_in_column & totals_in_row, whole, beside), np.where(totals_in_column, whole, below)
    )
    grand = in_last_row & in_last_column
    barred = (row == i) | (column == j) | grand | (total_row & in_last_column) | (total_column & in_last_row)
    # Totals are worth more to a reader than what they are made of.
    price = np.where(hidden, 0.0, whole + whole.max() * (in_last_row | in_last_column))
    cost = np.where(barred | (gives < k), np.inf, price[i][None, :] + price[:, j][:, None] + price)
    other_row, other_column = np.unravel_index(int(cost.argmin()), cost.shape)
    if not np.isfinite(cost[other_row, other_column]):
        _hide_inside(whole, hidden, k)
        return
    for corner in ((i, other_column), (other_row, j), (other_row, other_column)):
        hidden[corner] = True


def _hide_inside(whole: NDArray[np.float64], hidden: _Mask, k: int) -> None:
    """Hide every cell, and of the totals what would tell one all the same: one row alone is its own total."""
    hidden[:-1, :-1] = True
    for totals, barred, alone in (
        (whole[:-1, -1], hidden[:-1, -1], whole.shape[1] == 2),
        (whole[-1, :-1], hidden[-1, :-1], whole.shape[0] == 2),
    ):
        barred[:] |= alone | hidden_in_rows(np.where(barred, 0.0, totals)[None], k=k)[0]
