"""The vision thread goes on whatever a batch of frames does to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from edge.app.vision_loop import Judged, VisionLoop
from edge.flow import Frame
from tests.conftest import Measured
from tests.scenarios.box import until


class OneCamera:
    """Has a frame whenever one was laid in."""

    name = "cam-1"

    def __init__(self) -> None:
        self.frame: Frame | None = None

    def take(self) -> Frame | None:
        frame, self.frame = self.frame, None
        return frame


class Touchy:
    """Sees nobody; the picture of all zeros breaks it. Remembers what it was asked to do."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.sightings: list[Any] = []

    def step(self, frames: Sequence[Frame]) -> list[Any]:
        self.asked.append(f"frame {frames[0].index}")
        if not frames[0].image.any():
            raise ValueError("nothing to see")
        return []

    def end(self, camera: str) -> list[Any]:
        self.asked.append(f"end of {camera}")
        return []


def frame(index: int, *, at_ns: int, black: bool = False) -> Frame:
    image = np.full((4, 4, 3), 0 if black else 9, np.uint8)
    return Frame(camera="cam-1", at_ns=at_ns, image=image, index=index)


class Loop:
    def __init__(self) -> None:
        self.vision, self.camera = Touchy(), OneCamera()
        self.told: list[Judged] = []
        self.news = threading.Event()
        self.loop = VisionLoop(vision=self.vision, tell=self.told.append)  # type: ignore[arg-type]
        self.loop.watch(self.camera)  # type: ignore[arg-type]
        self.loop.start()

    def sees(self, one: Frame) -> None:
        asked = len(self.vision.asked)
        self.camera.frame = one
        self.loop.wake()
        until(lambda: len(self.vision.asked) > asked and self.camera.frame is None, what="the frame is taken")


def test_a_batch_that_breaks_a_stage_is_counted_and_the_next_is_judged(measured: Measured) -> None:
    loop = Loop()
    loop.sees(frame(1, at_ns=10, black=True))
    until(lambda: loop.loop.failures == 1, what="the fault is counted")
    loop.sees(frame(2, at_ns=20))
    until(lambda: len(loop.told) == 1, what="the next frame is judged")
    loop.loop.stop()
    assert loop.told[0].captured_ns == 20
    assert loop.loop.judged == {"cam-1": 1}
    measured(
        "a picture breaks a stage", f"{loop.loop.failures} counted, the next judged: {len(loop.told)} of 1"
    )


def test_a_clock_that_was_set_back_ends_the_tracks_of_its_camera_first() -> None:
    loop = Loop()
    loop.sees(frame(1, at_ns=1_000))
    loop.sees(frame(2, at_ns=500))
    loop.loop.stop()
    assert loop.vision.asked == ["frame 1", "end of cam-1", "frame 2", "end of cam-1"]


def test_a_camera_that_is_lost_ends_its_tracks(measured: Measured) -> None:
    loop = Loop()
    lost_s = time.monotonic()
    loop.loop.camera_lost("cam-1")
    until(lambda: loop.vision.asked == ["end of cam-1"], what="its people are told as gone")
    measured("camera unplugged", f"its tracks end {time.monotonic() - lost_s:.1f} s after")
    loop.loop.stop()
