"""How much room the disk still has, and when to refuse before it is all gone."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from edge.events.errors import FullReason, StoreFull

__all__ = ["DiskGuard", "default_reserve_bytes"]

_MIB = 1 << 20


def default_reserve_bytes(folder: Path) -> int:
    """5 % of the file system, at least 2 MiB (a full WAL twice) and at most 64 MiB."""
    room = os.statvfs(folder)
    return min(64 * _MIB, max(2 * _MIB, room.f_blocks * room.f_frsize // 20))


class DiskGuard:
    """Refuses intake while the disk has less than a reserve, so that retention and cursors can still work.

    Once refused, a quarter of the reserve more must be free before intake goes on: a disk at the
    brim would flicker. Safe from any thread.
    """

    def __init__(self, folder: Path, *, reserve_bytes: int) -> None:
        self._folder = folder
        self._reserve_bytes = reserve_bytes
        self._refusing = False
        self._lock = threading.Lock()

    @property
    def refusing(self) -> bool:
        """Whether the last check refused."""
        return self._refusing

    def free_bytes(self) -> int:
        """What the operating system would still give us."""
        room = os.statvfs(self._folder)
        return room.f_bavail * room.f_frsize

    def check(self, reusable_bytes: int) -> None:
        """Raise StoreFull where the disk's room and the file's own free pages are below the reserve."""
        free = self.free_bytes() + reusable_bytes
        with self._lock:
            needed = self._reserve_bytes + (self._reserve_bytes // 4 if self._refusing else 0)
            self._refusing = free < needed
            if self._refusing:
                raise StoreFull(
                    FullReason.DISK,
                    f"{self._folder} has {free // 1024} KiB left and {needed // 1024} KiB are kept in reserve: "
                    "free some space there, intake goes on by itself",
                )
