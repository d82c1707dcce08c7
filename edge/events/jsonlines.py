"""A file of JSON lines that is appended to, rotated and whole after every crash."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

__all__ = ["JsonLinesFile"]

_TAIL_BYTES = 1 << 20
"""Longest torn line that is looked at on opening; one of ours has a few hundred bytes."""


class JsonLinesFile:
    """Appends whole lines and survives what happens to log files. For one thread and one writer.

    On opening, a last line without its end is completed where it is whole JSON and cut off where it is
    torn. `rotate_bytes`: before the file would grow beyond it, `FILE` becomes `FILE.1`, `FILE.1`
    becomes `FILE.2` and so on; `keep` old ones stay, the oldest is deleted. None never rotates. With
    `fsync` every `append` is on disk when it returns. Moved or deleted from outside, the file is
    opened anew under its own name. Raises OSError as the operating system gives it.
    """

    def __init__(
        self, path: Path, *, rotate_bytes: int | None = None, keep: int = 5, fsync: bool = True
    ) -> None:
        if rotate_bytes is not None and rotate_bytes < 1:
            raise ValueError(f"{path}: rotate_bytes must be 1 or more, or None; got {rotate_bytes}")
        if keep < 0:
            raise ValueError(f"{path}: keep must be 0 or more; got {keep}")
        self._path = path
        self._rotate_bytes = rotate_bytes
        self._keep = keep
        self._fsync = fsync
        self._fd, self._size = self._open()

    @property
    def path(self) -> Path:
        """Where the newest lines are."""
        return self._path

    def append(self, lines: Sequence[str]) -> None:
        """Write all lines or, where the disk refuses, none of them; a rotation never splits the call."""
        if not lines:
            return
        block = b"".join(line.encode() + b"\n" for line in lines)
        if block.count(b"\n") != len(lines):
            raise ValueError(f"{self._path}: a line must not contain a line end")
        self._follow()
        if self._rotate_bytes is not None and self._size and self._size + len(block) > self._rotate_bytes:
            self._rotate()
        try:
            written = 0
            while written < len(block):
                written += os.write(self._fd, block[written:])
            if self._fsync:
                os.fdatasync(self._fd)
        except OSError:
            # Without the half-written tail the next line would be glued to it.
            with suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise
        self._size += len(block)

    def close(self) -> None:
        """Close the file; safe to repeat."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> JsonLinesFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> tuple[int, int]:
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
        try:
            size = _mend_tail(fd)
            if self._fsync:
                os.fsync(fd)
                _sync_folder(self._path.parent)
        except OSError:
            os.close(fd)
            raise
        return fd, size

    def _follow(self) -> None:
        """Open the path again where somebody moved the file away, or cut it short (`copytruncate`)."""
        mine = os.fstat(self._fd)
        try:
            there = os.stat(self._path)
        except FileNotFoundError:
            there = None
        if there is None or (there.st_ino, there.st_dev) != (mine.st_ino, mine.st_dev):
            fd, size = self._open()
            os.close(self._fd)
            self._fd, self._size = fd, size
        else:
            self._size = mine.st_size

    def _rotate(self) -> None:
        if self._keep == 0:
            self._path.unlink(missing_ok=True)
        for age in range(self._keep, 0, -1):
            older = self._rotated(age)
            newer = self._path if age == 1 else self._rotated(age - 1)
            with suppress(FileNotFoundError):
                os.replace(newer, older)
        fd, size = self._open()
        os.close(self._fd)
        self._fd, self._size = fd, size

    def _rotated(self, age: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{age}")


def _mend_tail(fd: int) -> int:
    """Make the file end in a whole line; returns its size."""
    size = os.fstat(fd).st_size
    if size == 0 or os.pread(fd, 1, size - 1) == b"\n":
        return size
    start = max(0, size - _TAIL_BYTES)
    tail = os.pread(fd, size - start, start)
    line_at = tail.rfind(b"\n") + 1
    try:
        json.loads(tail[line_at:])
    except ValueError:
        os.ftruncate(fd, start + line_at)
        return start + line_at
    os.write(fd, b"\n")
    return size + 1


def _sync_folder(folder: Path) -> None:
    """A new name in a folder lasts only once the folder itself is on disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
