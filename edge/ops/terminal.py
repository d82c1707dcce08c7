"""The screen of a running box: the view redrawn in place, or one plain line for every happening."""

from __future__ import annotations

import os
import threading
from collections import deque
from datetime import UTC, tzinfo
from types import TracebackType
from typing import TextIO

from edge.ops.redraw import can_redraw
from edge.ops.terminal_sales import sale_told
from edge.ops.terminal_view import Happening, LaneNow, Moment, Span, clock, cut, track_ended, view
from edge.ops.terminal_words import Language

__all__ = ["Happening", "LaneNow", "Moment", "Terminal", "sale_told", "track_ended"]

_CODES = {"plain": "", "bold": "1", "dim": "2", "good": "32", "bad": "1;31", "warn": "33"}
_KEPT = 50  # happenings kept for the screen; older ones are in the sinks


class Terminal:
    """Shows moments on `stream`. Use as a context; log lines must go elsewhere meanwhile.

    On a terminal the alternate screen is redrawn in place and left behind as it was. Elsewhere `show` writes
    nothing and `tell` one line at a time.
    """

    def __init__(self, stream: TextIO, *, language: Language = "en", zone: tzinfo = UTC) -> None:
        self._stream = stream
        self._language = language
        self._zone = zone
        self._happened: deque[Happening] = deque(maxlen=_KEPT)  # the oldest goes first
        self._lock = threading.Lock()
        self.redraws = can_redraw(stream)

    def __enter__(self) -> Terminal:
        if self.redraws:
            self._write("\x1b[?1049h\x1b[?25l\x1b[2J")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.redraws:
            self._write("\x1b[?25h\x1b[?1049l")

    def tell(self, happening: Happening) -> None:
        """From any thread: something happened; the next `show` has it; where nothing is redrawn it is written now."""
        with self._lock:
            self._happened.append(happening)
        if not self.redraws:
            line = (Span(f"{clock(happening.at_ns, self._zone)}  {happening.lane}  {happening.text}"),)
            self._write("".join(span.text for span in cut(line, 500)) + "\n")

    def show(self, moment: Moment) -> None:
        """Draw this moment at the size that the terminal has now."""
        if not self.redraws:
            return
        width, height = self._size()
        with self._lock:
            happened = tuple(self._happened)
        lines = view(
            moment,
            happened,
            width=width,
            height=height,
            language=self._language,
            zone=self._zone,
        )
        # A row is wiped before it is written: wiping after a full row would take its last character.
        drawn = "\r\n".join("\x1b[K" + "".join(_styled(span) for span in line) for line in lines)
        self._write(f"\x1b[H{drawn}" + ("\r\n\x1b[J" if len(lines) < height else ""))

    def _size(self) -> tuple[int, int]:
        try:
            size = os.get_terminal_size(self._stream.fileno())
        except OSError:
            return 80, 24
        return size.columns or 80, size.lines or 24

    def _write(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


def _styled(span: Span) -> str:
    code = _CODES[span.style]
    return f"\x1b[{code}m{span.text}\x1b[0m" if code else span.text
