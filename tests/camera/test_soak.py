"""What only time shows: a camera dead for minutes, a clip looped for minutes, a stream cut again and again."""

from __future__ import annotations

import gc
import os
import random
import threading
import time
from pathlib import Path

import pytest

from edge.camera import opener_for
from tests.camera.films import film
from tests.camera.live import RtspServer, SilentServer, Watched
from tests.conftest import Measured

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

MINUTES = float(os.environ.get("CAMERA_SOAK_MINUTES", "5"))
"""How long each lasts; ten seconds of `CAMERA_SOAK_MINUTES=0.2` show that the tests themselves work."""


def footprint() -> tuple[int, int, int, float]:
    """Python's threads, native threads, descriptors, resident megabytes."""
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    tasks, files = len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))
    return threading.active_count(), tasks, files, resident / 1e6


def watch_for(watched: Watched, seconds: float) -> None:
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s:
        watched.lets_time_pass()
        watched.camera.take()


def grown(watched: Watched, minutes: float) -> str:
    """After a fifth of the time nothing grows any more: threads and descriptors not at all, memory not by 2 %.

    Says what there was then and at the end.
    """
    watch_for(watched, minutes * 12)
    early = footprint()
    watch_for(watched, minutes * 48)
    late = footprint()
    print(f"after a fifth {early}, at the end {late}, {watched.camera.figures()}")
    assert late[0] <= early[0]
    assert late[1] <= early[1] + 1
    assert late[2] <= early[2] + 2
    assert late[3] <= early[3] * 1.02 + 2
    names = ("threads", "descriptors", "MB")
    told = (f"{early[n]:.0f} and {late[n]:.0f} {name}" for n, name in zip((1, 2, 3), names, strict=True))
    return f"after {minutes / 5:g} and {minutes:g} minutes {', '.join(told)}"


@pytest.mark.parametrize("death", ["refuses", "silent", "frozen", "wrong password"])
def test_a_dead_camera_costs_nothing_for_as_long_as_it_is_dead(death, measured: Measured):
    with RtspServer("--user", "anna", "--password", "other") as server, SilentServer() as silent:
        port = {"refuses": 9, "silent": silent.port}.get(death, server.port)
        if death == "frozen":
            server.freeze()
        opener = opener_for(f"rtsp://anna:hush@127.0.0.1:{port}/lane", open_timeout_s=0.5, read_timeout_s=0.5)
        with Watched(opener, test_ends_s=3600, reconnect_min_s=0.05, reconnect_max_s=0.2) as watched:
            told = grown(watched, MINUTES)
            assert watched.camera.figures().opens > MINUTES * 30
            assert all(status.state == "down" for status in watched.told)
    measured("camera dead for minutes", f"{death}: {told}")


def test_a_camera_that_dies_and_comes_back_all_the_time_leaves_nothing_behind():
    chance = random.Random(4)
    with RtspServer("--size", "640x360") as server:
        opener = opener_for(server.url, open_timeout_s=3, read_timeout_s=0.5)
        with Watched(opener, test_ends_s=3600, reconnect_min_s=0.05, reconnect_max_s=0.2) as watched:
            sizes = []
            ends_s = time.monotonic() + MINUTES * 60
            while time.monotonic() < ends_s or watched.camera.figures().reconnects < 30:
                lives = watched.camera.figures().reconnects
                if chance.random() < 0.5:
                    server.kill()
                    server.start("--size", "640x360")
                else:
                    server.freeze()
                    watch_for(watched, 1.2)
                    server.thaw()
                while watched.camera.figures().reconnects == lives or watched.camera.take() is None:
                    watched.lets_time_pass()
                sizes.append(footprint())
    print(sizes[0], sizes[len(sizes) // 5], sizes[-1], watched.camera.figures())
    early, late = sizes[len(sizes) // 5], sizes[-1]
    assert late[:2] <= early[:2]
    assert late[2] <= early[2] + 2
    assert late[3] <= early[3] * 1.02 + 2


def test_a_looped_file_stays_flat(tmp_path):
    opener = opener_for(str(film(tmp_path / "loop.mp4", size="1280x720", seconds=2)), loop=True)
    with Watched(opener, test_ends_s=3600, detect_hz=5) as watched:
        grown(watched, MINUTES)
        assert len(watched.told) == 1
