"""What is remembered of one tracked person between two frames: read crops, and why others were not read."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge.flow import AgeEstimate, Box, Crop, GateVerdict, UnknownReason
from edge.track import BestShots, Refusals

__all__ = ["Estimator", "Person"]

Estimator = Callable[[NDArray[np.float32], NDArray[np.float32]], AgeEstimate]
"""Logits `(k, 101)` and qualities `(k,)` of one track to its estimate."""


class Person:
    """The crops of one track that were read, and the estimate that follows from them.

    Only logits and qualities are kept, never pixels. At most `budget` of them: a better one pushes out the worst.
    """

    def __init__(self, *, budget: int) -> None:
        self.shots = BestShots(budget=budget)
        self.estimate = AgeEstimate(reason=UnknownReason.TOO_SHORT)
        self.changed = False
        self.seen_ns = 0
        self.seen_box_px: Box = (0.0, 0.0, 0.0, 0.0)
        self.face_px = 0
        self.verdict: GateVerdict | None = None
        """The gate's, of the crop that `seen_box_px` stands for."""
        self._budget = budget
        self._best_quality = -1.0
        self._logits: list[NDArray[np.float32]] = []
        self._qualities: list[float] = []
        self._refusals = Refusals()

    def refused(self, verdict: GateVerdict, at_ns: int, box_px: Box) -> None:
        """A face of this person that the gate did not let through; the dominating reason is kept."""
        self._refusals.add(verdict)
        if self._logits:
            return
        if box_px[2] >= self.face_px:
            self.seen_ns, self.seen_box_px, self.face_px = at_ns, box_px, round(box_px[2])
            self.verdict = verdict
        reason = self._refusals.reason()
        if reason is not self.estimate.reason:
            # Told at once: a receipt may close before the track ends, and both must say the same reason.
            self.estimate, self.changed = AgeEstimate(reason=reason), True

    def read(self, crop: Crop, logits: NDArray[np.float32], estimator: Estimator) -> None:
        """Take in one crop that the age model has read: float32 logits `(101,)`."""
        first = not self._logits
        self._logits.append(logits)
        self._qualities.append(crop.verdict.quality)
        if len(self._logits) > self._budget:
            worst = int(np.argmin(self._qualities))
            del self._logits[worst], self._qualities[worst]
        self.face_px = round(crop.box_px[2]) if first else max(self.face_px, round(crop.box_px[2]))
        if crop.verdict.quality > self._best_quality:
            self._best_quality = crop.verdict.quality
            self.seen_ns, self.seen_box_px, self.verdict = crop.at_ns, crop.box_px, crop.verdict
        self.estimate = estimator(np.stack(self._logits), np.asarray(self._qualities, np.float32))
        self.changed = True
