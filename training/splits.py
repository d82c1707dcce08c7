"""Splits that share nobody: subjects and near duplicates stay on one side."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from training.labels import SPLITS, DataError
from training.likeness import Groups, near_pairs

__all__ = ["Move", "SplitPlan", "plan_splits"]

# Who shares somebody with `test` goes to `test`: what is measured must not be learnt from.
_STRONGEST_FIRST: Final = ("test", "val", "train")
_SHARES: Final[Mapping[str, float]] = {"train": 0.8, "val": 0.1, "test": 0.1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A picture that changed its split: index into the rows, from where, to where, because of whom."""

    index: int
    source: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPlan:
    """The split of every row, the moves that made it clean, and the near-duplicate pairs `(k, 2)`."""

    splits: tuple[str, ...]
    moves: tuple[Move, ...]
    near: NDArray[np.int64]
    seeded: bool

    @property
    def counts(self) -> dict[str, int]:
        """Rows in every split, by name."""
        return dict(sorted(Counter(self.splits).items()))


def plan_splits(
    given: Sequence[str],
    subjects: Sequence[str],
    hashes: NDArray[np.uint8],
    ages: NDArray[np.float64],
    *,
    seed: int = 0,
) -> SplitPlan:
    """Decide the split of every usable picture.

    `given` are the labels' own splits; all empty makes a seeded one of 80, 10 and 10 % with the ages spread
    evenly. A group (same `subject`, or near duplicates by `hashes`) that stands in several splits moves to the
    one that must be cleanest: test, then val, then train. Raises DataError where only some rows name a split.
    """
    near = near_pairs(hashes)
    groups = Groups(len(given))
    groups.join_equal(subjects)
    for a, b in near.tolist():
        groups.join(a, b)
    if not any(given):
        return SplitPlan(splits=_seeded(groups.lists(), ages, seed), moves=(), near=near, seeded=True)
    if not all(given):
        raise DataError(
            f"labels.csv: {sum(not s for s in given)} of {len(given)} rows have no split; fill the column or remove it"
        )
    splits = list(given)
    moves: list[Move] = []
    for members in groups.lists():
        names = {given[m] for m in members}
        if len(names) == 1:
            continue
        target = min(names, key=_strength)
        for m in members:
            if given[m] != target:
                moves.append(
                    Move(index=m, source=given[m], target=target, reason=_reason(m, members, subjects))
                )
                splits[m] = target
    return SplitPlan(splits=tuple(splits), moves=tuple(moves), near=near, seeded=False)


def _strength(split: str) -> tuple[int, str]:
    known = split in _STRONGEST_FIRST
    return (_STRONGEST_FIRST.index(split) if known else len(SPLITS), split)


def _reason(index: int, members: Sequence[int], subjects: Sequence[str]) -> str:
    shared = subjects[index] and any(m != index and subjects[m] == subjects[index] for m in members)
    return "subject" if shared else "near_duplicate"


def _seeded(groups: Sequence[Sequence[int]], ages: NDArray[np.float64], seed: int) -> tuple[str, ...]:
    """Give each group to the split that is furthest behind its share, age band by age band."""
    shuffled = [list(group) for group in groups]
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - a reproducible draw, no secret
    behind: dict[int, dict[str, float]] = {}
    splits = [""] * len(ages)
    # Big groups first: they fit only while every split still has room.
    for group in sorted(shuffled, key=len, reverse=True):
        band = int(float(np.mean(ages[group])) // 5)
        room = behind.setdefault(band, dict.fromkeys(_SHARES, 0.0))
        for name, share in _SHARES.items():
            room[name] += share * len(group)
        target = max(room, key=lambda name: room[name])
        room[target] -= len(group)
        for member in group:
            splits[member] = target
    return tuple(splits)
