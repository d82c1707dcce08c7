"""The capture thread with sources that hang, freeze and run late."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from itertools import pairwise

import numpy as np
import pytest

from edge.camera import Camera, OpenGate
from edge.camera.source import SourceLost
from edge.camera.status import CameraReason
from tests.camera.live import Watched
from tests.conftest import Measured


class Puppet:
    """A source whose next picture comes when the test says: `show(image, stamp_ms)`. It is its own opener."""

    def __init__(self) -> None:
        self.decode_errors = 0
        self.opened = self.closed = 0
        self._coming: deque[tuple[np.ndarray, float | None] | SourceLost] = deque()
        self._more = threading.Semaphore(0)
        self._image: np.ndarray | None = None

    def open(self, stop: threading.Event) -> Puppet:
        self.opened += 1
        self._stop = stop
        return self

    def grab(self) -> float | None:
        while not self._more.acquire(timeout=0.05):
            if self._stop.is_set():
                raise SourceLost(CameraReason.ENDED, "stopped")
        news = self._coming.popleft()
        if isinstance(news, SourceLost):
            raise news
        self._image, stamp_ms = news
        return stamp_ms

    def retrieve(self) -> np.ndarray | None:
        return self._image

    def close(self) -> None:
        self.closed += 1

    def show(self, image: np.ndarray, stamp_ms: float | None = None) -> None:
        self._coming.append((image, stamp_ms))
        self._more.release()

    def lose(self, reason: CameraReason) -> None:
        self._coming.append(SourceLost(reason, "lost"))
        self._more.release()


def picture(n: int) -> np.ndarray:
    return np.random.default_rng(n).integers(60, 200, (64, 64, 3), dtype=np.uint8)


def test_a_read_that_hangs_is_told_by_who_looks_and_costs_one_thread(measured: Measured):
    """The capture thread can say nothing while it hangs; `check`, called by another, says it."""
    puppet = Puppet()
    threads = threading.active_count()
    with Watched(puppet, no_frames_s=0.5) as watched:
        puppet.show(picture(1))
        watched.hears("up ok")
        watched.hears("down no_frames")
        assert threading.active_count() == threads + 1
        measured(
            "camera falls silent", f"a read that hangs: {threading.active_count() - threads} thread, its own"
        )
        assert puppet.opened == 1
        puppet.show(picture(2))
        puppet.show(picture(3))
        while watched.camera.figures().frames < 3:
            watched.lets_time_pass()

    assert (puppet.opened, puppet.closed) == (1, 1)


def test_a_frozen_picture_is_down_and_is_not_handed_on():
    """A face that stood there ten minutes ago must not be judged as the customer of now."""
    puppet = Puppet()
    with Watched(puppet, frozen_s=0.3, no_frames_s=30) as watched:
        puppet.show(picture(1))
        watched.hears("up ok")
        while not watched.camera.figures().withheld:
            puppet.show(picture(1))
            watched.lets_time_pass()
        watched.hears("down frozen")
        watched.camera.take()
        puppet.show(picture(1))
        while watched.camera.figures().withheld < 2:
            watched.lets_time_pass()
        assert watched.camera.take() is None
        puppet.show(picture(2))
        assert (watched.frame().image == picture(2)).all()
        while len(watched.told) < 3:
            puppet.show(picture(len(watched.told) + int(time.monotonic_ns() % 1000)))
            watched.lets_time_pass()

    assert watched.words() == ["up ok", "down frozen", "up ok"]


def test_a_black_picture_is_down():
    puppet = Puppet()
    with Watched(puppet, black_s=0.2, no_frames_s=30) as watched:
        puppet.show(picture(1))
        watched.hears("up ok")
        while len(watched.told) < 2:
            puppet.show(np.zeros((64, 64, 3), np.uint8))
            watched.lets_time_pass()

    assert watched.words() == ["up ok", "down black"]


def test_a_frame_that_lay_too_long_is_not_judged(measured: Measured):
    puppet = Puppet()
    with Watched(puppet, max_frame_age_s=0.1) as watched:
        puppet.show(picture(1))
        watched.hears("up ok")
        ends_ns = time.monotonic_ns() + 150_000_000
        while time.monotonic_ns() < ends_ns:
            watched.lets_time_pass()
        assert watched.camera.take() is None
        assert watched.camera.figures().too_old == 1
        puppet.show(picture(2))
        assert (watched.frame().image == picture(2)).all()
        too_old, frames = watched.camera.figures().too_old, watched.camera.figures().frames
    measured("old pictures", f"{too_old} of {frames} left out, 0.15 s old where 0.1 s is allowed")


def test_a_stream_that_stays_behind_is_opened_anew(measured: Measured):
    """Its stamps say that each picture is two seconds old; nobody judges them, and in the end it is lost."""
    puppet = Puppet()
    with Watched(puppet, no_frames_s=1.0) as watched:
        puppet.show(picture(0), 10_000.0)
        watched.hears("up ok")
        n = 1
        while puppet.opened == 1:
            puppet.show(picture(n), 10_000.0 + n * 0.001)
            watched.lets_time_pass()
            n += 1
        watched.camera.take()

    assert watched.words()[1] == "down no_frames"
    late = watched.camera.figures().too_old
    assert late > 3
    measured("old pictures", f"a stream that comes late: {late} pictures left out, then opened anew")


def test_who_is_told_may_fail_without_harm(caplog):
    puppet = Puppet()
    watched = Watched(puppet)

    def fail(status: object) -> None:
        raise RuntimeError("the store is gone")

    watched.camera._told = fail
    with watched:
        puppet.show(picture(1))
        puppet.show(picture(2))
        while watched.camera.figures().frames < 2:
            watched.lets_time_pass()
    assert "its state up was not taken" in caplog.text


def test_the_end_is_the_end():
    puppet = Puppet()
    with Watched(puppet) as watched:
        puppet.show(picture(1))
        watched.hears("up ok")
        puppet.lose(CameraReason.ENDED)
        watched.hears("down ended")
        watched.camera.stop()
        assert not watched.camera.alive
    assert (puppet.opened, puppet.closed) == (1, 1)


def test_cameras_of_a_box_take_turns_to_open():
    opened_s: list[float] = []

    class Noting(Puppet):
        def open(self, stop: threading.Event) -> Puppet:
            opened_s.append(time.monotonic())
            return super().open(stop)

    gate = OpenGate(spacing_s=0.1, monotonic_s=time.monotonic)
    lanes = [Watched(Noting(), name=f"cam-{n}", gate=gate) for n in range(4)]
    for lane in lanes:
        lane.__enter__()
    while len(opened_s) < 4:
        lanes[0].lets_time_pass()
    for lane in lanes:
        lane.__exit__(None, None, None)

    assert all(later - earlier >= 0.09 for earlier, later in pairwise(sorted(opened_s)))


def test_a_camera_that_was_never_started_can_be_stopped():
    assert Watched(Puppet()).camera.stop()


@pytest.mark.skipif(not hasattr(os, "PRIO_PROCESS"), reason="threads have no priority here")
def test_a_capture_thread_stands_behind_those_that_judge() -> None:
    seen: list[int] = []

    class Looks:
        def open(self, stop: threading.Event) -> None:  # noqa: ARG002 - an opener's signature
            seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
            raise SourceLost(CameraReason.ENDED, "looked")

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    camera = Camera("cam-1", Looks(), told=lambda _status: None)  # type: ignore[arg-type]
    camera.start()
    camera.stop()
    assert seen == [before + 3]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
