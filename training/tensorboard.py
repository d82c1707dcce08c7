"""Scalars for TensorBoard without TensorFlow: event files are records of a few protobuf fields.

Format: TFRecord framing (length, masked CRC-32C, data, masked CRC-32C) around `Event` messages
(wall_time = 1, step = 2, file_version = 3, summary = 5), so that a run on JAX or Torch has the same logs.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["EventFile"]


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC_TABLE: Final = _crc_table()


def _masked_crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _double(number: int, value: float) -> bytes:
    return _varint(number << 3 | 1) + struct.pack("<d", value)


def _float(number: int, value: float) -> bytes:
    return _varint(number << 3 | 5) + struct.pack("<f", value)


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


class EventFile:
    """Appends scalars; every call is on disk when it returns."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        self._path = folder / f"events.out.tfevents.{int(now):010d}.checkout-age"
        while self._path.exists():  # two runs within a second
            self._path = self._path.with_name(self._path.name + "x")
        self._append(_double(1, now) + _field(3, b"brain.Event:2"))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Write one point of each curve."""
        summary = b"".join(
            _field(1, _field(1, tag.encode()) + _float(2, value)) for tag, value in values.items()
        )
        self._append(_double(1, time.time()) + _integer(2, step) + _field(5, summary))

    def _append(self, event: bytes) -> None:
        length = struct.pack("<Q", len(event))
        with self._path.open("ab") as file:
            file.write(length + struct.pack("<I", _masked_crc(length)))
            file.write(event + struct.pack("<I", _masked_crc(event)))
