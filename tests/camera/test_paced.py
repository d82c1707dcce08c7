"""Files, drawn lanes and USB devices as cameras."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from edge.camera import ReaderOpener, opener_for
from edge.camera.source import SourceLost
from edge.flow import Frame
from tests.camera.films import film
from tests.camera.live import Watched


@pytest.fixture(scope="module")
def second(tmp_path_factory):
    """A film of one second, 15 pictures."""
    return film(tmp_path_factory.mktemp("films") / "second.mp4", seconds=1)


def test_a_file_plays_once_and_has_ended(second):
    with Watched(opener_for(str(second))) as watched:
        watched.hears("up ok")
        status = watched.hears("down ended")
        watched.camera.stop()
        figures = watched.camera.figures()

    assert status.detail == f"{second} is at its end"
    assert figures.frames == 15
    assert not watched.camera.alive


def test_a_file_plays_at_the_pace_of_real_time(second):
    """Not faster: fifteen pictures of a second cannot all have come before fourteen fifteenths of it."""
    source = opener_for(str(second)).open(threading.Event())
    began_s = time.monotonic()
    for _ in range(15):
        source.grab()
    took_s = time.monotonic() - began_s
    source.close()

    assert took_s >= 14 / 15 - 0.01


def test_a_looped_file_goes_on_without_a_gap_or_a_word(second):
    with Watched(opener_for(str(second), loop=True)) as watched:
        watched.hears("up ok")
        while watched.camera.figures().frames < 40:
            watched.lets_time_pass()
        frame, figures = watched.frame(), watched.camera.figures()

    assert frame.index >= 38
    assert (figures.opens, figures.reconnects) == (1, 0)
    assert watched.words() == ["up ok"]


def test_a_file_that_is_not_there_is_waited_for(second, tmp_path):
    """A network folder that is mounted late."""
    late = tmp_path / "late.mp4"
    with Watched(opener_for(str(late))) as watched:
        assert watched.hears("down connect_failed").detail == f"{late} is no file; check the camera's source"
        late.write_bytes(second.read_bytes())
        watched.hears("up ok")


def test_a_file_without_video_is_named(tmp_path):
    text = tmp_path / "text.mp4"
    text.write_text("no film")
    with Watched(opener_for(str(text))) as watched:
        assert "holds no video that can be read" in watched.hears("down connect_failed").detail


class Drawn:
    """A lane that draws itself, 20 pictures a second of its own time."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.given = 0

    def read(self) -> Frame | None:
        if self.given == self.left:
            return None
        image = np.random.default_rng(self.given).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        self.given += 1
        return Frame(camera="itself", at_ns=self.given * 50_000_000, image=image)


def test_an_object_that_draws_its_frames_is_a_camera_like_any_other():
    """Its frames carry the camera's name and the time of now, not of the drawing."""
    with Watched(ReaderOpener(Drawn(30), name="drawn lane")) as watched:
        watched.hears("up ok")
        frame = watched.frame()
        watched.hears("down ended")

    assert frame.camera == "cam-1"
    assert abs(time.time_ns() - frame.at_ns) < 60_000_000_000
    assert watched.camera.figures().frames == 30


def test_a_lane_that_was_held_up_does_not_rush():
    """The machine was suspended: time goes on from now, and what was missed is not caught up."""
    source = ReaderOpener(Drawn(1000), name="drawn lane").open(threading.Event())
    source.grab()
    threading.Event().wait(1.2)
    source.grab()
    began_s = time.monotonic()
    for _ in range(5):
        source.grab()

    assert time.monotonic() - began_s >= 0.24


def test_stopping_does_not_wait_for_the_next_picture():
    class Rare(Drawn):
        def read(self) -> Frame:
            self.given += 1
            return Frame(
                camera="c", at_ns=self.given * 3_600_000_000_000, image=np.zeros((8, 8, 3), np.uint8)
            )

    with Watched(ReaderOpener(Rare(2), name="rare")) as watched:
        watched.frame()
        assert watched.camera.stop(timeout_s=30)


def test_a_usb_camera_that_is_not_there_is_named_and_waited_for():
    with Watched(opener_for("/dev/v4l/by-id/usb-none-video-index0")) as watched:
        status = watched.hears("down connect_failed")
    assert "is not there: unplugged, or another number" in status.detail


def test_a_device_that_is_no_camera_is_named():
    with pytest.raises(SourceLost, match="/dev/null gives no video"):
        opener_for("/dev/null").open(threading.Event())


def test_a_number_is_a_device():
    assert str(opener_for("0")) == "/dev/video0"
