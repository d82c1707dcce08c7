"""The file door: JSON lines that the till's software appends; nothing is lost by rotation, truncation or restart."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

__all__ = ["LinesTail", "Place", "Portion"]

_HEAD_BYTES = 256
_PORTION_BYTES = 256 * 1024
_LINE_MAX = 64 * 1024
_PACKED = {".gz", ".xz", ".bz2", ".zst", ".lz4", ".zip"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Up to where a file was read: `head` is a digest of its first bytes, which tells a file from its successor."""

    inode: int
    offset: int
    head: str
    head_bytes: int

    def to_json(self) -> str:
        """As it is kept beside the events."""
        return json.dumps([self.inode, self.offset, self.head, self.head_bytes])

    @classmethod
    def from_json(cls, text: str) -> Place:
        """What `to_json` wrote."""
        inode, offset, head, head_bytes = json.loads(text)
        return cls(inode=inode, offset=offset, head=head, head_bytes=head_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """Whole lines, and the place behind them: to be kept in the same commit as what the lines say."""

    lines: tuple[bytes, ...]
    place: Place


class LinesTail:
    """Reads on in a file that grows. `next` gives the next whole lines; the caller commits them with their place.

    Rotation by renaming: the old file is read to its end first (also after a restart, where a file of the same inode
    lies in the same folder), then those that were rotated away after it, oldest first, then the new one, each from its
    beginning; what was packed meanwhile is passed over. Copy-and-truncate: a file that has shrunk or begins with other
    bytes is read from its beginning. A last line without its end waits for it.
    """

    def __init__(self, path: Path, *, place: Place | None = None) -> None:
        self._path = path
        self._place = place
        self._file: BufferedReader | None = None

    def next(self) -> Portion | None:
        """The next lines, at most some 256 kB; None where there is nothing new. Raises OSError where reading fails."""
        if self._file is None and not self._open():
            return None
        portion = self._read()
        if portion is None and self._rotated():
            portion = self._rest()
            if portion is None:
                self._file = self._next_file()
                portion = self._read()
            else:
                self.close()
        if portion is not None:
            self._place = portion.place
        return portion

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _next_file(self) -> BufferedReader | None:
        """What was rotated away next after the file that is at its end, else the one that has the name now."""
        done_ns, known = 2**63, {self._path.stat().st_ino}
        if self._file is not None:
            done = os.fstat(self._file.fileno())
            done_ns = done.st_mtime_ns
            known.add(done.st_ino)
        self.close()
        self._place = None
        found = []
        for other in self._path.parent.glob(f"{self._path.name}*"):
            about = other.stat()
            if about.st_mtime_ns > done_ns and about.st_ino not in known and _is_rotated(other, self._path):
                found.append((about.st_mtime_ns, other))
        return (min(found)[1] if found else self._path).open("rb")

    def _open(self) -> bool:
        """Open the file that was read last where it can be found, else the one that has the name now."""
        place = self._place
        for candidate in self._candidates():
            try:
                file = candidate.open("rb")
            except FileNotFoundError:
                continue
            if place is None:
                self._file = file
                return True
            if os.fstat(file.fileno()).st_ino == place.inode and _begins_as(file, place):
                file.seek(place.offset)
                self._file = file
                return True
            file.close()
        if place is not None and self._path.exists():
            self._place = None
            return self._open()
        return False

    def _candidates(self) -> Iterator[Path]:
        yield self._path
        if self._place is not None:
            for other in sorted(self._path.parent.glob(f"{self._path.name}*")):
                if other != self._path and other.is_file():
                    yield other

    def _read(self) -> Portion | None:
        file = self._file
        if file is None:
            return None
        start = 0 if self._place is None else self._place.offset
        if os.fstat(file.fileno()).st_size < start or (
            self._place is not None and not _begins_as(file, self._place)
        ):
            start, self._place = 0, None
        file.seek(start)
        chunk = file.read(_PORTION_BYTES)
        end = chunk.rfind(b"\n") + 1
        if end == 0 and len(chunk) > _LINE_MAX:
            end = len(
                chunk
            )  # no till writes such a line: it is refused as a piece instead of waiting for ever
        return self._portion(file, chunk[:end], start + end) if end else None

    def _rest(self) -> Portion | None:
        """What is left in a file that was rotated away: a last line needs no end there."""
        file = self._file
        if file is None:
            return None
        start = 0 if self._place is None else self._place.offset
        file.seek(start)
        chunk = file.read(_LINE_MAX)
        return self._portion(file, chunk, start + len(chunk)) if chunk.strip() else None

    def _portion(self, file: BufferedReader, chunk: bytes, offset: int) -> Portion:
        file.seek(0)
        head = file.read(min(_HEAD_BYTES, offset))
        place = Place(
            inode=os.fstat(file.fileno()).st_ino, offset=offset, head=_digest(head), head_bytes=len(head)
        )
        return Portion(lines=tuple(line for line in chunk.splitlines() if line.strip()), place=place)

    def _rotated(self) -> bool:
        """Does the name belong to another file now, or to none?"""
        if self._file is None:
            return False
        try:
            return os.stat(self._path).st_ino != os.fstat(self._file.fileno()).st_ino
        except FileNotFoundError:
            return False  # between renaming and creating: the old file may still grow


def _is_rotated(other: Path, path: Path) -> bool:
    """A number or a date follows the name, and no suffix of a packer."""
    rest = other.name.removeprefix(path.name)
    return any(letter.isdigit() for letter in rest) and other.suffix not in _PACKED and other.is_file()


def _begins_as(file: BufferedReader, place: Place) -> bool:
    if os.fstat(file.fileno()).st_size < place.offset:
        return False
    file.seek(0)
    return _digest(file.read(place.head_bytes)) == place.head


def _digest(head: bytes) -> str:
    return hashlib.blake2b(head, digest_size=8).hexdigest()
