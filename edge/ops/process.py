"""What this process takes of the machine, read from Linux's own books."""

from __future__ import annotations

import ctypes
import os
import resource
import threading
from contextlib import suppress
from pathlib import Path

__all__ = [
    "clock_synchronised",
    "file_descriptors",
    "forbid_core_dumps",
    "resident_bytes",
    "threads",
]

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_PR_SET_DUMPABLE = 4  # prctl(2)
_TIMEX_BYTES = 208  # size of struct timex on 64-bit Linux; modes = 0 in its first field only reads


def resident_bytes() -> int:
    """Bytes of memory resident now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES


def file_descriptors() -> int:
    """Open file descriptors, the one that counts them left out."""
    return len(os.listdir("/proc/self/fd")) - 1


def threads() -> int:
    """Threads of the process as the kernel counts them, native ones of decoders and models included."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()


def clock_synchronised() -> bool | None:
    """Does the kernel say that a time service disciplines its clock? None where it cannot be asked."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def forbid_core_dumps() -> None:
    """Frames lie in memory: the kernel shall never write it out, neither to a file nor to a crash handler.

    Where one of the two is refused, as a sandbox may, the other still holds.
    """
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
