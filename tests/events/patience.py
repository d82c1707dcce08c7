"""Waiting for what nobody announces."""

from __future__ import annotations

import threading
from collections.abc import Callable


def until(true: Callable[[], bool]) -> None:
    """Return as soon as it is true; after 30 s of never, the test has failed."""
    pause = threading.Event()
    for _ in range(3_000):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("it never came true")
