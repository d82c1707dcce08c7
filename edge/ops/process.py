"""What this process takes of the machine, read from Linux's own books."""

from __future__ import annotations

import ctypes
import os
import threading
from pathlib import Path

__all__ = ["clock_synchronised", "file_descriptors", "resident_bytes", "threads"]

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
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
