"""What is kept for marketing, and whether customers get offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from edge.config.rule import NAME, Beside, Count, Matches, Refers, Within

__all__ = ["LaneGroup", "Offers", "Sales"]

_OLDEST, _ADULT, _OTHERS = 100, 18, "lanes"


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneGroup:
    """Lanes that marketing sees as one: a single lane would tell too much about who sat there."""

    name: Annotated[str, "name of the group", NAME]
    lanes: Annotated[tuple[Annotated[str, "a lane", Refers("lanes")], ...], "its lanes", Count(1, 64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sales:
    """Baskets with age bands, without anything that points to a person."""

    enabled: Annotated[bool, "keep baskets in sales.db"] = True
    bands: Annotated[
        tuple[tuple[int, int], ...],
        "age bands in years, both ends included; under 18 is never split",
        Count(1, 12),
    ] = ((0, 17), (18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, 100))
    currency: Annotated[
        str,
        "of prices that the till tells without one (ISO 4217; XXX: none)",
        Matches(r"[A-Z]{3}", "three capital letters such as EUR"),
    ] = "XXX"
    lane_groups: Annotated[
        tuple[LaneGroup, ...],
        "which lanes are told together; the others are one group, 'lanes'",
        Count(0, 64),
    ] = ()

    @property
    def band_ends(self) -> tuple[int, ...]:
        """The last year of each band."""
        return tuple(last for _, last in self.bands)

    def group_of(self, lane: str) -> str:
        """The group in which a lane is told."""
        return next((group.name for group in self.lane_groups if lane in group.lanes), _OTHERS)

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Bands that leave ages out or split minors; a lane in two groups."""
        starts = [0, *(last + 1 for last in self.band_ends)]
        if any(
            first != start or last < first for (first, last), start in zip(self.bands, starts, strict=False)
        ):
            yield ("bands",), f"bands follow each other from 0 to {_OLDEST} without a gap"
        elif self.band_ends[-1] != _OLDEST:
            yield ("bands",), f"the last band ends at {_OLDEST}"
        elif self.band_ends[0] < _ADULT - 1:
            yield ("bands",), f"under {_ADULT} is never split: the first band ends at {_ADULT - 1} or later"
        told = [lane for group in self.lane_groups for lane in group.lanes]
        for lane in sorted({lane for lane in told if told.count(lane) > 1}):
            yield ("lane_groups",), f"lane '{lane}' stands in two groups"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """Goods that may interest a customer of an age band, as an event for a customer display. Off by default."""

    enabled: Annotated[bool, "suggest goods while a receipt is open"] = False
    file: Annotated[
        Path | None,
        "offers.json; relative: to the configuration's folder; read again when it changes",
        Beside(),
    ] = None
    crops_min: Annotated[int, "an estimate is stable once so many crops were read", Within(1, 20)] = 3
    share_min: Annotated[float, "... and its likeliest age band has at least this share", Within(0.05, 1)] = (
        0.5
    )
    minor_p_max: Annotated[
        float,
        "restricted goods are suggested to nobody whose probability of being under age is above this",
        Within(0, 0.5),
    ] = 0.01
    items_max: Annotated[int, "goods in one suggestion at most", Within(1, 20)] = 5

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Offers need their file."""
        if self.enabled and self.file is None:
            yield ("file",), "offers are enabled and no file is named; `checkout-age offers` writes one"
