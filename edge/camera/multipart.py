"""JPEGs out of a `multipart/x-mixed-replace` stream, whatever pieces it comes in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

__all__ = ["jpegs"]

_PART_BYTES_MAX = 16_000_000
_LINE_BYTES_MAX = 8_192


def jpegs(read: Callable[[], bytes]) -> Iterator[bytes]:
    """The content of every part, in order, until `read` gives no more bytes; a part cut off is left out.

    A part is a line that begins with `--`, header lines, an empty line and the content: as long as its
    Content-Length says, or up to the next such line (RFC 2046, 5.1.1; cameras differ in what they leave out).
    Raises ValueError where what comes is no such stream.
    """
    pieces = _Pieces(read)
    boundary = _boundary(pieces)
    while boundary is not None:
        length: int | None = None
        while (line := pieces.line()) != b"":
            if line is None:  # broken off within the header: no content can follow
                return
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length" and value.strip().isdigit():
                length = int(value)
        content = pieces.exactly(length) if length is not None else pieces.up_to(b"\r\n" + boundary)
        if content is None:
            return
        if content:
            yield content
        boundary = _boundary(pieces)


def _boundary(pieces: _Pieces) -> bytes | None:
    while (line := pieces.line()) is not None:
        if line.startswith(b"--"):
            return line.removesuffix(b"--") if line != b"--" else line
        if line:
            raise ValueError("what it sends is no row of pictures")
    return None


class _Pieces:
    """Lines and blocks out of pieces of any size; what is not there yet is read."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._kept = bytearray()

    def line(self) -> bytes | None:
        """The next line without its end, None at the end of the stream."""
        searched = 0
        while (end := self._kept.find(b"\n", searched)) < 0:
            searched = len(self._kept)
            if searched > _LINE_BYTES_MAX:
                raise ValueError("what it sends is no row of pictures")
            if not self._more():
                return None
        return self._cut(end, end + 1).rstrip(b"\r")

    def exactly(self, length: int) -> bytes | None:
        """That many bytes, None where the stream ends before."""
        if length > _PART_BYTES_MAX:
            raise ValueError(f"it announces a picture of {length} bytes, at most {_PART_BYTES_MAX} are taken")
        while len(self._kept) < length:
            if not self._more():
                return None
        return self._cut(length, length)

    def up_to(self, mark: bytes) -> bytes | None:
        """What stands before `mark`, which then is next but for its line break; None where no mark comes."""
        searched = 0
        while (end := self._kept.find(mark, searched)) < 0:
            searched = max(0, len(self._kept) - len(mark))
            if searched > _PART_BYTES_MAX:
                raise ValueError(f"a picture is larger than {_PART_BYTES_MAX} bytes")
            if not self._more():
                return None
        return self._cut(end, end + 2)

    def _cut(self, end: int, following: int) -> bytes:
        cut = bytes(self._kept[:end])
        del self._kept[:following]
        return cut

    def _more(self) -> bool:
        data = self._read()
        self._kept += data
        return bool(data)
