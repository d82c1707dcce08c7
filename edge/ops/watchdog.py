"""Which loops stand still: the watchdog is fed only while none does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Beat", "standing_still"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A loop's last sign of life.

    `at_s`: `time.monotonic()` of its last turn. `patience_s`: longer than any turn of a loop that goes on, however
    slow the disk or the network it waits for.
    """

    at_s: float
    patience_s: float


def standing_still(beats: Mapping[str, Beat], now_s: float) -> tuple[str, ...]:
    """Names of the loops that have not turned within their patience, in order; pure."""
    return tuple(name for name, beat in beats.items() if now_s - beat.at_s > beat.patience_s)
