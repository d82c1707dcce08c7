"""The newest frame wins."""

from __future__ import annotations

import threading

import numpy as np

from edge.camera import Slot
from edge.flow import Frame


def frame(index: int) -> Frame:
    return Frame(camera="cam-1", at_ns=index, image=np.zeros((1, 1, 3), np.uint8), index=index)


def test_a_frame_is_taken_once():
    slot = Slot()
    slot.put(frame(1))
    taken = slot.take()
    assert taken is not None
    assert taken.index == 1
    assert slot.take() is None


def test_what_nobody_took_is_overwritten_and_counted():
    woken: list[int] = []
    slot = Slot(wake=lambda: woken.append(1))
    for index in range(5):
        slot.put(frame(index))

    taken = slot.take()
    assert taken is not None
    assert taken.index == 4
    assert (slot.overwritten, len(woken)) == (4, 5)


def test_between_two_threads_every_frame_is_taken_or_counted():
    slot, taken, done = Slot(), 0, threading.Event()

    def put() -> None:
        for index in range(5000):
            slot.put(frame(index))
        done.set()

    thread = threading.Thread(target=put)
    thread.start()
    newest = -1
    while not done.is_set() or newest < 4999:
        got = slot.take()
        if got is not None:
            assert got.index > newest
            taken, newest = taken + 1, got.index
    thread.join()

    assert taken + slot.overwritten == 5000
