"""A renewed certificate is taken without a restart; metrics can have a token of their own; the loop has a beat."""

from __future__ import annotations

import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.page import WebServer, listen, operations_routes
from tests.conftest import Measured


def issue(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate of this name and its key, in the two files that the server was told of."""
    chain, key = folder / "chain.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", key, "-out", chain, "-days", "2", "-subj", f"/CN={name}"],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return chain, key


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    made = WebServer(sock=listen("127.0.0.1", 0), routes=[], certificate=issue(tmp_path, "old.example"))
    made.start()
    yield made
    made.stop()


def shown(server: WebServer) -> bytes:
    """The certificate that a new connection is shown."""
    port = int(server.url.rsplit(":", 1)[1])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=20) as raw, context.wrap_socket(raw) as tls:
        return tls.getpeercert(binary_form=True) or b""


def test_a_renewed_certificate_is_shown_to_the_next_connection(
    server: WebServer, tmp_path: Path, measured: Measured
) -> None:
    before = shown(server)
    assert not server.renew_certificate()
    issue(tmp_path, "new.example")
    began_s = time.monotonic()
    assert server.renew_certificate()
    assert b"old.example" in before
    assert b"new.example" in shown(server)
    took_s = time.monotonic() - began_s
    assert not server.renew_certificate()
    measured(
        "certificate renewed, or half of it", f"the new one is shown {took_s:.2f} s after it was looked for"
    )


def test_half_of_a_new_pair_leaves_the_old_one_in_use(
    server: WebServer, tmp_path: Path, measured: Measured
) -> None:
    old_key = (tmp_path / "key.pem").read_bytes()
    issue(tmp_path, "new.example")
    new_key = (tmp_path / "key.pem").read_bytes()
    (tmp_path / "key.pem").write_bytes(old_key)
    with pytest.raises(ssl.SSLError):
        server.renew_certificate()
    assert b"old.example" in shown(server)
    (tmp_path / "key.pem").write_bytes(new_key)
    assert server.renew_certificate()
    assert b"new.example" in shown(server)
    measured(
        "certificate renewed, or half of it", "half a pair: the old one shown; the new one when it is whole"
    )


def test_the_loop_of_the_server_has_a_beat(server: WebServer) -> None:
    begun_s = server.beat_s
    ends_s = time.monotonic() + 20
    while server.beat_s <= begun_s and time.monotonic() < ends_s:
        shown(server)
    assert server.beat_s > begun_s


@pytest.mark.parametrize(
    ("header", "status"),
    [(None, 401), ("Bearer wrong", 401), ("Basic right-token", 401), ("Bearer right-token", 200)],
)
def test_metrics_ask_for_their_own_token_and_health_does_not(header: str | None, status: int) -> None:
    routes = operations_routes(
        version="1",
        stats=dict,
        health=lambda: ("ok", ()),
        metrics=lambda: (b"m 1\n", "text/plain"),
        metrics_token="right-token",
    )
    server = WebServer(sock=listen("127.0.0.1", 0), routes=routes)
    server.start()
    try:
        assert _status(server.url + "/metrics", header) == status
        assert _status(server.url + "/health", header) == 200
    finally:
        server.stop()


def _status(url: str, authorization: str | None) -> int:
    headers = {} if authorization is None else {"Authorization": authorization}
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
