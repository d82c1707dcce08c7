"""A watched folder: each file once, when it is complete. The files stay as they are; they belong to the till."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FolderWatch", "Found", "file_key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that has come to rest; `raw` is None where it is larger than allowed.

    `key` is a digest of name and content: a till may name its files by receipt.
    """

    path: Path
    key: str
    raw: bytes | None


class FolderWatch:
    """Files that fit `pattern`, once each. A file is complete when two looks found the same size and time."""

    def __init__(
        self, folder: Path, *, pattern: str = "*.xml", max_bytes: int, known: Collection[str] = ()
    ) -> None:
        """`known`: keys of files that were taken before a restart."""
        self._folder = folder
        self._pattern = pattern
        self._max_bytes = max_bytes
        self._known = set(known)
        self._keys: dict[str, str] = {}
        self._seen: dict[str, tuple[int, int]] = {}
        self._taken: dict[str, tuple[int, int]] = {}

    def look(self) -> Iterator[Found]:
        """Files that came to rest since the last look, by name. A file that vanishes meanwhile is passed over."""
        present: dict[str, tuple[int, int]] = {}
        for path in sorted(self._folder.glob(self._pattern)):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            state = (status.st_size, status.st_mtime_ns)
            present[path.name] = state
            if self._taken.get(path.name) == state or self._seen.get(path.name) != state or not state[0]:
                continue
            found = self._found(path, state[0])
            self._taken[path.name] = state
            if found is not None:
                self._keys[path.name] = found.key
            if found is not None and found.key not in self._known:
                self._known.add(found.key)
                yield found
        self._seen = present
        self._taken = {name: state for name, state in self._taken.items() if name in present}
        self._keys = {name: key for name, key in self._keys.items() if name in present}

    def again(self, found: Found) -> None:
        """It could not be committed: give it once more at the next look."""
        self._known.discard(found.key)
        self._taken.pop(found.path.name, None)

    @property
    def gone(self) -> frozenset[str]:
        """Keys of files that were taken and lie there no more; none while the folder is empty, as one that is not
        mounted is."""
        return frozenset(self._known - set(self._keys.values())) if self._keys else frozenset()

    def forget(self, keys: Collection[str]) -> None:
        """Know these no more: one that comes again would be taken again."""
        self._known -= set(keys)

    def _found(self, path: Path, size: int) -> Found | None:
        if size > self._max_bytes:
            return Found(path=path, key=file_key(f"{path.name} {size} bytes"), raw=None)
        try:
            raw = path.read_bytes()
        except OSError:
            return None
        content = hashlib.blake2b(raw, digest_size=12).hexdigest()
        return Found(path=path, key=file_key(f"{path.name} {content}"), raw=raw)


def file_key(text: str) -> str:
    """A digest of a file's name and content."""
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=12).hexdigest()
