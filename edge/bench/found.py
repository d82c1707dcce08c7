"""Which customers of a replay did a live lane find? Matching by when they stood there; pure."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Stay", "matched"]

Stay = tuple[float, float]
"""First and last sight of one customer, in seconds of one clock."""

_STEP_S = 0.1
_SHARE_MIN = 0.3
"""A live customer is the replayed one where they share this much of the time that either was there."""


def matched(expected: Sequence[Stay], found: Sequence[Stay], *, shift_max_s: float = 5.0) -> int:
    """How many of `expected` have a counterpart of their own in `found`.

    The two clocks may differ by a shift up to `shift_max_s` (a stream starts when its server has set it up); the
    shift that explains most is taken.
    """
    steps = round(shift_max_s / _STEP_S)
    return max(_pairs(expected, found, step * _STEP_S) for step in range(-steps, steps + 1))


def _pairs(expected: Sequence[Stay], found: Sequence[Stay], shift_s: float) -> int:
    shares = sorted(
        (
            (_shared(one, (other[0] - shift_s, other[1] - shift_s)), i, j)
            for i, one in enumerate(expected)
            for j, other in enumerate(found)
        ),
        reverse=True,
    )
    taken_i: set[int] = set()
    taken_j: set[int] = set()
    for share, i, j in shares:
        if share >= _SHARE_MIN and i not in taken_i and j not in taken_j:
            taken_i.add(i)
            taken_j.add(j)
    return len(taken_i)


def _shared(one: Stay, other: Stay) -> float:
    """Intersection over union of two stays; 0 where they do not meet."""
    both = min(one[1], other[1]) - max(one[0], other[0])
    either = max(one[1], other[1]) - min(one[0], other[0])
    return max(0.0, both) / either if either > 0 else float(one == other)
