"""The one frame between a camera and who looks at it: the newest wins."""

from __future__ import annotations

import threading
from collections.abc import Callable

from edge.flow import Frame

__all__ = ["Slot"]


class Slot:
    """Holds at most one frame, the newest. A frame that nobody took is overwritten and counted in `overwritten`.

    One thread puts, another takes; `wake` is called after each put, in the putting thread, without a lock held.
    """

    def __init__(self, *, wake: Callable[[], None] | None = None) -> None:
        self.overwritten = 0
        self._wake = wake
        self._frame: Frame | None = None
        self._lock = threading.Lock()

    def put(self, frame: Frame) -> None:
        """Lay a frame in, in place of one that waits."""
        with self._lock:
            self.overwritten += self._frame is not None
            self._frame = frame
        if self._wake is not None:
            self._wake()

    def take(self) -> Frame | None:
        """The frame that waits, once; None where there is none."""
        with self._lock:
            frame, self._frame = self._frame, None
        return frame
