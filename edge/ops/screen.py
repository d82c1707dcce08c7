"""A view redrawn in place on a terminal, or one plain line at a time elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TextIO

from edge.ops.redraw import can_redraw
from edge.ops.terminal_view import Line

__all__ = ["Screen"]

_CODES = {"plain": "", "bold": "1", "dim": "2", "good": "32", "bad": "1;31", "warn": "33"}


class Screen:
    """Draws on `stream`. A context; the terminal is left behind as it was."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.redraws = can_redraw(stream)

    def __enter__(self) -> Screen:
        if self.redraws:
            self._write("\x1b[?1049h\x1b[?25l\x1b[2J")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.redraws:
            self._write("\x1b[?25h\x1b[?1049l")

    def show(self, draw: Callable[[int, int], Sequence[Line]], *, line: str) -> None:
        """`draw(width, height)` on a terminal, else `line` on its own."""
        if not self.redraws:
            self._write(line + "\n")
            return
        width, height = self._size()
        rows = [
            "\x1b[K"
            + "".join(f"\x1b[{_CODES[s.style]}m{s.text}\x1b[0m" if _CODES[s.style] else s.text for s in row)
            for row in draw(width, height)
        ]
        self._write("\x1b[H" + "\r\n".join(rows) + ("\r\n\x1b[J" if len(rows) < height else ""))

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
