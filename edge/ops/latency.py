"""Percentiles of the last few thousand latencies, in a fixed amount of memory."""

from __future__ import annotations

import threading
from collections import deque

__all__ = ["LatencyWindow"]


class LatencyWindow:
    """The newest `size` latencies in seconds; older ones are forgotten. Thread-safe."""

    def __init__(self, *, size: int = 4096) -> None:
        self._lock = threading.Lock()
        self._newest: deque[float] = deque(maxlen=size)

    def add(self, seconds: float) -> None:
        """Take in one latency."""
        with self._lock:
            self._newest.append(seconds)

    def __len__(self) -> int:
        """How many latencies are in the window."""
        with self._lock:
            return len(self._newest)

    def quantile(self, share: float) -> float | None:
        """The latency that `share` (0..1) of the newest ones do not exceed; None without any."""
        with self._lock:
            ordered = sorted(self._newest)
        if not ordered:
            return None
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
