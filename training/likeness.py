"""Near duplicates: a 256-bit difference hash of the aligned face, and which faces lie close together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["HASH_BYTES", "NEAR_BITS", "Groups", "difference_hash", "near_pairs"]

HASH_BYTES: Final = 32
NEAR_BITS: Final = 12
_SIDE: Final = 16
_BLOCK: Final = 1024


def difference_hash(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """256 bits, uint8 `(32,)`: is each of 16 × 16 places brighter than its right neighbour.

    Blind to size, brightness and compression; two photographs of one scene keep most bits.
    """
    grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    small = np.asarray(cv2.resize(grey, (_SIDE + 1, _SIDE), interpolation=cv2.INTER_AREA), dtype=np.int16)
    return np.packbits(small[:, :-1] > small[:, 1:])


def near_pairs(hashes: NDArray[np.uint8], *, within_bits: int = NEAR_BITS) -> NDArray[np.int64]:
    """All pairs `(k, 2)`, first index smaller, whose hashes `(n, 32)` differ in at most `within_bits` bits."""
    if hashes.ndim != 2 or hashes.shape[1] != HASH_BYTES or hashes.dtype != np.uint8:
        raise ValueError(f"hashes are uint8 (n, {HASH_BYTES}); got {hashes.dtype} {hashes.shape}")
    words = np.ascontiguousarray(hashes).view(np.uint64)
    found: list[NDArray[np.int64]] = []
    for start in range(0, len(words), _BLOCK):
        block = words[start : start + _BLOCK]
        rest = words[start:]
        distance = np.zeros((len(block), len(rest)), dtype=np.uint16)  # 256 does not fit in uint8
        for column in range(words.shape[1]):
            distance += np.bitwise_count(block[:, column, None] ^ rest[None, :, column])
        first, second = np.nonzero(distance <= within_bits)
        ahead = second > first
        found.append(np.column_stack([first[ahead] + start, second[ahead] + start]).astype(np.int64))
    return np.concatenate(found) if found else np.zeros((0, 2), dtype=np.int64)


class Groups:
    """Who belongs together: union-find over `count` members."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def root(self, member: int) -> int:
        """The member that stands for the group."""
        while self._parent[member] != member:
            self._parent[member] = self._parent[self._parent[member]]
            member = self._parent[member]
        return member

    def join(self, a: int, b: int) -> None:
        """Make two groups one; the smaller index stands for both, so the order of joins does not matter."""
        a, b = self.root(a), self.root(b)
        self._parent[max(a, b)] = min(a, b)

    def join_equal(self, keys: Sequence[Hashable], *, but: Iterable[Hashable] = ("",)) -> None:
        """Join all members with equal keys, except those whose key says nothing."""
        silent, first = set(but), dict[Hashable, int]()
        for member, key in enumerate(keys):
            if key not in silent:
                self.join(first.setdefault(key, member), member)

    def lists(self) -> list[list[int]]:
        """Members of every group, in order of the first member."""
        members: dict[int, list[int]] = {}
        for member in range(len(self._parent)):
            members.setdefault(self.root(member), []).append(member)
        return list(members.values())
