"""Is a video file all there? Said by the bytes of its container, without decoding."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import BinaryIO

__all__ = ["Wholeness", "wholeness"]

_TS_PACKET_BYTES = 188
_TS_SYNC = 0x47


class Wholeness(Enum):
    """What the bytes of a container say about its end."""

    WHOLE = "whole"
    CUT = "cut"
    UNTOLD = "untold"
    """This kind of container does not say; compare what it declares with what was decoded."""


def wholeness(file: Path) -> Wholeness:
    """Judge MP4, MOV and MPEG-TS files; all others are untold.

    MP4 (ISO/IEC 14496-12, 4.2): a file is a row of boxes, each begins with its size in 4 bytes (1: another
    8 bytes follow the name, 0: it goes on to the end of the file) and a name of 4 bytes. MPEG-TS
    (ISO/IEC 13818-1): packets of 188 bytes that begin with 0x47.
    """
    size_of_file = file.stat().st_size
    with file.open("rb") as stream:
        head = stream.read(_TS_PACKET_BYTES + 1)
        if head[4:8] == b"ftyp":
            return _wholeness_of_boxes(stream, size_of_file)
        if len(head) > _TS_PACKET_BYTES and head[0] == head[_TS_PACKET_BYTES] == _TS_SYNC:
            return Wholeness.CUT if size_of_file % _TS_PACKET_BYTES else Wholeness.UNTOLD
    return Wholeness.UNTOLD


def _wholeness_of_boxes(stream: BinaryIO, size_of_file: int) -> Wholeness:
    at = 0
    while at < size_of_file:
        size = _size_of_box(stream, at)
        if size is None:  # cut inside a head, or what follows is no box
            return Wholeness.CUT
        if size == 0:
            return Wholeness.WHOLE
        at += size
    return Wholeness.WHOLE if at == size_of_file else Wholeness.CUT


def _size_of_box(stream: BinaryIO, at: int) -> int | None:
    stream.seek(at)
    head = stream.read(16)
    if len(head) < 8:
        return None
    size = int.from_bytes(head[:4], "big")
    if size == 1:
        size = int.from_bytes(head[8:16], "big") if len(head) == 16 else -1
        return size if size >= 16 else None
    return size if size == 0 or size >= 8 else None
