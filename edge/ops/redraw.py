"""Whether lines on a stream can be drawn over: only on a terminal that knows how."""

from __future__ import annotations

import os
from typing import TextIO

__all__ = ["can_redraw"]


def can_redraw(stream: TextIO) -> bool:
    """False for files, pipes, and terminals that say of themselves that they are dumb (editors, old consoles)."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"
