"""What a monitor sees over a real socket."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from edge.page import Access, PeopleFile, PortBusyError, Sessions, WebServer, listen, operations_routes
from tests.conftest import Measured


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


def test_a_taken_port_is_refused_with_the_way_out_or_another_is_taken(measured: Measured) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortBusyError, match=r"http\.port") as refused:
            listen("127.0.0.1", port)
        with listen("127.0.0.1", port, or_another=True) as free:
            assert free.getsockname()[1] not in (0, port)
    measured("port in use", f"the server: `{refused.typename}`, or another port where it may")


def test_with_a_certificate_it_speaks_tls_and_cookies_travel_no_other_way(tmp_path: Path) -> None:
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", key, "-out", chain,
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip
    people = PeopleFile(tmp_path / "users.json")
    sessions = Sessions(people, None)
    access = Access(people, sessions, secure=True, port=1)

    async def once(request: Request) -> Response:
        return access.with_cookie(Response("in"), "key")

    server = WebServer(sock=listen("127.0.0.1", 0), routes=[Route("/once", once)], certificate=(chain, key))
    server.start()
    try:
        assert server.url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(chain))
        with urllib.request.urlopen(server.url + "/once", timeout=10, context=trusting) as answer:  # noqa: S310
            cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-")
        assert "Secure" in cookie
    finally:
        server.stop()


def test_a_certificate_that_is_none_is_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "chain.pem").write_text("no certificate")
    with listen("127.0.0.1", 0) as sock, pytest.raises(ssl.SSLError):
        WebServer(sock=sock, routes=[], certificate=(tmp_path / "chain.pem", tmp_path / "chain.pem"))
