"""What a box finds out at its start is told wherever somebody may look; and what nobody foresaw keeps no lane blind."""

from __future__ import annotations

import fcntl
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.app import START_ERRORS, Daemon
from edge.app.box_stats import box_stats
from edge.app.service import _START_S, Record, Service
from edge.cli import main
from edge.config import Config, load_config
from edge.ops.health import judge
from edge.ops.identity import Computer, accept_computer
from edge.ops.notify import Notifier
from tests.conftest import CHECKOUT, Measured
from tests.systemd.played import NotifySocket
from tests.systemd.served_here import ServedHere


@pytest.fixture
def served(tmp_path: Path) -> ServedHere:
    return ServedHere(tmp_path)


@pytest.fixture
def log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.LogCaptureFixture]:
    """What our rooms log, also after the service has begun its log anew."""
    root, rooms = logging.getLogger(), logging.getLogger("edge")
    for hook in (sys, threading):
        monkeypatch.setattr(hook, "excepthook", hook.excepthook)
    before, level = list(root.handlers), root.level
    rooms.addHandler(caplog.handler)
    yield caplog
    rooms.removeHandler(caplog.handler)
    root.handlers[:] = before
    root.setLevel(level)


def reasons(daemon: Daemon) -> str:
    return "\n".join(judge(box_stats(daemon)).reasons)


def test_a_clone_with_a_clock_that_nobody_sets_and_a_broken_file_says_all_three(
    served: ServedHere, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    state = served.folder / "state"
    accept_computer(state, store="s", box="b", here=Computer(machine="another", hardware=frozenset()))
    monkeypatch.setattr("edge.app.daemon.clock_synchronised", lambda: False)
    monkeypatch.setattr("edge.app.box_stats.clock_synchronised", lambda: False)
    served.last_good.keep(load_config(served.file))
    served.file.write_text(served.file.read_text().replace("lane-1", "lane 1"))
    with served:
        (daemon,) = served.daemons
        told = {
            "health": reasons(daemon),
            "page": "\n".join(daemon.page_side._notices()),
            "log": "\n".join(log.messages),
        }
    for place, said in told.items():
        assert "this state was made on another computer" in said, place
        assert "the configuration file cannot be used" in said, place
    assert "the clock is not synchronised" in told["health"]
    assert "the clock is not synchronised" in told["log"]


def test_a_configuration_that_breaks_a_part_by_surprise_gives_way_to_the_one_that_worked(
    served: ServedHere, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture, measured: Measured
) -> None:
    """A fault of our own was no "refused start": the service ended, and was started with the same file for ever."""

    class Breaks(Daemon):
        def _build(self, config: Config, **named: object) -> None:  # type: ignore[override]
            if len(config.lanes) == 2:
                raise RuntimeError("two lanes are too many")
            super()._build(config, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("edge.app.service.Daemon", Breaks)
    served.last_good.keep(load_config(served.file))
    two = [{"name": "lane-1", "camera": "cam"}, {"name": "lane-2", "camera": "cam"}]
    served.write(lanes=two)
    with served:
        assert served.daemons[-1].last_good
        assert "two lanes are too many" in reasons(served.daemons[-1])
        assert any(record.exc_info for record in log.records), "what broke stands in the log, with its place"

        served.write()
        assert served.reload().problems == ()
        served.write(lanes=two)
        assert served.reload().problems == ("RuntimeError: two lanes are too many",)
        lanes = len(served.daemons[-1].config.lanes)
        assert lanes == 1
        assert not served.daemons[-1].last_good
    measured(
        "configuration that breaks a part of ours",
        f"at boot: ready with the last good one, told in /health; at a reload: refused, {lanes} of 1 lanes goes on",
    )


@pytest.mark.parametrize(
    ("left_open", "megabytes", "said"),
    [(True, 500, ["EXTEND_TIMEOUT_USEC=170000000"]), (True, 50, []), (False, 500, [])],
)
def test_a_large_store_that_was_not_closed_gets_the_time_to_be_looked_through(
    served: ServedHere, tmp_path: Path, *, left_open: bool, megabytes: int, said: list[str]
) -> None:
    """After a power cut a slow disk took longer than the two minutes of a start; the next one began it anew."""
    file = served.folder / "state" / "security.db"
    file.parent.mkdir()
    with file.open("wb") as stream:
        stream.truncate(megabytes * 1_000_000)
    if left_open:
        file.with_name("security.db-wal").write_bytes(b"x")

    class RefusedError(OSError):
        """Before anything is opened: what is said comes first."""

    def refuse(*_: object, **__: object) -> None:
        raise RefusedError

    with NotifySocket(tmp_path) as systemd, pytest.MonkeyPatch.context() as patch:
        patch.setattr("edge.app.service.Daemon", refuse)
        service = Service(
            served.file, notifier=Notifier({"NOTIFY_SOCKET": str(systemd.path)}), start_errors=START_ERRORS
        )
        with pytest.raises(RefusedError):
            service.run(load_config(served.file))
        systemd.empty()
        assert [message for _, message in systemd.heard] == said


def test_what_a_start_may_take_is_what_the_unit_says() -> None:
    assert f"TimeoutStartSec={_START_S:g}" in (CHECKOUT / "systemd/checkout-age.service").read_text()


def test_a_reload_that_the_service_does_not_outlive_says_so(
    served: ServedHere, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It said "no answer within 60 s" after half a second."""
    # A process that SIGHUP ends, also where whoever runs the tests ignores it (nohup).
    asked = subprocess.Popen(["env", "--default-signal=HUP", "sleep", "600"])
    runtime = tmp_path / "run"
    runtime.mkdir()
    lock = (runtime / "service.lock").open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        Record(pid=asked.pid, config=str(served.file.resolve())).write(runtime)
        ends = threading.Thread(target=lambda: (asked.wait(60), lock.close()))
        ends.start()
        assert main(["reload", "--config", str(served.file), "--runtime", str(runtime)]) == 2
        ends.join(60)
    finally:
        asked.kill()
    assert "the service ended meanwhile" in capsys.readouterr().err
