"""What a box lives through: a disk full from the start, a broker that dies, a clock that jumps, loud libraries."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.camera.live import RtspServer
from tests.conftest import Measured
from tests.events.mqtt_places import Broker, Listener
from tests.scenarios.box import Box, until
from tests.scenarios.test_daemon import PASSWORD, file_sink, of_type, one_lane, rush


@pytest.fixture
def models(shared: Path) -> Path:
    return shared / "models"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=True)
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("left_bytes", [0, 300_000])
def test_a_disk_that_is_full_at_start_is_waited_for_while_page_and_metrics_go_on(
    tmp_path: Path, shared: Path, models: Path, small_disk: Path, *, left_bytes: int, measured: Measured
) -> None:
    filler = small_disk / "filler"
    fill(filler, small_disk, left_bytes)
    config = rush(shared)
    config["state"] = {"dir": str(small_disk / "state"), "min_free_mb": 1}
    config["sinks"] = [{**file_sink(), "path": str(tmp_path / "out.jsonl")}]
    with Box(tmp_path, config, models=models) as box:
        until(lambda: box.stats().get("events", 0) >= 1, what="the lane is at work without a store")
        assert not box.stats()["event_store"]["accepting"]
        code, body = box.ask("/health")
        assert code == 503
        assert "the store takes no events" in body
        assert "checkout_age_store_accepting 0.0" in box.ask("/metrics")[1]
        filler.unlink()
        room_s = time.monotonic()
        until(lambda: box.stats()["event_store"]["accepting"], what="the store is open")
        until(lambda: not waits(box), what="what waited is committed")
        open_s = time.monotonic() - room_s
        dropped = box.stats()["dropped"]
        assert dropped == {}
        assert box.end() == 0
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert lines[0]["type"] == "checkout.camera.status.v1"
    assert [int(line["sequence"]) for line in lines] == list(range(1, len(lines) + 1))
    measured(
        "disk full at start",
        f"{left_bytes} bytes left: /health {code}, {sum(dropped.values())} dropped, everything committed "
        f"{open_s:.1f} s after there was room",
    )


def fill(filler: Path, disk: Path, left_bytes: int) -> None:
    room = os.statvfs(disk)
    filler.write_bytes(b"x" * (room.f_bavail * room.f_frsize - left_bytes))


def waits(box: Box) -> bool:
    return any("wait in memory" in note for note in box.stats()["notes"])


def test_a_damaged_store_is_set_aside_at_start_and_told(
    tmp_path: Path, shared: Path, models: Path, measured: Measured
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    damaged = b"no database at all " * 1000
    (state / "security.db").write_bytes(damaged)
    with Box(tmp_path, rush(shared), models=models) as box:
        began_s = time.monotonic()
        until(box.lines, what="events flow into a new store")
        first_s = time.monotonic() - began_s
        health = json.loads(box.ask("/health")[1])
        assert health["state"] != "ok", "an alarm for whoever monitors the box"
        assert any("set aside" in reason for reason in health["reasons"])
        assert "checkout_age_notes 1.0" in box.ask("/metrics")[1]  # an alert rule goes by it
        assert box.end() == 0
    [aside] = state.glob("security.db.damaged-*")
    assert aside.read_bytes() == damaged
    told = [json.loads(line) for line in box.log.read_text().splitlines()]
    assert any(line["level"] == "error" and "set aside" in line["message"] for line in told)
    measured(
        "store damaged, found at start",
        f"the daemon: {aside.stat().st_size} of {len(damaged)} bytes kept aside, first event delivered {first_s:.1f} s "
        f"after the start, /health `{health['state']}`, logged as error",
    )


def test_a_broker_that_is_killed_and_comes_back_hears_every_event(
    tmp_path: Path, shared: Path, models: Path, measured: Measured
) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    broker = Broker(folder)
    broker.start()
    listener = Listener(broker.port)
    try:
        config = rush(shared)
        config["sinks"] = [
            file_sink(),
            {
                "name": "broker",
                "kind": "mqtt",
                "purpose": "security",
                "host": "127.0.0.1",
                "port": broker.port,
            },
        ]
        with Box(tmp_path, config, models=models) as box:
            until(listener.events, what="the broker's listener hears the box")
            broker.kill()
            before = len(box.lines())
            until(lambda: len(box.lines()) > before, what="something happens while the broker is away")
            until(lambda: sink(box, "broker")["pending"] > 0, what="it waits for the broker")
            until(lambda: not sink(box, "broker")["up"], what="the figures say so")
            box.end(signal.SIGKILL)
            broker.start()
            box.start()
            started_s = time.monotonic()
            until(
                lambda: (
                    {event["id"] for event in map(json.loads, listener.events())}
                    >= {line["id"] for line in box.lines()}
                ),
                what="the listener knows what the file knows",
            )
            whole_s = time.monotonic() - started_s
            assert box.end() == 0
            until(lambda: listener.status()[-1:] == ["offline"], what="the box says that it goes")
            heard = {event["id"] for event in map(json.loads, listener.events())}
            lost = len({line["id"] for line in box.lines()} - heard)
        measured(
            "broker killed and restarted",
            f"the daemon, killed too: {lost} of {len(heard)} events lost, all there "
            f"{whole_s:.1f} s after both were started",
        )
    finally:
        listener.close()
        broker.close()


def sink(box: Box, name: str) -> dict[str, Any]:
    return next(one for one in box.stats()["sinks"] if one["sink"] == name)


CLOCK = """
import os, time
real = time.time_ns
def moved():
    with open(os.environ["CLOCK_FILE"]) as file:
        return real() + int(file.read() or 0) * 10**9
time.time_ns, time.time = moved, lambda: moved() / 1e9
"""
"""Moves the time of day of the daemon's process alone. libfaketime would do it for C too, but with a clock that goes
back it breaks waits on the monotonic clock, which a real jump leaves alone."""


@pytest.mark.parametrize("jump", ["+3600", "-3600"])
def test_a_clock_that_jumps_breaks_neither_lane_nor_order(
    tmp_path: Path, shared: Path, models: Path, jump: str, measured: Measured
) -> None:
    (tmp_path / "sitecustomize.py").write_text(CLOCK)
    clock = tmp_path / "clock"
    clock.write_text("0")
    with Box(tmp_path, rush(shared), models=models, PYTHONPATH=str(tmp_path), CLOCK_FILE=str(clock)) as box:
        until(lambda: of_type(box.lines(), "age"), what="a customer before the jump")
        before = box.stats()
        clock.write_text(jump)
        jumped_s = time.monotonic()
        until(
            lambda: abs(moved_s(of_type(box.lines(), "age")) - int(jump)) < 600,
            what="a customer of the new time",
        )
        told_s = time.monotonic() - jumped_s
        after = box.stats()
        assert after["cameras"][0]["state"] == "up"
        assert after["notes"] == before["notes"]
        assert box.end() == 0
    lines = box.lines()
    assert [int(line["sequence"]) for line in lines] == list(range(1, len(lines) + 1))
    for line in of_type(lines, "age"):
        assert line["data"]["from"] <= line["data"]["to"]
    assert "Traceback" not in box.log.read_text()
    gaps = int(lines[-1]["sequence"]) - len(lines)
    measured(
        "clock steps forward or back",
        f"{jump} s: next customer told after {told_s:.1f} s, {len(lines)} events in order, {gaps} missing, camera up",
    )


def moved_s(events: list[dict[str, Any]]) -> float:
    """Seconds from the first event's time to the last one's."""
    first, last = (datetime.fromisoformat(events[place]["time"]) for place in (0, -1))
    return (last - first).total_seconds()


def test_libraries_that_write_to_stderr_themselves_tell_no_password(
    tmp_path: Path, models: Path, measured: Measured
) -> None:
    """Somebody hunts a fault and turns FFmpeg's and OpenCV's own words on: what they say comes as records of ours."""
    secret = tmp_path / "cam-1.password"
    secret.write_text(PASSWORD + "\n")
    with RtspServer("--user", "viewer", "--password", "another one") as camera:
        config = one_lane(
            f"rtsp://127.0.0.1:{camera.port}/lane",
            user="viewer",
            password_file=str(secret),
            reconnect_min_s=0.2,
            reconnect_max_s=1,
        )
        loud = {"OPENCV_FFMPEG_LOGLEVEL": "56", "OPENCV_LOG_LEVEL": "DEBUG", "OPENCV_VIDEOIO_DEBUG": "1"}
        with Box(tmp_path, config, models=models, **loud) as box:
            until(lambda: of_type(box.lines(), "camera"), what="the refusal is told")
            box.end()
    log = box.log.read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    assert any(line["room"] == "native" for line in lines)
    for form in (PASSWORD, "p%40ss", "w0rd", "viewer:"):
        assert form not in log
    native = [line for line in lines if line["room"] == "native"]
    measured(
        "a library prints by itself",
        f"{len(native)} lines of FFmpeg and OpenCV, {log.count(PASSWORD)} with the password",
    )
