"""The engine's answers as columns, and their sums brought into the cells of the channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.events.analysis.correction import Channel, stacked

__all__ = ["Cells", "added_up", "columns_of"]

_F64 = NDArray[np.float64]


class Cells:
    """Sums by model and position brought into the cells of the channel; models nobody measured fall out."""

    def __init__(self, channels: Sequence[Channel], models: Sequence[str]) -> None:
        self.channel = stacked(channels)
        self._first = {}
        self._cell_of = {}
        start = 0
        for model, channel in zip(models, channels, strict=True):
            self._first[model], self._cell_of[model] = start, channel.cell_of
            start += channel.cells

    def cell(self, table: dict[str, Any]) -> NDArray[np.int64]:
        """The cell of each row; −1 where the position or the model's error is unknown."""
        cell = np.full(len(table["model"]), -1, dtype=np.int64)
        for model, first in self._first.items():
            here = (table["model"] == model) & (table["position"] >= 0)
            cell[here] = first + self._cell_of[model][table["position"][here].astype(int)]
        return cell

    def sum(self, table: dict[str, Any], where: NDArray[np.bool_], column: str) -> _F64:
        cell = self.cell(table)
        inside = where & (cell >= 0)
        return np.bincount(
            cell[inside], weights=table[column][inside].astype(np.float64), minlength=self.channel.cells
        )

    def count(self, table: dict[str, Any], where: NDArray[np.bool_]) -> _F64:
        return self.sum(table, where, "n")

    def grouped(self, table: dict[str, Any], group: NDArray[np.int64], groups: int, column: str) -> _F64:
        """Sums `(groups, C)`; rows with group −1 are left out."""
        cell = self.cell(table)
        inside = (cell >= 0) & (group >= 0)
        flat = np.bincount(
            group[inside] * self.channel.cells + cell[inside],
            weights=table[column][inside].astype(np.float64),
            minlength=groups * self.channel.cells,
        )
        return flat.reshape(groups, self.channel.cells)


def columns_of(table: Any) -> dict[str, Any]:
    """A `pyarrow.Table` as numpy arrays by name."""
    return {
        name: column.combine_chunks().to_numpy(zero_copy_only=False)
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


def added_up(tables: Sequence[Any], keys: Sequence[str]) -> Any:
    """Tables of sums over different baskets as one; rows with the same keys are added. `pyarrow.Table`s."""
    import pyarrow as pa

    whole = pa.concat_tables(tables)
    if len(tables) == 1:
        return whole
    others = [name for name in whole.column_names if name not in keys]
    added = whole.group_by(list(keys)).aggregate([(name, "sum") for name in others])
    return added.rename_columns([name.removesuffix("_sum") for name in added.column_names])
