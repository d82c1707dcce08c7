"""Who goes with whom when every pair has a price: the cheapest whole, not the cheapest next step."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["assign"]


def assign(prices: NDArray[np.float64], *, alone: float) -> list[tuple[int, int]]:
    """Pairs `(row, column)` of the cheapest assignment, in order of rows.

    `prices` is `(rows, columns)`, not negative, inf for what cannot be. Whoever stays without a partner costs
    `alone` (a pair, that is one of each), so a pair dearer than that is never formed. Shortest augmenting paths
    with dual prices (Kuhn's Hungarian method in the form of Jonker and Volgenant, Computing 1987).
    """
    rows, columns = prices.shape
    if rows == 0 or columns == 0:
        return []
    possible = prices < alone
    if possible.sum(axis=0).max() <= 1 and possible.sum(axis=1).max() <= 1:
        return [(int(row), int(column)) for row, column in np.argwhere(possible)]  # nobody has a choice
    # A row's own empty seat beside the columns makes every row assignable.
    table = np.full((rows, columns + rows), np.inf)
    table[:, :columns] = np.where(possible, prices, np.inf)
    table[np.arange(rows), columns + np.arange(rows)] = alone
    owner = np.full(columns + rows, -1)
    row_dual, seat_dual = np.zeros(rows), np.zeros(columns + rows)
    for row in range(rows):
        _seat(row, table, owner, row_dual, seat_dual)
    pairs = [(int(owner[column]), column) for column in range(columns) if owner[column] >= 0]
    return sorted(pairs)


def _seat(
    row: int,
    table: NDArray[np.float64],
    owner: NDArray[np.int_],
    row_dual: NDArray[np.float64],
    seat_dual: NDArray[np.float64],
) -> None:
    """Give `row` a seat along the cheapest chain of moves; changes owners and duals in place."""
    seats = table.shape[1]
    reach = np.full(seats, np.inf)
    came_from = np.full(seats, -1)
    done = np.zeros(seats, bool)
    mover, seat, spent = row, -1, 0.0
    while True:
        through = spent + table[mover] - row_dual[mover] - seat_dual
        better = ~done & (through < reach)
        reach[better], came_from[better] = through[better], seat
        seat = int(np.argmin(np.where(done, np.inf, reach)))
        spent = float(reach[seat])
        if owner[seat] < 0:
            break
        done[seat] = True
        mover = int(owner[seat])
    row_dual[row] += spent
    for passed in np.flatnonzero(done):
        row_dual[owner[passed]] += spent - reach[passed]
        seat_dual[passed] -= spent - reach[passed]
    while seat >= 0:
        previous = int(came_from[seat])
        owner[seat] = row if previous < 0 else owner[previous]
        seat = previous
