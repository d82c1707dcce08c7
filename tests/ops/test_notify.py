"""What is said to systemd, and to nobody where it does not listen."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from edge.ops.notify import Notifier
from edge.ops.watchdog import Beat, standing_still
from tests.systemd.played import NotifySocket


def test_the_life_of_a_service_in_the_words_of_systemd(tmp_path: Path) -> None:
    with NotifySocket(tmp_path) as systemd:
        environment = {"NOTIFY_SOCKET": str(systemd.path), "WATCHDOG_USEC": "3000000", "PATH": "/bin"}
        notifier = Notifier(environment)
        notifier.ready()
        notifier.status("2/2 lanes\nseen")
        notifier.status("2/2 lanes seen")
        notifier.alive()
        notifier.reloading()
        notifier.stopping()
        systemd.empty()
        said = [message.split("MONOTONIC_USEC=")[0] for _, message in systemd.heard]
    assert said == ["READY=1", "STATUS=2/2 lanes seen", "WATCHDOG=1", "RELOADING=1\n", "STOPPING=1"]
    assert notifier.watchdog_s == 3.0
    assert environment == {"PATH": "/bin"}  # no child shall speak in our name


def test_an_abstract_socket_is_reached_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind("\0checkout-age-test-notify")
        there.settimeout(5)
        Notifier({"NOTIFY_SOCKET": "@checkout-age-test-notify"}).ready()
        assert there.recv(100) == b"READY=1"


def test_without_systemd_nothing_is_said_and_nothing_fails() -> None:
    notifier = Notifier({})
    notifier.ready()
    assert (notifier.listened_to, notifier.watchdog_s, notifier.failures) == (False, None, 0)


def test_a_socket_that_is_gone_is_logged_once(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    notifier.ready()
    notifier.status("up")
    assert notifier.failures == 2
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("usec", "pid"), [("", ""), ("0", ""), ("soon", ""), ("3000000", "1")])
def test_a_watchdog_that_is_not_meant_for_us_is_not_fed(usec: str, pid: str) -> None:
    assert Notifier({"WATCHDOG_USEC": usec, "WATCHDOG_PID": pid}).watchdog_s is None


def test_a_loop_stands_still_when_its_own_patience_is_over() -> None:
    beats = {"vision": Beat(at_s=100.0, patience_s=10.0), "sink a": Beat(at_s=100.0, patience_s=60.0)}
    assert standing_still(beats, 110.0) == ()
    assert standing_still(beats, 110.1) == ("vision",)
    assert standing_still(beats, 161.0) == ("vision", "sink a")
