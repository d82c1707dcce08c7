"""The real service with systemd's part played by the test: ready, alive, hung, reloaded, started with a broken file."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.app import START_ERRORS, Daemon
from edge.app.beats import beats
from edge.app.service import Service
from edge.cli import main
from edge.config import LastGood, load_config
from edge.ops.notify import Notifier
from edge.ops.watchdog import Beat
from tests.conftest import Measured
from tests.scenarios.box import free_port
from tests.systemd.played import NotifySocket

WATCHDOG_S = 4.0
PATIENCE_S = 90.0


class Served:
    """`checkout-age run --service` in folders of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.file = folder / "lane.yaml"
        self.state, self.runtime = folder / "state", folder / "run"
        for made in (self.state, self.runtime):
            made.mkdir(exist_ok=True)
        self.write()

    def write(self, *, lanes: int = 1, **sections: Any) -> None:
        config = {
            "cameras": [{"name": "cam", "source": "demo"}],
            "lanes": [{"name": f"lane-{number + 1}", "camera": "cam"} for number in range(lanes)],
            "http": {"port": self.port},
            "state": {"dir": str(self.state), "min_free_mb": 1},
            "inference": {"detector": "mtcnn", "threads": 1},
            **sections,
        }
        self.file.write_text(yaml.safe_dump(config))

    @contextlib.contextmanager
    def running(self, systemd: NotifySocket) -> Iterator[subprocess.Popen[bytes]]:
        environment = {
            **systemd.environment(watchdog_s=WATCHDOG_S),
            "STATE_DIRECTORY": str(self.state),
            "RUNTIME_DIRECTORY": str(self.runtime),
        }
        with (self.folder / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "edge", "run", "--service", "--config", str(self.file)],
                stdout=log,
                stderr=log,
                env=environment,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait(20)

    def reload(self) -> int:
        return main(["reload", "--config", str(self.file), "--runtime", str(self.runtime)])

    def ask(self, path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return error.read().decode()

    def health(self) -> dict[str, Any]:
        return dict(json.loads(self.ask("/health")))

    def lanes(self) -> int:
        stats = json.loads(self.ask("/api/stats"))
        return sum(len(camera["lanes"]) for camera in stats["cameras"])


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[NotifySocket]:
    with NotifySocket(tmp_path) as played:
        yield played


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path)


def is_ping(message: str) -> bool:
    return message == "WATCHDOG=1"


def ready(message: str) -> bool:
    return message == "READY=1"


def test_it_is_ready_lives_is_missed_when_it_hangs_and_reloads(
    served: Served, systemd: NotifySocket, capsys: pytest.CaptureFixture[str], measured: Measured
) -> None:
    with served.running(systemd) as process:
        began_s = time.monotonic()
        systemd.until(ready, within_s=PATIENCE_S, what="ready after warm-up")
        ready_s = time.monotonic() - began_s
        assert not any(is_ping(message) for _, message in systemd.heard), (
            "the watchdog is fed before it is ready"
        )
        assert served.health()["state"] in ("ok", "degraded", "down")  # it answers as soon as it says so
        systemd.until(
            lambda m: m.startswith("STATUS=") and "/1 lanes seen" in m, within_s=30, what="a status"
        )
        systemd.until(is_ping, within_s=WATCHDOG_S, what="a sign of life")

        os.kill(process.pid, signal.SIGSTOP)
        systemd.empty()
        assert systemd.next(within_s=WATCHDOG_S) is None, "a hung process was not missed"
        measured(
            "process or a loop hangs",
            f"ready when warm, after {ready_s:.1f} s; a stopped process: no sign of life for {WATCHDOG_S:g} s, the "
            "whole patience of the watchdog",
        )
        os.kill(process.pid, signal.SIGCONT)
        systemd.until(is_ping, within_s=WATCHDOG_S, what="a sign of life after the hang")

        served.write(lanes=2)
        assert served.reload() == 0
        assert "reloaded: 2 lanes" in capsys.readouterr().out
        assert served.lanes() == 2
        systemd.until(
            lambda m: m.startswith("RELOADING=1\nMONOTONIC_USEC="), within_s=5, what="reloading is said"
        )
        systemd.until(ready, within_s=5, what="ready again")

        served.write(lanes=3, log={"level": "loud"})
        code = served.reload()
        assert code == 2
        assert "log.level: 'loud' is not allowed" in capsys.readouterr().err
        assert served.lanes() == 2

        os.kill(process.pid, signal.SIGHUP)  # somebody asks the service itself, without looking first
        systemd.until(ready, within_s=PATIENCE_S, what="ready with what it had")
        assert served.lanes() == 2
        assert any("the configuration file is not in use" in why for why in served.health()["reasons"])

        with socket.socket() as other:  # a port that is found taken only after the old daemon has stopped
            other.bind(("127.0.0.1", 0))
            other.listen()
            served.write(lanes=3, http={"port": other.getsockname()[1]})
            code_of_port = served.reload()
            assert code_of_port == 2
        assert "is taken by another program" in capsys.readouterr().err
        assert served.lanes() == 2
        measured(
            "configuration unusable at reload",
            f"`reload` ends with {code}, with a port that is taken {code_of_port}; {served.lanes()} of 2 lanes go on",
        )

        process.send_signal(signal.SIGTERM)
        systemd.until(lambda m: m == "STOPPING=1", within_s=PATIENCE_S, what="stopping is said")
        assert process.wait(PATIENCE_S) == 0
    assert served.reload() == 2
    assert "no service runs here" in capsys.readouterr().err


def test_with_a_broken_file_it_starts_with_the_last_good_one_and_says_so_everywhere(
    served: Served, systemd: NotifySocket, capsys: pytest.CaptureFixture[str], measured: Measured
) -> None:
    LastGood(path=served.state / "last-good.yaml").keep(load_config(served.file))
    served.file.write_text(served.file.read_text().replace("cam", "cma", 1))
    assert main(["run", "--config", str(served.file)]) == 2  # a person at the keyboard can mend it
    capsys.readouterr()

    with served.running(systemd) as process:
        began_s = time.monotonic()
        systemd.until(ready, within_s=PATIENCE_S, what="ready with the last good configuration")
        ready_s = time.monotonic() - began_s
        systemd.until(
            lambda m: m.startswith("STATUS=") and not m.startswith("STATUS=ok"), within_s=10, what="so"
        )
        (said,) = [why for why in served.health()["reasons"] if "configuration file cannot be used" in why]
        assert "lane.yaml:" in said
        assert "cma" in said
        assert "checkout_age_config_last_good 1.0" in served.ask("/metrics")
        status = main(["status", "--url", f"http://127.0.0.1:{served.port}"])
        assert status != 0
        assert "cannot be used" in capsys.readouterr().out
        assert "cannot be used" in (served.folder / "log.txt").read_text()
        measured(
            "configuration unusable at boot",
            f"ready with the last good one after {ready_s:.1f} s, /health `{served.health()['state']}`, `status` ends "
            f"with {status}",
        )

        served.write()
        assert served.reload() == 0
        assert not any("cannot be used" in why for why in served.health()["reasons"])
        assert "checkout_age_config_last_good 0.0" in served.ask("/metrics")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_without_a_last_good_one_a_broken_file_is_refused(
    served: Served, systemd: NotifySocket, measured: Measured
) -> None:
    served.file.write_text("cameras: []\n")
    with served.running(systemd) as process:
        code = process.wait(PATIENCE_S)
        assert code == 2
    assert systemd.next(within_s=0) is None
    measured("configuration unusable at boot", f"no last good one: code {code}")


def _vision(daemon: Daemon, held_up: Callable[[], None]) -> None:
    daemon.vision.looks.append(lambda *_: held_up())


def _attention(daemon: Daemon, held_up: Callable[[], None]) -> None:
    """Escalation, digests, heartbeats: each asks the clock."""

    def clock_ns() -> int:
        held_up()
        return time.time_ns()

    daemon.page_side.attention._clock_ns = clock_ns


@pytest.mark.parametrize(("loop", "hold_up"), [("vision loop", _vision), ("attention", _attention)])
def test_one_loop_that_hangs_starves_the_watchdog_while_the_others_go_on(
    served: Served,
    systemd: NotifySocket,
    monkeypatch: pytest.MonkeyPatch,
    *,
    loop: str,
    hold_up: Callable[[Daemon, Callable[[], None]], None],
    measured: Measured,
) -> None:
    """Signals stop whole processes only, so one thread is held up in a stage of its own."""
    hang, let_go = threading.Event(), threading.Event()
    daemons: list[Daemon] = []

    def held_up() -> None:
        if hang.is_set():
            let_go.wait()

    def quick(daemon: Daemon) -> dict[str, Beat]:
        return {loop: replace(beats(daemon)[loop], patience_s=4.0)}

    monkeypatch.setattr("edge.app.service.beats", quick)
    service = Service(
        served.file,
        notifier=Notifier({"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "2000000"}),
        start_errors=START_ERRORS,
        began=daemons.append,
    )
    thread = threading.Thread(target=service.run, args=(load_config(served.file),))
    thread.start()
    try:
        systemd.until(ready, within_s=PATIENCE_S, what="ready")
        hold_up(daemons[0], held_up)
        systemd.until(is_ping, within_s=PATIENCE_S, what="a sign of life")
        hang.set()
        hung_s = time.monotonic()
        while systemd.next(within_s=3.0) is not None:
            assert len(systemd.heard) < 1000, "a hung loop was not missed"
        missed_s = time.monotonic() - hung_s - 3.0
        let_go.set()
        let_go_s = time.monotonic()
        systemd.until(is_ping, within_s=PATIENCE_S, what="a sign of life again")
        measured(
            "process or a loop hangs",
            f"{loop}: last sign of life {missed_s:.1f} s after (patience 4 s), the next one "
            f"{time.monotonic() - let_go_s:.1f} s after it went on",
        )
    finally:
        let_go.set()
        service.ask_to_stop()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
