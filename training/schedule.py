"""Where a run stands between start and end: its phase and its learning rate. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

from training.config import Phase

__all__ = ["phase_at", "rate_at"]


def rate_at(step: int, progress: float, *, peak: float, warm_up_steps: int) -> float:
    """Learning rate: a linear rise over the first steps, under a cosine from 1 to 0 over `progress` 0..1."""
    rise = min(1.0, (step + 1) / warm_up_steps) if warm_up_steps > 0 else 1.0
    return peak * rise * 0.5 * (1.0 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))


def phase_at(progress: float, phases: Sequence[Phase]) -> int:
    """The index of the phase that `progress` 0..1 falls into."""
    passed = 0.0
    for index, phase in enumerate(phases):
        passed += phase.share
        if progress < passed - 1e-9:
            return index
    return len(phases) - 1
