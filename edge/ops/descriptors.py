"""What a process holds open, by kind: a leak has a name before anybody has to look for it."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["DescriptorCount", "descriptors_by_kind"]

_OURS = Path("/proc/self")
_EVERY_S = 10.0
"""The kernel walks its whole table of connections to tell it: milliseconds of processor time (measured: 8)."""

_TCP_STATES = {
    1: "established", 2: "connecting", 3: "connecting", 4: "closing", 5: "closing", 6: "closing", 7: "closed",
    8: "left by the other end", 9: "closing", 10: "listening", 11: "closing",
}  # fmt: skip
"""Linux, include/net/tcp_states.h, in words. 8 is CLOSE_WAIT: the other end has gone and we have not noticed."""
_LISTENING = 10


def descriptors_by_kind() -> dict[str, int]:
    """Our open descriptors counted by what they lead to, e.g. `file security.db`, `tcp established to :554`, `pipe`.

    Files go by their bare name, connections by state and by the port that names them: our own where we listen there,
    else the other end's; where the system does not show its connections they are plain `socket`.
    """
    sockets = _sockets(_OURS / "net")
    return dict(sorted(Counter(_kind(target, sockets) for target in _targets(_OURS / "fd")).items()))


class DescriptorCount:
    """The same of this process, counted anew every ten seconds at most. Any thread."""

    def __init__(
        self,
        count: Callable[[], dict[str, int]] = descriptors_by_kind,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count = count
        self._monotonic_s = monotonic_s
        self._lock = threading.Lock()
        self._counted_s: float | None = None
        self._kinds: dict[str, int] = {}

    def now(self) -> dict[str, int]:
        """The newest count."""
        with self._lock:
            now_s = self._monotonic_s()
            if self._counted_s is None or now_s - self._counted_s >= _EVERY_S:
                self._kinds, self._counted_s = self._count(), now_s
            return dict(self._kinds)


def _targets(folder: Path) -> Iterator[str]:
    for name in os.listdir(folder):
        # What was closed since it was listed is left out, as the one that lists always is.
        with suppress(FileNotFoundError):
            yield os.readlink(folder / name)


def _kind(target: str, sockets: dict[str, str]) -> str:
    if target.startswith("socket:["):
        return sockets.get(target[8:-1], "socket")
    if target.startswith("/memfd:"):
        return f"memfd {target[7:].removesuffix(' (deleted)')}"
    if target.startswith("/"):
        place, _, name = target.rpartition("/")
        return f"device {name}" if place.startswith("/dev") else f"file {name}"
    return (
        target.partition(":")[2].strip("[]") if target.startswith("anon_inode:") else target.partition(":")[0]
    )


def _sockets(folder: Path) -> dict[str, str]:
    """Words for each socket of the network name space, by inode."""
    told: dict[str, str] = {}
    for protocol in ("tcp", "tcp6"):
        rows = [(row[1], row[2], int(row[3], 16), row[9]) for row in _rows(folder / protocol, columns=10)]
        ours = {_port(local) for local, _, state, _ in rows if state == _LISTENING}
        for local, remote, state, inode in rows:
            inward = _port(local) in ours
            side = f"at :{_port(local)}" if inward else f"to :{_port(remote)}"
            told[inode] = f"tcp {_TCP_STATES.get(state, 'closing')} {side}"
    for protocol in ("udp", "udp6"):
        told |= {row[9]: "udp" for row in _rows(folder / protocol, columns=10)}
    return told | {row[6]: "unix socket" for row in _rows(folder / "unix", columns=7)}


def _rows(table: Path, *, columns: int) -> list[list[str]]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:  # a kernel without that protocol, or a sandbox that hides it
        return []
    return [row for row in map(str.split, lines) if len(row) >= columns]


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
