"""What C libraries write to descriptors 1 and 2 goes through our log, so that no address with a password passes by it.

FFmpeg and OpenCV print there without asking Python, as soon as somebody sets `OPENCV_FFMPEG_LOGLEVEL` or
`OPENCV_LOG_LEVEL` to hunt a fault.
"""

from __future__ import annotations

import atexit
import ctypes
import faulthandler
import logging
import os
import sys
import threading
from typing import TextIO

__all__ = ["take_over_output"]

_log = logging.getLogger("native")
_LINE_BYTES_MAX = 8192
_DRAIN_S = 1.0


def take_over_output() -> TextIO:
    """The real stderr as a stream of its own; from now on descriptors 1 and 2 are a pipe whose lines become records.

    Call it once, before the first library writes. `sys.stderr` is the real one too, so that Python's own last words
    do not pass through the pipe. What is in the pipe is written out when the interpreter ends.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    real = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8", errors="backslashreplace")
    real_stdout = os.dup(1)
    reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.dup2(writer, 2)
    os.close(writer)
    sys.stderr = real
    faulthandler.enable(
        real
    )  # a crash in a C library: where we were, past the pipe that nobody reads any more
    thread = threading.Thread(target=_carry, args=(reader,), name="native output", daemon=True)
    thread.start()

    def give_back() -> None:
        ctypes.CDLL(None).fflush(None)  # what C still holds back would else come out raw after us
        os.dup2(real_stdout, 1)
        os.dup2(real.fileno(), 2)  # the pipe's last writer is gone: the thread sees its end
        thread.join(_DRAIN_S)

    atexit.register(give_back)
    return real


def _carry(reader: int) -> None:
    rest = b""
    while chunk := os.read(reader, 65_536):
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > _LINE_BYTES_MAX:
            lines, rest = [*lines, rest], b""
        for line in lines:
            _tell(line)
    _tell(rest)


def _tell(line: bytes) -> None:
    text = line.decode("utf-8", "replace").strip("\r\x00 ")
    if text:
        _log.info("%s", text)
