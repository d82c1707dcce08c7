"""What somebody on the shop's network may try against the pages and the till's door."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from pathlib import Path

import pytest

from edge.page import WebServer, listen, operations_routes
from edge.page.patience import CONNECTIONS_MAX, PatientProtocol
from tests.conftest import Measured
from tests.scenarios.box import until
from tests.security.guarded_box import PASSWORD, GuardedBox, Guest
from tests.security.test_api_by_role import DESCRIPTION

JSON = {"Content_Type": "application/json"}


def test_a_session_that_was_planted_is_never_the_one_that_signs_in(guarded: GuardedBox) -> None:
    guest = Guest(guarded.port)
    name = guarded.guests["manager"].cookie.split("=")[0]
    guest.cookie = f"{name}=planted-by-somebody-else"
    status, told = guest.sign_in("manager")
    assert (status, told["location"]) == (303, "/")
    assert "planted" not in guest.cookie
    assert "HttpOnly" in told["set-cookie"]
    assert "samesite=lax" in told["set-cookie"].lower()
    planted = Guest(guarded.port)
    planted.cookie = f"{name}=planted-by-somebody-else"
    assert planted.ask("GET", "/api/me")[0] == 401
    old = guest.cookie
    assert guest.ask("POST", "/signout")[0] == 200
    guest.cookie = old
    assert guest.ask("GET", "/api/me")[0] == 401, "a key lives on after signing out"


CHANGES = [
    ("/api/alerts/a-1/acknowledge", b'{"outcome":"checked"}'),
    ("/api/alerts/test", b"{}"),
    ("/api/lane/lane-1/act", b'{"action":"verified","receipt":"r-1"}'),
    ("/api/lane/lane-1/assist", b"{}"),
    ("/api/parked/hook/retry", b"{}"),
    ("/api/weeks/2026-W01/sign", b"{}"),
    ("/signout", b""),
]
"""What a manager's browser may change by a cookie."""


def test_every_change_that_a_manager_may_make_is_tried_in_the_next_test() -> None:
    may = {
        path
        for path, methods in DESCRIPTION["paths"].items()
        for method, told in methods.items()
        if method != "get" and "manager" in told["x-roles"]
    }
    patterns = {path: re.sub(r"\{\w+\}", "[^/]+", path) for path in may}
    tried = {path for path, pattern in patterns.items() for one, _ in CHANGES if re.fullmatch(pattern, one)}
    assert tried == may
    assert len(CHANGES) == len(may)


@pytest.mark.parametrize(("path", "body"), CHANGES)
@pytest.mark.parametrize(
    "forged",
    [
        {"X_CSRF_Token": ""},
        {"X_CSRF_Token": "x" * 40},
        {"X_CSRF_Token": "\xe9"},
        {"Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Origin": "null"},
    ],
)
def test_another_sites_page_changes_nothing_in_a_managers_name(
    guarded: GuardedBox, path: str, body: bytes, forged: dict[str, str]
) -> None:
    assert guarded.guests["manager"].ask("POST", path, body, **JSON, **forged)[0] == 403


def test_another_sites_page_signs_nobody_in(guarded: GuardedBox) -> None:
    guest = Guest(guarded.port)
    status, told = guest.sign_in("manager", Origin="https://evil.example")
    assert status == 403
    assert "set-cookie" not in told


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../../etc/passwd",
        "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/static/%2e%2e/%2e%2e/people.py",
        "/static/....//....//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/signin.html%00.js",
        "/static/..\\..\\people.py",
        "/static/people.py",
        "/lane/../../etc/passwd",
        "//etc/passwd",
        "/api/../users.json",
        "/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_pages(guarded: GuardedBox, path: str) -> None:
    for guest in ("nobody", "manager"):
        status, _, body = guarded.guests[guest].ask("GET", path)
        assert status in (303, 400, 403, 404), path
        assert b"root:" not in body
        assert b"argon2" not in body


def raw(port: int, *parts: bytes, wait_s: float = 30.0) -> bytes:
    """What is answered to these bytes, up to the end or a pause."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait_s) as line:
        for part in parts:
            try:
                line.sendall(part)
            except OSError:
                break
        told = b""
        try:
            while data := line.recv(65_536):
                told += data
                if b"\r\n\r\n" in told:
                    break
        except OSError:
            pass
        return told


def test_bodies_without_end_are_refused_before_they_are_read(guarded: GuardedBox) -> None:
    token = guarded.guests["till"].token or ""
    head = f"POST /api/till HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n".encode()
    assert b" 413 " in raw(guarded.port, head + b"Content-Length: 9000000000\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    assert b" 413 " in raw(guarded.port, head + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 20)
    unsigned = b"POST /api/till HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b" 401 " in raw(guarded.port, unsigned, *[chunk] * 5)
    manager = guarded.guests["manager"]
    assert (
        manager.ask("POST", "/api/alerts/a/acknowledge", b'{"note":"' + b"x" * 20_000 + b'"}', **JSON)[0]
        == 413
    )
    assert b" 413 " in raw(
        guarded.port,
        b"POST /signin HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n"
        + b"name=x&password="
        + b"y" * 200_000,
    )


def test_headers_and_addresses_without_end_are_refused(guarded: GuardedBox) -> None:
    for begun in (b"GET /" + b"a" * 200_000, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000):
        told = raw(guarded.port, begun)
        assert told == b"" or b" 400 " in told or b" 431 " in told
    assert guarded.guests["nobody"].ask("GET", "/api/version")[0] == 200


@pytest.mark.parametrize(
    "odd",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /week",
        b"POST /api/till HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
        b"\x00" * 4000,
        b"GET http://169.254.169.254/latest HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n",
    ],
)
def test_what_is_no_http_ends_its_own_connection_alone(guarded: GuardedBox, odd: bytes) -> None:
    told = raw(guarded.port, odd, wait_s=10.0)
    assert b" 500 " not in told
    assert b" 101 " not in told
    assert guarded.guests["nobody"].ask("GET", "/api/version")[0] == 200
    assert "Traceback" not in guarded.log()


class Impatient(PatientProtocol):
    """The same with little patience, so that a test need not wait."""

    request_s = 1.0
    look_s = 0.2


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> WebServer:
    monkeypatch.setattr("edge.page.server.PatientProtocol", Impatient)
    routes = operations_routes(
        version="1", stats=dict, health=lambda: ("ok", ()), metrics=lambda: (b"", "a/b")
    )
    return WebServer(sock=listen("127.0.0.1", 0), routes=routes)


def test_hundreds_who_never_finish_their_request_are_let_go_and_the_page_answers_meanwhile(
    impatient: WebServer, measured: Measured
) -> None:
    impatient.start()
    port = int(impatient.url.rpartition(":")[2])
    begun = (b"", b"GET / HTTP/1.1\r\nHo", b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nabc")
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(150)]
    try:
        for number, line in enumerate(slow):
            line.sendall(begun[number % 3])
        asked_s = time.monotonic()
        assert raw(port, b"GET /api/version HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 200")
        answered_s = time.monotonic() - asked_s

        def drip() -> bool:
            """A byte for each, again and again: they keep their connections busy."""
            left = 0
            for line in slow:
                try:
                    line.sendall(b"a")
                    left += 1
                except OSError:
                    continue
            return left == 0

        until(drip, within_s=60, what="everybody was let go")
        gone_s = time.monotonic() - asked_s
        measured(
            "requests without end",
            f"{len(slow)} that never finish: the page answers after {answered_s:.2f} s, all let go after {gone_s:.1f} "
            f"s (patience {Impatient.request_s:g} s)",
        )
    finally:
        for line in slow:
            line.close()
        impatient.stop()


def test_one_address_gets_so_many_connections_and_all_together_too(measured: Measured) -> None:
    """Judged on the protocol itself: this computer has one address only."""
    assert CONNECTIONS_MAX < 1024

    class Wire(asyncio.Transport):
        def __init__(self, address: str) -> None:
            super().__init__({"peername": (address, 1), "sockname": ("10.0.0.1", 80)})
            self.aborted = False

        def abort(self) -> None:
            self.aborted = True

        def is_closing(self) -> bool:
            return self.aborted

        def close(self) -> None:
            self.aborted = True

    async def connect(addresses: list[str]) -> list[bool]:
        import uvicorn
        from uvicorn.server import ServerState

        config = uvicorn.Config(app=lambda: None, log_config=None)
        config.load()
        state, wires = ServerState(), []
        for address in addresses:
            protocol = PatientProtocol(config, state, {}, asyncio.get_running_loop())
            wires.append(Wire(address))
            protocol.connection_made(wires[-1])
        return [wire.aborted for wire in wires]

    told = asyncio.run(connect(["10.0.0.7"] * 60 + ["10.0.0.8"]))
    assert told.count(True) == 10
    assert not told[-1], "a neighbour is still let in"
    measured(
        "requests without end",
        f"60 connections of one address: {told.count(True)} refused, its neighbour let in",
    )
    assert asyncio.run(connect(["127.0.0.1"] * 100)).count(True) == 0
    assert asyncio.run(connect([f"10.0.{n // 40}.{n % 40}" for n in range(450)])).count(True) == 50


def test_a_streams_listener_may_stay_as_long_as_it_likes(guarded: GuardedBox) -> None:
    """Patience ends for those who ask without end, not for those who listen."""
    manager = guarded.guests["manager"]
    with socket.create_connection(("127.0.0.1", guarded.port), timeout=30) as line:
        line.sendall(f"GET /api/stream HTTP/1.1\r\nHost: x\r\nCookie: {manager.cookie}\r\n\r\n".encode())
        ends_s = time.monotonic() + 22
        heard = b""
        while time.monotonic() < ends_s:
            data = line.recv(65_536)
            assert data, "the stream was cut"
            heard += data
    assert heard.count(b"data:") > 3


def test_five_wrong_passwords_stop_the_guessing_whatever_comes_between(
    guarded: GuardedBox, tmp_path: Path
) -> None:
    guest = Guest(guarded.port)
    for _ in range(5):
        assert guest.sign_in("nobody-here", "wrong")[1]["location"].startswith("/signin?wrong")
    status, told = guest.sign_in("nobody-here", PASSWORD)
    assert status != 303 or told["location"] != "/"
    assert "set-cookie" not in told
    assert int(told["retry-after"]) > 60
