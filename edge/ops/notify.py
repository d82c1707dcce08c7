"""What a service says to systemd (sd_notify(3)): ready, still alive, how it is. Says nothing where nobody listens."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import time
from collections.abc import Mapping, MutableMapping

__all__ = ["Notifier"]

_log = logging.getLogger(__name__)
_STATUS_LETTERS = 200
_SEND_S = 2.0


class Notifier:
    """Datagrams to `$NOTIFY_SOCKET`. A message that cannot be sent is logged once and counted in `failures`."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """The variables are taken out of `environment`, so that no child speaks in our name."""
        self._address = environment.get("NOTIFY_SOCKET", "")
        self.watchdog_s = _watchdog_s(environment)
        """Longest pause between two `alive`; None where systemd does not watch."""
        for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"):
            environment.pop(name, None)
        self._status = ""
        self.failures = 0

    @property
    def listened_to(self) -> bool:
        """Did a service manager start us?"""
        return bool(self._address)

    def starting(self, within_s: float) -> None:
        """Ready later than the unit allows (`TimeoutStartSec=`), within so many seconds from now at most."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(within_s * 1e6)}")

    def ready(self) -> None:
        """Warm and at work; ends `reloading` too."""
        self._send("READY=1")

    def reloading(self) -> None:
        """A new configuration is being taken; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """On the way out."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Feed the watchdog."""
        if self.watchdog_s is not None:
            self._send("WATCHDOG=1")

    def status(self, words: str) -> None:
        """One line for `systemctl status`; repeats are not sent."""
        line = " ".join(words.split())[:_STATUS_LETTERS]
        if line != self._status:
            self._status = line
            self._send(f"STATUS={line}")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        # A name that begins with @ lives in Linux's abstract space: its first byte is zero.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)) as to:
            to.settimeout(_SEND_S)
            try:
                to.sendto(message.encode(), address)
            except OSError as error:
                self.failures += 1
                if self.failures == 1:
                    _log.error("systemd cannot be told (%s): %s", message.split("=", maxsplit=1)[0], error)


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """`$WATCHDOG_USEC` in seconds where it is meant for this process."""
    usec, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not usec.isdecimal() or int(usec) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(usec) / 1e6
