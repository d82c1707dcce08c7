"""Whoever connects and never agrees on a key: the shop's door, which speaks TLS, is not held shut by that."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.page import WebServer, listen, operations_routes
from tests.scenarios.box import until

HELD_MAX = 50


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """A server with a certificate and little patience, to which this computer is an address like any other."""
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=box", "-keyout", key, "-out", chain],
        check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setattr("edge.page.patience._LOOPBACK", ())
    monkeypatch.setattr("edge.page.server.HANDSHAKE_S", 3.0)
    routes = operations_routes(
        version="1", stats=dict, health=lambda: ("ok", ()), metrics=lambda: (b"", "a/b")
    )
    server = WebServer(sock=listen("127.0.0.1", 0), routes=routes, certificate=(chain, key))
    server.start()
    try:
        yield "127.0.0.1", int(server.url.rpartition(":")[2])
    finally:
        server.stop()


def let_go(line: socket.socket) -> bool:
    """Has the other end closed it?"""
    line.settimeout(0.05)
    try:
        return line.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def ask(door: tuple[str, int], *, source: str) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(door, timeout=30, source_address=(source, 0)) as line,
        context.wrap_socket(line) as secure,
    ):
        secure.sendall(b"GET /api/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return secure.recv(100)


def test_an_address_that_never_finishes_a_handshake_gets_its_share_and_no_more(door: tuple[str, int]) -> None:
    begun = (b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    lines = [socket.create_connection(door, timeout=30, source_address=("127.0.0.7", 0)) for _ in range(80)]
    try:
        for number, line in enumerate(lines):
            line.send(begun[number % 2])
        until(
            lambda: sum(map(let_go, lines)) >= 80 - HELD_MAX,
            within_s=30,
            what="those beyond the share are let go",
        )
        assert ask(door, source="127.0.0.8").startswith(b"HTTP/1.1 200"), "a neighbour is still let in"
        until(lambda: all(map(let_go, lines)), within_s=40, what="nobody is waited for any longer")
        assert ask(door, source="127.0.0.7").startswith(b"HTTP/1.1 200"), "who comes properly is let in again"
    finally:
        for line in lines:
            line.close()
