"""How a person's faces become one track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from edge.config.rule import Within

__all__ = ["Tracking"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """Patience in seconds of the picture's own time, never in frames."""

    crops_per_track: Annotated[int, "faces of one person that the age model reads at most", Within(1, 20)] = 5
    max_track_s: Annotated[
        float, "a track is reported after so long even if the person stays", Within(10, 900)
    ] = 120.0
