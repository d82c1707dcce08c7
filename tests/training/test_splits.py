"""Nobody stands in two splits: neither a subject nor a near duplicate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from training.labels import DataError
from training.likeness import HASH_BYTES, Groups, difference_hash, near_pairs
from training.splits import plan_splits


def hashes(*bits_set: int) -> np.ndarray:
    """One hash for each number, with so many low bits set: the distance is the difference of the numbers."""
    table = np.zeros((len(bits_set), HASH_BYTES * 8), np.uint8)
    for row, count in zip(table, bits_set, strict=True):
        row[:count] = 1
    return np.packbits(table, axis=1)


def test_twelve_bits_are_near_and_thirteen_are_not() -> None:
    assert near_pairs(hashes(0, 12, 25)).tolist() == [[0, 1]]


def test_opposite_hashes_are_as_far_as_can_be() -> None:
    assert len(near_pairs(hashes(0, 256))) == 0


def test_a_darker_smaller_copy_is_a_near_duplicate(mini) -> None:
    crop = mini.take(np.array([3]))[0]
    copy = (crop * 0.7).astype(np.uint8)[::2, ::2]
    pairs = near_pairs(np.stack([difference_hash(crop), difference_hash(copy), difference_hash(crop[::-1])]))

    assert pairs.tolist() == [[0, 1]]


@settings(max_examples=25, deadline=None)
@given(hnp.arrays(np.uint8, st.tuples(st.integers(0, 40), st.just(HASH_BYTES)), elements=st.integers(0, 3)))
def test_all_near_pairs_are_found(table: np.ndarray) -> None:
    bits = np.unpackbits(table, axis=1).astype(int)
    expected = {
        (a, b)
        for a in range(len(table))
        for b in range(a + 1, len(table))
        if np.abs(bits[a] - bits[b]).sum() <= 12
    }
    assert {tuple(pair) for pair in near_pairs(table).tolist()} == expected


def test_who_shares_a_subject_with_test_goes_to_test() -> None:
    plan = plan_splits(
        ["train", "train", "test", "val"],
        ["anna", "ben", "anna", "ben"],
        hashes(0, 60, 120, 180),
        np.full(4, 30.0),
    )

    assert plan.splits == ("test", "val", "test", "val")
    assert [(m.index, m.source, m.target, m.reason) for m in plan.moves] == [
        (0, "train", "test", "subject"),
        (1, "train", "val", "subject"),
    ]


def test_near_duplicates_move_together_through_a_chain() -> None:
    plan = plan_splits(["train", "train", "val"], ["", "", ""], hashes(0, 10, 20), np.full(3, 30.0))

    assert plan.splits == ("val", "val", "val")
    assert {move.reason for move in plan.moves} == {"near_duplicate"}


def test_labels_with_half_a_split_are_refused() -> None:
    with pytest.raises(DataError, match="1 of 2 rows have no split"):
        plan_splits(["train", ""], ["", ""], hashes(0, 60), np.full(2, 30.0))


@settings(max_examples=30, deadline=None)
@given(st.integers(30, 200), st.integers(0, 1000))
def test_a_seeded_split_keeps_people_together_and_is_repeatable(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    subjects = [f"s{rng.integers(0, count // 3)}" for _ in range(count)]
    table = rng.integers(0, 256, (count, HASH_BYTES)).astype(np.uint8)
    ages = rng.integers(0, 90, count).astype(float)

    plan = plan_splits([""] * count, subjects, table, ages, seed=seed)
    again = plan_splits([""] * count, subjects, table, ages, seed=seed)

    assert plan.splits == again.splits
    assert plan.seeded
    homes: dict[str, set[str]] = {}
    for subject, split in zip(subjects, plan.splits, strict=True):
        homes.setdefault(subject, set()).add(split)
    assert all(len(splits) == 1 for splits in homes.values())


def test_a_seeded_split_has_all_parts_and_spreads_the_ages() -> None:
    rng = np.random.default_rng(0)
    ages = rng.integers(0, 80, 1000).astype(float)
    plan = plan_splits([""] * 1000, [""] * 1000, rng.integers(0, 256, (1000, 32)).astype(np.uint8), ages)

    splits = np.array(plan.splits)
    assert 760 <= (splits == "train").sum() <= 840
    assert 70 <= (splits == "val").sum() <= 130
    assert abs(ages[splits == "val"].mean() - ages.mean()) < 2


def test_groups_without_a_key_stay_apart() -> None:
    groups = Groups(4)
    groups.join_equal(["a", "", "a", ""])

    assert groups.lists() == [[0, 2], [1], [3]]
