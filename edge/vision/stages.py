"""Where the time of the vision thread goes, by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["STAGES", "StageTimes"]

STAGES = ("motion", "detect", "track", "gate", "age")


class StageTimes:
    """Adds up nanoseconds by stage; two clock reads a stage and step, so it is always on."""

    def __init__(self) -> None:
        self.total_ns: dict[str, int] = dict.fromkeys(STAGES, 0)

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        """Count what runs inside towards `stage` (one of `STAGES`)."""
        began_ns = time.perf_counter_ns()
        try:
            yield
        finally:
            self.total_ns[stage] += time.perf_counter_ns() - began_ns
