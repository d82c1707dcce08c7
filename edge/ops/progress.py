"""A progress bar on a terminal's stderr; silent everywhere else."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

from edge.ops.redraw import can_redraw

__all__ = ["Progress"]

_REDRAW_S = 0.1
_WIDTH = 28


class Progress:
    """Shows how far a piece of long work is, as `label ████░░ 42 %  3.1 x  0:12 left`. Use as a context.

    Draws at most ten times a second, only where `stream` is a terminal, and wipes its line at the end, so that
    nothing of it stays in a log.
    """

    def __init__(
        self, label: str, total: float, *, unit: str = "", stream: TextIO | None = None, rate: bool = True
    ) -> None:
        """`total` in `unit`s; 0 or less where it is not known, then only the amount is shown."""
        self._label, self._total, self._unit, self._rate = label, total, unit, rate
        self._stream = sys.stderr if stream is None else stream
        self._shown = can_redraw(self._stream)
        self._began = time.monotonic()
        self._drawn = 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def at(self, done: float) -> None:
        """Say that `done` units of the total are ready."""
        now = time.monotonic()
        if not self._shown or now - self._drawn < _REDRAW_S:
            return
        self._drawn = now
        self._stream.write("\r\x1b[K" + self.line(done, elapsed_s=now - self._began))
        self._stream.flush()

    def line(self, done: float, *, elapsed_s: float) -> str:
        """The line as it is drawn."""
        speed = done / elapsed_s if elapsed_s > 0 else 0.0
        told = f"  {speed:.1f} {self._unit}/s" if self._rate and speed else ""
        if self._total <= 0:
            return f"{self._label} {done:.0f} {self._unit}{told}"
        share = min(1.0, max(0.0, done / self._total))
        filled = round(share * _WIDTH)
        left_s = (self._total - done) / speed if speed > 0 else 0.0
        bar = "█" * filled + "░" * (_WIDTH - filled)
        return f"{self._label} {bar} {share:4.0%}{told}  {int(left_s // 60)}:{int(left_s % 60):02d} left"
