"""What a monitor sees over a real socket."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from edge.page import PortBusyError, WebServer, listen, operations_routes


def ask(url: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return answer.status, answer.headers["content-type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["content-type"], error.read().decode()


class Box:
    state = "ok"


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def url(box: Box) -> Iterator[str]:
    routes = operations_routes(
        version="9.9",
        stats=lambda: {"store": "s"},
        health=lambda: (box.state, ("camera cam-1 is down",) if box.state == "down" else ()),
        metrics=lambda: (b"checkout_age_ready 1.0\n", "text/plain; version=0.0.4"),
    )
    server = WebServer(sock=listen("127.0.0.1", 0), routes=routes)
    server.start()
    yield server.url
    server.stop()
    assert not server.alive


def test_a_monitor_reads_version_stats_and_metrics(url: str) -> None:
    status, _, body = ask(url + "/api/version")
    assert (status, json.loads(body)) == (200, {"name": "checkout-age", "version": "9.9"})
    assert json.loads(ask(url + "/api/stats")[2]) == {"store": "s"}
    status, kind, body = ask(url + "/metrics")
    assert (status, body) == (200, "checkout_age_ready 1.0\n")
    assert kind.startswith("text/plain; version=0.0.4")


def test_a_blind_lane_answers_503_with_the_reason(url: str, box: Box) -> None:
    assert ask(url + "/health")[0] == 200
    box.state = "down"
    status, _, body = ask(url + "/health")
    told: dict[str, Any] = json.loads(body)
    assert (status, told["reasons"]) == (503, ["camera cam-1 is down"])


def test_a_taken_port_is_refused_with_the_way_out_or_another_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortBusyError, match=r"http\.port"):
            listen("127.0.0.1", port)
        with listen("127.0.0.1", port, or_another=True) as free:
            assert free.getsockname()[1] not in (0, port)
