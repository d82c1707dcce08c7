"""A day in the life of the daemon: real cameras, a real process, and what goes wrong with them."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.camera.live import RtspServer
from tests.conftest import Measured
from tests.scenarios.box import Box, free_port, until

PASSWORD = "p@ss w0rd/planted"


@pytest.fixture
def models(shared: Path) -> Path:
    return shared / "models"


def file_sink(name: str = "events.jsonl") -> dict[str, Any]:
    return {"name": "lines", "kind": "file", "purpose": "security", "path": name}


def one_lane(source: str, **camera: Any) -> dict[str, Any]:
    return {
        "cameras": [{"name": "cam-1", "source": source, **camera}],
        "lanes": [{"name": "lane-1", "camera": "cam-1"}],
        "sinks": [file_sink()],
        "log": {"format": "json"},
    }


def rush(shared: Path, **camera: Any) -> dict[str, Any]:
    return one_lane(str(shared / "video" / "lane_rush.mp4"), loop=True, **camera)


def of_type(lines: list[dict[str, Any]], word: str) -> list[dict[str, Any]]:
    return [line for line in lines if f".{word}." in line["type"]]


def test_a_lane_runs_its_events_reach_the_file_and_it_ends_in_order(
    tmp_path: Path, shared: Path, models: Path
) -> None:
    with Box(tmp_path, rush(shared), models=models) as box:
        until(lambda: of_type(box.lines(), "age"), what="an age event in the file")
        code, body = box.ask("/health")
        assert code == 200
        assert json.loads(body)["state"] in ("ok", "degraded")
        stats = box.stats()
        assert stats["cameras"][0]["state"] == "up"
        assert stats["inference"]["provider"] == "cpu"
        told = status("--url", f"http://127.0.0.1:{box.port}", "--json")
        assert told.returncode == {"ok": 0, "degraded": 1}[json.loads(told.stdout)["state"]]
        page = box.ask("/metrics")[1]
        assert 'checkout_age_camera_up{camera="cam-1",reason="ok"} 1.0' in page
        assert 'checkout_age_outbox_pending{sink="lines"}' in page
        assert box.end(signal.SIGTERM) == 0
    lines = box.lines()
    assert [line["type"] for line in lines[:1]] == ["checkout.camera.status.v1"]
    assert [int(line["sequence"]) for line in lines] == sorted({int(line["sequence"]) for line in lines})
    assert len({line["id"] for line in lines}) == len(lines)


def status(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge", "status", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_status_tells_a_person_in_a_line_and_a_monitor_in_its_exit_code(
    tmp_path: Path, shared: Path, models: Path
) -> None:
    config = one_lane(f"rtsp://127.0.0.1:{free_port()}/nobody", reconnect_min_s=0.2, no_frames_s=1)
    with Box(tmp_path, config, models=models) as box:
        url = f"http://127.0.0.1:{box.port}"
        until(lambda: of_type(box.lines(), "camera"), what="the dead camera is told")
        told = status("--url", url)
        assert told.returncode == 2
        assert told.stdout.startswith("DOWN  store-1/box-1  lanes 0/1 seen  cameras 0/1 up")
        assert "connect_failed" in told.stdout
        assert len(told.stdout.splitlines()) == 1
        as_json = status("--url", url, "--json")
        assert json.loads(as_json.stdout)["stats"]["cameras"][0]["state"] == "down"
        box.end()
    nobody = status("--config", str(box.config_file))
    assert nobody.returncode == 2
    assert "no box answers" in nobody.stdout


def test_after_a_kill_nothing_is_told_under_two_names_and_sequences_go_on(
    tmp_path: Path, shared: Path, models: Path, measured: Measured
) -> None:
    with Box(tmp_path, rush(shared), models=models) as box:
        before = until(lambda: of_type(box.lines(), "age"), what="an age event before the kill")
        box.end(signal.SIGKILL)
        box.start()
        started_s = time.monotonic()
        until(lambda: len(of_type(box.lines(), "age")) > len(before), what="an age event after the restart")
        again_s = time.monotonic() - started_s
        assert box.end() == 0
    lines = box.lines()
    ids = {line["id"] for line in lines}
    assert len(ids) == len(lines)
    assert [int(line["sequence"]) for line in lines] == list(range(1, len(lines) + 1))
    measured(
        "process killed while it writes",
        f"the daemon: next customer told {again_s:.1f} s after its restart, {len(lines) - len(ids)} of {len(lines)} "
        "ids twice, no gap in the sequence",
    )


def test_no_credential_leaves_the_process(tmp_path: Path, models: Path, measured: Measured) -> None:
    """The camera refuses the password: it stands in no log line, no figure, no event and no process listing."""
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
        config["log"]["level"] = "debug"
        with Box(tmp_path, config, models=models) as box:
            status = until(lambda: of_type(box.lines(), "camera"), what="the refusal is told")
            assert status[-1]["data"]["reason"] == "auth_failed"
            places = {
                "/api/stats": box.ask("/api/stats")[1],
                "/metrics": box.ask("/metrics")[1],
                "/health": box.ask("/health")[1],
                "command line": Path(f"/proc/{box.pid}/cmdline").read_bytes().decode(),
            }
            box.end()
    places["log"] = box.log.read_text()
    places["events"] = json.dumps(box.lines())
    for place, text in places.items():
        for form in (PASSWORD, "p%40ss", "w0rd", "viewer:"):
            assert form not in text, f"{form} in {place}"
    found = sum(PASSWORD in text for text in places.values())
    measured(
        "camera refuses the password", f"the password stands in {found} of {len(places)} places searched"
    )


def test_a_camera_that_goes_and_comes_back_is_told_both_times(
    tmp_path: Path, models: Path, measured: Measured
) -> None:
    with RtspServer() as camera:
        config = one_lane(
            f"rtsp://127.0.0.1:{camera.port}/lane", reconnect_min_s=0.2, reconnect_max_s=1, no_frames_s=2
        )
        with Box(tmp_path, config, models=models) as box:

            def states() -> list[str]:
                return [line["data"]["state"] for line in of_type(box.lines(), "camera")]

            until(lambda: states() == ["up"], what="the camera is up")
            camera.kill()
            killed_s = time.monotonic()
            until(lambda: states() == ["up", "down"], what="the camera is down")
            down_s = time.monotonic() - killed_s
            camera.start()
            there_s = time.monotonic()
            until(lambda: states() == ["up", "down", "up"], what="the camera is back")
            back_s = time.monotonic() - there_s
            assert box.stats()["cameras"][0]["reconnects"] >= 1
            assert box.end() == 0
    measured(
        "camera unplugged",
        f"the daemon: down told once, after {down_s:.1f} s (patience 2 s), up told once, {back_s:.1f} s after it was "
        "back",
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"inference": {"provider": "cuda"}}, ["cuda"]),
        ({"inference": {"detector": "yunet"}}, ["models fetch yunet"]),
        ({"cameras": [{"name": "cam-1", "source": "gone.mp4"}]}, ["lane.yaml:", "source", "gone.mp4"]),
        ({"sinks": [{**file_sink(), "purpose": "everything"}]}, ["lane.yaml:", "purpose", "security"]),
    ],
)
def test_what_cannot_work_refuses_to_start_with_the_way_out(
    tmp_path: Path, change: dict[str, Any], words: list[str], measured: Measured
) -> None:
    with Box(tmp_path, {**one_lane("demo"), **change}, models=tmp_path) as box:
        assert box.process is not None
        began_s = time.monotonic()
        code = box.process.wait(60)
        assert code == 2
        took_s = time.monotonic() - began_s
    told = box.log.read_text()
    assert "Traceback" not in told
    for word in words:
        assert word in told
    refused = f"code {code} after {took_s:.1f} s"
    if words == ["cuda"]:
        measured("GPU demanded and not there", f"the daemon: {refused}")
    elif "inference" in change:
        measured("detector missing or altered", f"the daemon without YuNet: {refused}")
    else:
        measured("configuration wrong", f"the daemon, {next(iter(change))}: {refused}")


def test_a_port_that_is_taken_refuses_to_start_and_names_the_setting(
    tmp_path: Path, models: Path, measured: Measured
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        config = {**one_lane("demo"), "http": {"port": other.getsockname()[1]}}
        with Box(tmp_path, config, models=models) as box:
            assert box.process is not None
            code = box.process.wait(60)
            assert code == 2
    assert "http.port" in box.log.read_text()
    measured("port in use", f"`run`: code {code}, names `http.port`")


def test_a_full_disk_refuses_events_says_so_and_takes_them_when_there_is_room(
    tmp_path: Path, shared: Path, models: Path, measured: Measured
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=True)
    try:
        config = rush(shared)
        config["state"] = {"dir": str(disk), "min_free_mb": 1}
        config["sinks"] = [{**file_sink(), "path": str(tmp_path / "out.jsonl")}]
        with Box(tmp_path, config, models=models) as box:
            until(lambda: box.stats().get("events", 0) >= 1, what="the box is at work")
            filler = disk / "filler"
            filler.write_bytes(b"x" * 3_400_000)
            full_s = time.monotonic()
            until(
                lambda: not box.stats()["event_store"]["accepting"] and box.stats()["event_store"]["refused"],
                what="the store refuses",
            )
            refused_s = time.monotonic() - full_s
            code, body = box.ask("/health")
            assert code == 503
            assert any("store takes no events" in reason for reason in json.loads(body)["reasons"])

            def waiting() -> list[str]:
                return [note for note in box.stats()["notes"] if "wait in memory" in note]

            [note] = until(waiting, what="an event waits in memory")
            filler.unlink()
            room_s = time.monotonic()
            until(
                lambda: box.stats()["event_store"]["accepting"] and not waiting(),
                what="the store takes events again, those that waited too",
            )
            again_s = time.monotonic() - room_s
            dropped = box.stats()["dropped"]
            assert dropped == {}
            assert box.end() == 0
        told = [json.loads(line)["sequence"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert [int(number) for number in told] == list(range(1, len(told) + 1))
        measured(
            "disk full while it runs",
            f"refused after {refused_s:.1f} s, /health {code}; waited in memory: {note.split()[0]}, committed "
            f"{again_s:.1f} s after there was room; {sum(dropped.values())} dropped",
        )
    finally:
        subprocess.run(["umount", disk], check=True)


def test_the_demo_takes_another_port_where_its_own_is_taken_and_says_so(
    models: Path, measured: Measured
) -> None:
    """Whoever holds port 8480 already, this test or another program: the demo is up all the same."""
    with socket.socket() as other:
        with contextlib.suppress(OSError):
            other.bind(("127.0.0.1", 8480))
            other.listen()
        command = [sys.executable, "-m", "edge", "demo", "--seconds", "4", "--detector", "mtcnn"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "port 8480 is taken by another program: this box took" in done.stderr
    measured("port in use", f"demo: code {done.returncode}, up on another port")
