"""Which crops of one track are worth the age model's time."""

from __future__ import annotations

from dataclasses import dataclass

from edge.flow import Crop

__all__ = ["BestShots"]

_BETTER = 1.25
"""A crop is clearly better at a quarter more quality than the best that was read."""

_DIFFERENT_S = 0.8
_DIFFERENT_YAW = 0.2
_DIFFERENT_QUALITY = 0.75
"""A crop is clearly different that lies so far in time or in pose from every one that was read, and is not much worse
than the best: what a moment's blink or shadow spoiled in one is not spoiled in both."""

_APART_S = 0.35
"""Whatever it is, two crops within a third of a second show the same moment; an approach would spend the budget."""


@dataclass(slots=True, kw_only=True)
class _Read:
    at_ns: int
    quality: float
    yaw: float


class BestShots:
    """The budget of one track: the first crop that passes the gate, then only what adds something.

    Within the budget a crop is admitted that is clearly better or clearly different. Once it is spent, a clearly
    better one than the worst may replace that, as many times again as the budget at most: at the till a face is far
    better than on the way there, and what was read first must not stand for ever. So a track costs between one and
    twice the budget readings, however long it lasts. `admit` says yes for crops that will be read; the caller drops
    the reading of lowest quality when it holds more than the budget.
    """

    def __init__(self, *, budget: int = 5) -> None:
        """`budget`: readings of one track that count at a time, at least 1."""
        if budget < 1:
            raise ValueError(f"a budget is at least one crop; got {budget}")
        self._budget = budget
        self._left = 2 * budget
        self._reads: list[_Read] = []
        self._latest_ns = 0
        self._frozen = False

    @property
    def reads(self) -> int:
        """Crops admitted so far, those that were replaced included."""
        return 2 * self._budget - self._left

    def freeze(self) -> None:
        """Admit nothing more: what is known of this person has been told."""
        self._frozen = True

    def wants(self, crop: Crop) -> bool:
        """Would this crop be admitted? Nothing is counted."""
        verdict = crop.verdict
        if self._frozen or verdict.reason is not None or self._left == 0:
            return False
        if not self._reads:
            return True
        if crop.at_ns - self._latest_ns < _APART_S * 1e9:
            return False
        if len(self._reads) >= self._budget:
            return verdict.quality >= _BETTER * min(read.quality for read in self._reads)
        best = max(read.quality for read in self._reads)
        return verdict.quality >= _BETTER * best or (
            verdict.quality >= _DIFFERENT_QUALITY * best
            and all(
                abs(crop.at_ns - read.at_ns) >= _DIFFERENT_S * 1e9
                or abs(verdict.yaw - read.yaw) >= _DIFFERENT_YAW
                for read in self._reads
            )
        )

    def admit(self, crop: Crop) -> bool:
        """Is this crop worth reading? A yes counts against the budget. Crops come in order of time."""
        if not self.wants(crop):
            return False
        if len(self._reads) >= self._budget:
            self._reads.remove(min(self._reads, key=lambda read: read.quality))
        verdict = crop.verdict
        self._reads.append(_Read(at_ns=crop.at_ns, quality=verdict.quality, yaw=verdict.yaw))
        self._left -= 1
        self._latest_ns = crop.at_ns
        return True
