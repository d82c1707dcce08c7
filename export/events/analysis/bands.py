"""Age bands: years with both ends included, the column that carries each, and the name people read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from export.events.analysis.errors import WrongSchema

__all__ = ["Band", "bands_of_columns", "bands_of_pairs"]

_COLUMN = re.compile(r"p_(\d+)_(\d+)")


@dataclass(frozen=True, slots=True, order=True)
class Band:
    """Ages `first` to `last` in completed years, both included."""

    first: int
    last: int

    @property
    def column(self) -> str:
        """The column of the export."""
        return f"p_{self.first}_{self.last}"

    @property
    def key(self) -> str:
        """The name in JSON files: `18_24`."""
        return f"{self.first}_{self.last}"

    @property
    def label(self) -> str:
        """What people read: 18–24, 65+."""
        return f"{self.first}+" if self.last >= 100 else f"{self.first}–{self.last}"


def bands_of_pairs(pairs: Iterable[Sequence[int]]) -> tuple[Band, ...]:
    """Bands of `[first, last]` pairs, as `sales.db` keeps them."""
    return tuple(Band(int(first), int(last)) for first, last in pairs)


def bands_of_columns(columns: Iterable[str], *, where: str) -> tuple[Band, ...]:
    """The bands of a file, from its columns. Raises WrongSchema unless they cover 0 to 100 without a gap."""
    found = sorted(Band(int(m[1]), int(m[2])) for m in map(_COLUMN.fullmatch, columns) if m)
    edges = [0, *(band.last + 1 for band in found)]
    if len(found) < 2 or [band.first for band in found] != edges[:-1] or edges[-1] != 101:
        raise WrongSchema(
            f"{where}: its bands are {', '.join(b.key for b in found) or 'none'}; expected columns p_FIRST_LAST "
            "that follow each other from 0 to 100. Export again: checkout-age export-events --from STATE --to DIR"
        )
    return tuple(found)
