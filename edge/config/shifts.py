"""When shifts begin: the digest of sales without a seen customer is sent at their ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from edge.config.rule import Count, Matches

__all__ = ["Shifts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifts:
    """Shifts follow one another round the clock; a shop that closes leaves one of them empty."""

    begin: Annotated[
        tuple[
            Annotated[
                str, "a time of day", Matches(r"([01][0-9]|2[0-3]):[0-5][0-9]", "a time such as '06:00'")
            ],
            ...,
        ],
        "when each shift begins, in the store's own time, in rising order, in quotes",
        Count(1, 12),
    ] = ("06:00", "14:00", "22:00")

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Times that do not rise."""
        if list(self.begin) != sorted(set(self.begin)):
            yield ("begin",), "times rise from shift to shift, each once"
