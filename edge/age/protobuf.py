"""Reading and writing protocol buffer messages field by field, without a schema compiler.

Enough to change a few fields of an ONNX file on a box that has no `onnx` package: a message is a list of
(field number, value), where a value is an int (varint), or bytes (length-delimited, 32 or 64 bit). Order and
unknown fields are kept. Wire format: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = [
    "Field",
    "Message",
    "ProtobufError",
    "read_message",
    "read_packed",
    "write_message",
    "write_packed",
]

_VARINT: Final = 0
_FIXED_BYTES: Final = {1: 8, 5: 4}
_BYTES: Final = 2


class ProtobufError(ValueError):
    """The bytes are no protocol buffer message, or end too early."""


@dataclass(slots=True)
class Field:
    """One field of a message: its number, its wire type and its value."""

    number: int
    wire: int
    value: int | bytes | memoryview


class Message:
    """Fields in the order of the file, with the few questions that are asked of them."""

    def __init__(self, fields: list[Field]) -> None:
        self.fields = fields

    def all(self, number: int) -> Iterator[bytes | memoryview]:
        """Every length-delimited value of a field number, in order."""
        for field in self.fields:
            if field.number == number and not isinstance(field.value, int):
                yield field.value

    def texts(self, number: int) -> list[str]:
        """Every value of a field number as text."""
        return [bytes(value).decode() for value in self.all(number)]

    def text(self, number: int) -> str:
        """The last value of a field number as text, empty where it is absent."""
        return (self.texts(number) or [""])[-1]

    def integers(self, number: int) -> list[int]:
        """Every value of a repeated integer field, packed or not."""
        found: list[int] = []
        for field in self.fields:
            if field.number == number:
                found.extend([field.value] if isinstance(field.value, int) else read_packed(field.value))
        return found

    def integer(self, number: int) -> int:
        """The last integer value of a field number, 0 where it is absent."""
        return (self.integers(number) or [0])[-1]

    def without(self, *numbers: int) -> list[Field]:
        """The fields with other numbers."""
        return [field for field in self.fields if field.number not in numbers]


def read_message(data: bytes | memoryview) -> Message:
    """Split one message into fields; large values stay views of `data`. Raises ProtobufError."""
    view = memoryview(data)
    fields: list[Field] = []
    at = 0
    while at < len(view):
        key, at = _read_varint(view, at)
        number, wire = key >> 3, key & 7
        value: int | memoryview
        if wire == _VARINT:
            value, at = _read_varint(view, at)
        elif wire == _BYTES or wire in _FIXED_BYTES:
            size = _FIXED_BYTES.get(wire, -1)
            if size < 0:
                size, at = _read_varint(view, at)
            value = view[at : at + size]
            if len(value) < size:
                raise ProtobufError(f"the message ends inside field {number}")
            at += size
        else:
            raise ProtobufError(f"field {number} has wire type {wire}, which no current writer makes")
        if number == 0:
            raise ProtobufError("field number 0: these bytes are no message")
        fields.append(Field(number, wire, value))
    return Message(fields)


def write_message(fields: list[Field]) -> bytes:
    """The bytes of a message, fields in the order given."""
    parts: list[bytes | memoryview] = []
    for field in fields:
        parts.append(_varint(field.number << 3 | field.wire))
        if isinstance(field.value, int):
            parts.append(_varint(field.value))
        else:
            if field.wire == _BYTES:
                parts.append(_varint(len(field.value)))
            parts.append(field.value)
    return b"".join(parts)


def read_packed(data: bytes | memoryview) -> list[int]:
    """The integers of a packed repeated field."""
    view = memoryview(data)
    values: list[int] = []
    at = 0
    while at < len(view):
        value, at = _read_varint(view, at)
        values.append(value)
    return values


def write_packed(values: list[int]) -> bytes:
    """A packed repeated field of integers, none negative."""
    return b"".join(_varint(value) for value in values)


def _read_varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(view) or shift > 63:
            raise ProtobufError("an integer does not end")
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
