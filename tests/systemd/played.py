"""systemd's part, played by a test: the socket on which a service says that it is ready, alive, or how it is."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

__all__ = ["NotifySocket"]


class NotifySocket:
    """Hears what a service tells; a context that closes it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self.heard: list[tuple[float, str]] = []

    def environment(self, *, watchdog_s: float | None = None) -> dict[str, str]:
        """What systemd puts into the environment of a service with `Type=notify`."""
        watched = {} if watchdog_s is None else {"WATCHDOG_USEC": str(round(watchdog_s * 1e6))}
        return {**os.environ, "NOTIFY_SOCKET": str(self.path), **watched}

    def until(self, wanted: Callable[[str], bool], *, within_s: float, what: str) -> str:
        """The next message that is wanted; all are kept in `heard`. Fails with `what` where none comes in time."""
        ends_s = time.monotonic() + within_s
        while (left_s := ends_s - time.monotonic()) > 0:
            message = self.next(within_s=left_s)
            if message is not None and wanted(message):
                return message
        raise AssertionError(f"not within {within_s:.0f} s: {what}; heard {[text for _, text in self.heard]}")

    def next(self, *, within_s: float) -> str | None:
        """The next message; None where nothing is said for so long."""
        self._socket.settimeout(max(within_s, 0.001))
        try:
            message = self._socket.recv(4096).decode()
        except TimeoutError:
            return None
        self.heard.append((time.monotonic(), message))
        return message

    def empty(self) -> None:
        """Take what was said until now off the socket."""
        while self.next(within_s=0.0) is not None:
            pass

    def __enter__(self) -> NotifySocket:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
