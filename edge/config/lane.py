"""A lane: one till, seen by one camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal

from edge.config.rule import NAME, Count, Refers, Unique

__all__ = ["Lane", "Polygon", "ZonesPx"]

Polygon = Annotated[tuple[tuple[float, float], ...], "corners [x, y] in pixels of the picture", Count(3, 64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonesPx:
    """Where people stand, as polygons in pixels of the camera's full picture."""

    customer: Annotated[Polygon | None, "where customers pay; without it the whole picture"] = None
    cashier: Annotated[Polygon | None, "where the cashier stands; faces here are ignored"] = None

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Corners that lie outside of any picture."""
        for name in ("customer", "cashier"):
            corners: tuple[tuple[float, float], ...] = getattr(self, name) or ()
            if any(not 0 <= value <= 16384 for corner in corners for value in corner):
                yield (name,), "a corner lies outside of the picture; allowed: pixels from 0 to 16384"
            elif corners and len(set(corners)) < 3:
                yield (name,), "fewer than three different corners: that is no area"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One till. A camera may serve two lanes, each with its own zones."""

    name: Annotated[str, "the lane's name, as the till calls it", NAME, Unique()]
    camera: Annotated[str, "name of the camera that sees the lane", Refers("cameras")]
    zones_px: Annotated[ZonesPx, "customer and cashier zone"] = field(default_factory=ZonesPx)
    reports_id_checks: Annotated[
        Literal["till", "page", "none"],
        "who tells that an ID was seen: the till, the cashier's page, or nobody",
    ] = "none"
