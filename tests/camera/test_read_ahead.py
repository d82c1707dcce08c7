"""A thread that reads ahead: in order, a few items, nothing dropped, and gone when nobody wants it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from edge.camera.read_ahead import ReadAhead


def test_all_items_come_in_order():
    assert list(ReadAhead(iter(range(100)), depth=3, name="test")) == list(range(100))


def test_an_error_comes_out_behind_the_items_before_it():
    def source() -> Iterator[int]:
        yield from (1, 2, 3)
        raise ValueError("the film tears")

    ahead = ReadAhead(source(), depth=8, name="test")
    assert [next(ahead), next(ahead), next(ahead)] == [1, 2, 3]
    with pytest.raises(ValueError, match="the film tears"):
        next(ahead)
    with pytest.raises(StopIteration):
        next(ahead)


def test_it_reads_as_far_ahead_as_it_may_and_no_further():
    made: list[int] = []
    deep_enough = threading.Event()

    def source() -> Iterator[int]:
        for n in range(100):
            made.append(n)
            if n == 4:
                deep_enough.set()
            yield n

    ahead = ReadAhead(source(), depth=4, name="test")
    assert deep_enough.wait(10)  # four wait to be taken, the fifth is made and waits for room
    assert made == [0, 1, 2, 3, 4]
    ahead.close()
    assert made == [0, 1, 2, 3, 4]


def test_closing_ends_the_thread_and_the_source():
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    before = threading.active_count()
    ahead = ReadAhead(source(), depth=2, name="test")
    next(ahead)
    ahead.close()
    ahead.close()

    assert closed.is_set()
    assert threading.active_count() == before
    with pytest.raises(StopIteration):
        next(ahead)
