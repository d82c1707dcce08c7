"""How far a till's clock is off, read from who stood at the till when: shown to people, never applied by itself.

A customer comes, the receipt opens, it closes, the customer goes: shifted rightly, receipts lie within presences. For
every shift the overlap of each receipt's span with the best presence, as a share of what both cover together, is
added up; the best shift is the estimate. A shift that is only a little better than a far one is no estimate.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["RECEIPTS_MIN", "ClockOffset", "estimate_offset"]

RECEIPTS_MIN = 50
RANGE_S = 30.0
_COARSE_S, _FINE_S = 0.5, 0.1
_FAR_S = 4.0
_BETTER = 1.05

Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockOffset:
    """`offset_s` is to be added to the till's times; None with the reason in `why` where it cannot be told."""

    offset_s: float | None
    receipts: int
    why: str = ""


def estimate_offset(receipts: Sequence[Span], presences: Sequence[Span]) -> ClockOffset:
    """From receipts `(opened_s, closed_s)` in the till's time and presences `(from_s, to_s)` in the camera's.

    Needs `RECEIPTS_MIN` receipts; looks up to `RANGE_S` to either side.
    """
    if len(receipts) < RECEIPTS_MIN:
        return ClockOffset(
            offset_s=None, receipts=len(receipts), why=f"{len(receipts)} of {RECEIPTS_MIN} receipts needed"
        )
    ordered = sorted(presences)
    longest_s = max((to - begin for begin, to in ordered), default=0.0)
    begins = [begin for begin, _ in ordered]

    def fit(offset_s: float) -> float:
        return sum(
            _best(opened + offset_s, closed + offset_s, ordered, begins, longest_s)
            for opened, closed in receipts
        )

    steps = round(RANGE_S / _COARSE_S)
    coarse = {step * _COARSE_S: fit(step * _COARSE_S) for step in range(-steps, steps + 1)}
    best_s = max(coarse, key=lambda offset_s: (coarse[offset_s], -abs(offset_s)))
    rival = max(found for offset_s, found in coarse.items() if abs(offset_s - best_s) >= _FAR_S)
    if coarse[best_s] <= 0 or coarse[best_s] < _BETTER * rival:
        why = "other offsets fit nearly as well: people stand there all the time, or other tills' receipts came in"
        return ClockOffset(offset_s=None, receipts=len(receipts), why=why)
    fine = {best_s + step * _FINE_S: fit(best_s + step * _FINE_S) for step in range(-5, 6)}
    found_s = max(fine, key=lambda offset_s: fine[offset_s])
    return ClockOffset(offset_s=round(found_s, 1), receipts=len(receipts))


def _best(
    opened_s: float, closed_s: float, presences: Sequence[Span], begins: Sequence[float], longest_s: float
) -> float:
    """The largest share of overlap in what a receipt and one presence cover together."""
    best = 0.0
    for place in range(bisect_left(begins, opened_s - longest_s), len(presences)):
        begin, to = presences[place]
        if begin > closed_s:
            break
        both = min(closed_s, to) - max(opened_s, begin)
        if both > 0:
            best = max(best, both / (max(closed_s, to) - min(opened_s, begin)))
    return best
