"""A real RTSP server that does to a camera all that happens in a shop."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from edge import config
from edge.camera import CameraReason, Credentials, StreamAddress, opener_for
from edge.camera.rtsp import knock
from edge.camera.source import Opener, SourceLost
from tests.camera.live import RtspServer, SilentServer, Watched
from tests.conftest import Measured

PASSWORD = "p@ss:w/r?d#1%"
SHOP = config.Camera(name="cam-1", source="demo")
"""Patience as it is shipped."""


def lane(url: str, *, password: str | None = None, open_timeout_s: float = 5) -> Opener:
    credentials = None if password is None else Credentials(user="anna", password=password)
    return opener_for(url, credentials=credentials, open_timeout_s=open_timeout_s, read_timeout_s=1)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def native_threads() -> int:
    return len(os.listdir("/proc/self/task"))


def test_a_camera_gives_its_newest_picture_with_the_time_it_was_taken():
    with RtspServer() as server, Watched(lane(server.url)) as watched:
        watched.hears("up ok")
        frames = watched.frames(5)
        now_ns = time.time_ns()
        figures = watched.camera.figures()

    assert {frame.image.shape for frame in frames} == {(240, 320, 3)}
    assert [frame.index for frame in frames] == sorted({frame.index for frame in frames})
    assert [frame.at_ns for frame in frames] == sorted({frame.at_ns for frame in frames})
    assert now_ns - frames[-1].at_ns < 1_000_000_000
    assert figures.size_px == (320, 240)
    assert figures.opens == 1


def test_every_picture_is_taken_but_only_those_due_are_converted():
    with RtspServer() as server, Watched(lane(server.url), detect_hz=2) as watched:
        watched.frames(4)
        figures = watched.camera.figures()

    assert figures.frames > 15
    assert figures.retrieved < figures.frames / 3


def test_pictures_that_nobody_takes_are_overwritten_and_counted():
    with RtspServer() as server, Watched(lane(server.url)) as watched:
        watched.frame()
        while watched.camera.figures().overwritten < 5:
            watched.lets_time_pass()
        newest, count = watched.frame(), watched.camera.figures().frames

    assert newest.index >= count - 3


def test_a_camera_that_freezes_with_its_connection_open_is_noticed_and_comes_back(measured: Measured):
    """SIGSTOP: nothing is closed, nothing comes. Within 10 s in a shop; here all patience is a quarter of that."""
    with RtspServer() as server, Watched(lane(server.url)) as watched:
        watched.hears("up ok")
        server.freeze()
        frozen_s = time.monotonic()
        watched.hears("down no_frames", within_s=10)
        noticed_s = time.monotonic() - frozen_s
        server.thaw()
        thawed_s = time.monotonic()
        watched.hears("up ok")
        back_s = time.monotonic() - thawed_s
        watched.frame()

    assert watched.words() == ["up ok", "down no_frames", "up ok"]
    assert watched.camera.figures().reconnects >= 1
    measured(
        "camera falls silent",
        f"in its stream: noticed after {noticed_s:.1f} s (patience 2.5 s), back {back_s:.1f} s after it went on",
    )


def test_a_killed_camera_is_down_with_the_reason_and_comes_back_smaller(measured: Measured):
    """The box is swapped for another: same address, another picture size."""
    with RtspServer() as server, Watched(lane(server.url)) as watched:
        watched.hears("up ok")
        server.kill()
        down = watched.hears("down connect_failed")
        server.start("--size", "160x120")
        swapped_s = time.monotonic()
        watched.hears("up ok")
        back_s = time.monotonic() - swapped_s
        size = watched.frame().image.shape

    assert down.detail.endswith("cannot be opened: connection refused")
    assert size == (120, 160, 3)
    measured("resolution changes", f"swapped for a smaller camera: up {back_s:.1f} s after it was there")


def test_a_camera_that_is_gone_is_asked_for_in_longer_and_longer_pauses(measured: Measured):
    """From 0.1 s to 0.8 s here: six attempts after the first take 1.65 s at the least, whatever the luck."""
    opener = lane("rtsp://127.0.0.1:9/lane")
    with Watched(opener, reconnect_min_s=0.1, reconnect_max_s=0.8) as watched:
        watched.hears("down connect_failed")
        began_s = time.monotonic()
        while watched.camera.figures().opens < 7:
            watched.lets_time_pass()
        took_s = time.monotonic() - began_s

    assert took_s > 1.5
    assert watched.words() == ["down connect_failed"], "told once, however often it is tried"
    measured("camera unplugged", f"6 attempts in {took_s:.1f} s with pauses of 0.1 to 0.8 s, told once")


@pytest.mark.parametrize(
    ("pattern", "words", "patience"),
    [("checkers-8", "down frozen", {"frozen_s": 2.0}), ("black", "down black", {"black_s": 2.0})],
)
def test_a_camera_whose_picture_stands_still_or_is_black_is_down_until_it_shows_something(
    pattern: str, words: str, patience: dict[str, float], measured: Measured
):
    """Its stream goes on all the time: only who looks at the pictures can tell."""
    with RtspServer() as server, Watched(lane(server.url), **patience) as watched:
        watched.hears("up ok")
        server.tell(pattern)
        still_s = time.monotonic()
        watched.hears(words)
        told_s = time.monotonic() - still_s
        watched.camera.take()
        frames = watched.camera.figures().frames
        while watched.camera.figures().frames < frames + 10:
            watched.lets_time_pass()
        assert watched.camera.take() is None, "nobody is judged in such a picture"
        server.tell("ball")
        well_s = time.monotonic()
        watched.hears("up ok")
        back_s = time.monotonic() - well_s
        watched.frame()

    assert told_s >= 1.5
    figure = f"told after {told_s:.1f} s (patience 2 s), 0 of 10 pictures handed on, up {back_s:.1f} s after it moved"
    if pattern == "black":
        measured("picture black", figure)
    else:
        measured("picture frozen", figure)


def test_a_picture_size_that_changes_in_the_running_stream_keeps_the_zones_right(measured: Measured):
    """The whole picture comes scaled to the size that the stream began with."""
    with RtspServer() as server, Watched(lane(server.url)) as watched:
        watched.hears("up ok")
        server.tell("smpte")
        before = watched.frames(5)[-1].image
        server.tell("size", "640x480")
        after = watched.frames(10)[-1].image

    assert after.shape == before.shape
    # the seven upper bars stand at the same columns
    apart = int(np.abs(after[60, 20::45].astype(int) - before[60, 20::45]).max())
    assert apart < 40
    assert watched.words() == ["up ok"]
    measured(
        "resolution changes",
        f"in the running stream: 0 interruptions, colours at the same places ±{apart} of 255",
    )


def test_a_password_with_every_awkward_sign_opens_the_camera():
    with (
        RtspServer("--user", "anna", "--password", PASSWORD) as server,
        Watched(lane(server.url, password=PASSWORD)) as watched,
    ):
        watched.hears("up ok")


@pytest.mark.parametrize(
    ("password", "words"), [(None, "wants a user and a password"), ("wrong", "refuses this user or password")]
)
def test_a_refused_password_is_told_as_such_and_tried_again_until_it_is_right(
    password, words, measured: Measured
):
    with RtspServer("--user", "anna", "--password", PASSWORD) as server:
        began_s = time.monotonic()
        with Watched(lane(server.url, password=password)) as watched:
            status = watched.hears("down auth_failed")
            told_s = time.monotonic() - began_s
            server.kill()
            server.start("--user", "anna", "--password", "wrong") if password else server.start()
            while watched.words()[-1] != "up ok":  # for a moment nobody was there, and that may be told too
                watched.lets_time_pass()

    assert words in status.detail
    assert PASSWORD not in status.detail
    assert "wrong@" not in status.detail
    measured("camera refuses the password", f"{password or 'no'} password: told after {told_s:.2f} s")


def test_a_camera_that_refuses_the_password_is_asked_seldom_from_the_first_time_on(measured: Measured):
    """Cameras lock out who insists: not the short pauses of one that is gone, but the longest."""
    with (
        RtspServer("--user", "anna", "--password", PASSWORD) as server,
        Watched(lane(server.url, password="wrong"), reconnect_min_s=0.01, reconnect_max_s=2) as watched,
    ):
        watched.hears("down auth_failed")
        began_s = time.monotonic()
        while watched.camera.figures().opens < 3:
            watched.lets_time_pass()
        took_s = time.monotonic() - began_s

    assert took_s > 1.9
    assert watched.words() == ["down auth_failed"]
    measured(
        "camera refuses the password", f"asked 2 times more in {took_s:.1f} s, where the longest pause is 2 s"
    )


def test_a_wrong_path_is_named():
    with RtspServer() as server, Watched(lane(server.url + "s")) as watched:
        assert "no stream of that path (404)" in watched.hears("down connect_failed").detail


def test_a_port_where_something_else_answers_is_named():
    with (
        SilentServer(greeting=b"HTTP/1.0 400 Bad Request\r\n\r\n") as other,
        pytest.raises(SourceLost) as lost,
    ):
        knock(StreamAddress.parse(f"rtsp://127.0.0.1:{other.port}/lane"), timeout_s=10)
    assert lost.value.reason is CameraReason.CONNECT_FAILED
    assert "does not speak RTSP; check the port" in str(lost.value)


def test_a_name_that_nobody_knows_is_named():
    with pytest.raises(SourceLost, match="its name is not known here"):
        knock(StreamAddress.parse("rtsp://no-such-camera.invalid/lane"), timeout_s=10)


def test_who_accepts_and_says_nothing_is_given_up():
    with (
        SilentServer() as silent,
        Watched(lane(f"rtsp://127.0.0.1:{silent.port}/lane", open_timeout_s=0.5)) as watched,
    ):
        status = watched.hears("down connect_failed", within_s=10)

    assert "does not answer within 0.5 s" in status.detail


def test_who_accepts_and_says_nothing_is_noticed_within_ten_seconds_in_a_shop(measured: Measured):
    """With every time-out as it is shipped; opening itself gives up later than that."""
    with SilentServer() as silent:
        opener = opener_for(f"rtsp://127.0.0.1:{silent.port}/lane")
        began_s = time.monotonic()
        with Watched(opener, no_frames_s=SHOP.no_frames_s) as watched:
            watched.hears("down no_frames", within_s=10)
            noticed_s = time.monotonic() - began_s
    measured("camera falls silent", f"from the first word on, as shipped: noticed after {noticed_s:.1f} s")


def test_a_camera_that_answers_slowly_is_waited_for(measured: Measured):
    with RtspServer("--slow-s", "1.5") as server:
        began_s = time.monotonic()
        with Watched(lane(server.url), no_frames_s=SHOP.no_frames_s) as watched:
            watched.hears("up ok")
            up_s = time.monotonic() - began_s

    assert watched.camera.figures().opens == 1
    measured("camera slow to connect", f"answers after 1.5 s: up after {up_s:.1f} s, at the first attempt")


def test_a_dead_camera_does_not_hold_up_the_others(measured: Measured):
    """One camera says nothing for as long as it is asked and one is not there: the third opens and plays meanwhile.

    OpenCV opens one stream at a time unless it is told otherwise; this is the test of that.
    """
    silent = SilentServer()
    with (
        RtspServer() as server,
        Watched(lane(f"rtsp://127.0.0.1:{silent.port}/lane", open_timeout_s=60), name="silent"),
        Watched(lane("rtsp://127.0.0.1:9/lane"), name="nobody"),
        Watched(lane(server.url), name="good", no_frames_s=30) as good,
        silent,
    ):
        began_s = time.monotonic()
        good.hears("up ok", within_s=30)
        up_s = time.monotonic() - began_s
        good.frames(20)
    measured(
        "camera falls silent", f"a third camera beside a silent and a missing one: up after {up_s:.1f} s"
    )


def test_reconnecting_again_and_again_leaves_nothing_behind(measured: Measured):
    """A camera that is gone: 30 attempts, then 8 times there and gone. Threads and descriptors stay as they were."""
    threads, native, files = threading.active_count(), native_threads(), descriptors()
    with (
        RtspServer() as server,
        Watched(lane(server.url), reconnect_min_s=0.01, reconnect_max_s=0.01) as watched,
    ):
        for lives in range(8):
            while watched.camera.figures().reconnects < lives or watched.camera.take() is None:
                watched.lets_time_pass()
            server.kill()
            opens = watched.camera.figures().opens
            while watched.camera.figures().opens < opens + 4:
                watched.lets_time_pass()
            assert threading.active_count() == threads + 1
            assert native_threads() <= native + 2
            assert descriptors() <= files + 6
            server.start()
        assert watched.camera.figures().opens > 38
        assert watched.camera.figures().reconnects == 7

    after = (threading.active_count(), native_threads(), descriptors())
    assert after[:2] == (threads, native)
    assert after[2] <= files
    measured(
        "camera dead for minutes",
        f"{watched.camera.figures().opens} attempts: threads {native} before and {after[1]} after, "
        f"descriptors {files} and {after[2]}",
    )


def test_no_word_of_a_password_gets_out():
    """Not in what is told, in the figures, in a log line, nor in what C libraries write by themselves."""
    program = f"""
import logging, sys, threading
logging.basicConfig(level=logging.DEBUG)
from edge.camera import Camera, Credentials, opener_for
for url in sys.argv[1:]:
    credentials = Credentials(user="anna", password="{PASSWORD}")
    opener = opener_for(url, credentials=credentials, open_timeout_s=1, read_timeout_s=1)
    heard, told = [], threading.Event()
    camera = Camera("cam-1", opener, told=lambda s: (heard.append(s), told.set()), no_frames_s=0.5)
    camera.start(); told.wait(10); camera.stop()
    print(heard, camera.status, camera.figures(), opener, vars(opener))
"""
    with RtspServer("--user", "anna", "--password", "another") as server, SilentServer() as silent:
        urls = [server.url, "rtsp://127.0.0.1:9/lane", f"http://127.0.0.1:{silent.port}/lane"]
        done = subprocess.run(
            [sys.executable, "-c", program, *urls], capture_output=True, text=True, check=True
        )

    assert "auth_failed" in done.stdout
    for secret in (PASSWORD, "p%40ss", "w%2Fr"):
        assert secret not in done.stdout + done.stderr
    assert done.stderr == ""


def test_the_capture_thread_outlives_whatever_happens_to_it(caplog):
    """A source with a fault of its own is said once with its trace, and opened again."""

    class Faulty:
        def __init__(self) -> None:
            self.opened = 0

        def open(self, stop: threading.Event) -> object:  # noqa: ARG002
            self.opened += 1
            raise ZeroDivisionError("a bug of ours")

    faulty = Faulty()
    with (
        caplog.at_level(logging.ERROR),
        Watched(faulty, reconnect_min_s=0.01, reconnect_max_s=0.01) as watched,
    ):
        watched.hears("down decode_errors")
        while faulty.opened < 5:
            watched.lets_time_pass()
    assert len(caplog.records) == 1
