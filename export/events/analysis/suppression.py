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


def hidden_in_table(baskets: NDArray[np.float64], *, k: int = K) -> _Mask:
    """What to hide where totals of rows and columns are published: `(R + 1, C + 1)`, the last are the totals.

    The grand total is never hidden; rows and columns whose total is below k are hidden with it.
    """
    whole = np.vstack([baskets, baskets.sum(axis=0)])
    whole = np.hstack([whole, whole.sum(axis=1, keepdims=True)])
    primary = whole < k
    primary[-1, -1] = False
    hidden = primary.copy()
    for i, j in np.argwhere(primary):
        _protect(whole, hidden, (int(i), int(j)), k)
    return hidden


def _protect(whole: NDArray[np.float64], hidden: _Mask, at: tuple[int, int], k: int) -> None:
    """Hide the cheapest rectangle through a cell whose sides that give way hold at least k."""
    i, j = at
    last_row, last_column = whole.shape[0] - 1, whole.shape[1] - 1
    best: tuple[float, int, int] | None = None
    for other_row in range(last_row + 1):
        for other_column in range(last_column + 1):
            if other_row == i or other_column == j or (last_row, last_column) == (other_row, other_column):
                continue
            corners = [(i, other_column), (other_row, j), (other_row, other_column)]
            if (last_row, last_column) in corners:
                continue
            # A total moves with its part, so that the far side must give way instead.
            totals_in_row = (j == last_column) != (other_column == last_column)
            totals_in_column = (i == last_row) != (other_row == last_row)
            giving = [
                whole[i, other_column] if not totals_in_row else whole[other_row, other_column],
                whole[other_row, j],
            ]
            if totals_in_column:
                giving = [whole[i, other_column], whole[other_row, other_column]]
            if min(giving) < k:
                continue
            cost = sum(whole[corner] for corner in corners if not hidden[corner])
            # Totals are worth more to a reader than what they are made of.
            cost += sum(
                whole.max() for r, c in corners if (r == last_row or c == last_column) and not hidden[r, c]
            )
            if best is None or cost < best[0]:
                best = (float(cost), other_row, other_column)
    if best is None:
        hidden[:-1, :-1] = True
        hidden[:-1, -1] = hidden[-1, :-1] = True
        return
    _, other_row, other_column = best
    for corner in ((i, other_column), (other_row, j), (other_row, other_column)):
        hidden[corner] = True
