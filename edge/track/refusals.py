"""Why nothing can be said of a person none of whose crops passed the gate."""

from __future__ import annotations

from edge.flow import GateVerdict, UnknownReason

__all__ = ["Refusals"]

_FACES_MIN = 3


class Refusals:
    """The dominating reason of one track: the one that weighs most, each refused face by its eye distance.

    Everybody is small on the way to the till; why the near face could not be read says more than why the far one
    could not. With fewer than three faces judged the person was seen too shortly to blame anything else.
    """

    def __init__(self) -> None:
        self._faces = 0
        self._weight: dict[UnknownReason, float] = {}

    def add(self, verdict: GateVerdict) -> None:
        """Count one refused face; raises ValueError for a verdict that lets the face through."""
        if verdict.reason is None:
            raise ValueError("a refused face has a reason; got a verdict without one")
        self._faces += 1
        weight = max(1.0, verdict.eye_distance_px)
        self._weight[verdict.reason] = self._weight.get(verdict.reason, 0.0) + weight

    def reason(self) -> UnknownReason:
        """The dominating reason; `too_short` where hardly anything was judged."""
        if self._faces < _FACES_MIN:
            return UnknownReason.TOO_SHORT
        return max(self._weight, key=lambda reason: (self._weight[reason], reason.value))
