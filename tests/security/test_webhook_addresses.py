"""A webhook leads to its receiver alone: not to metadata addresses, not where a redirect or a name points today."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from edge.events import SinkDown, WebhookSink
from edge.events.webhook_sink import is_forbidden
from tests.events.test_webhook import Receiver, an_event


@pytest.mark.parametrize(
    ("address", "forbidden"),
    [
        ("169.254.169.254", True),
        ("169.254.170.2", True),
        ("fe80::1%eth0", True),
        ("::ffff:169.254.169.254", True),
        ("2002:a9fe:a9fe::1", True),
        ("fd00:ec2::254", True),
        ("fd20:ce::254", True),
        ("64:ff9b::169.254.169.254", True),
        ("64:ff9b:1::169.254.169.254", True),
        ("::169.254.169.254", True),
        ("::", True),
        ("100.100.100.200", True),
        ("168.63.129.16", True),
        ("192.0.0.192", True),
        ("255.255.255.255", True),
        ("0.0.0.0", True),  # noqa: S104
        ("224.0.0.1", True),
        ("no address", True),
        ("192.168.1.20", False),
        ("10.0.0.5", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("64:ff9b::192.0.2.7", False),
        ("2001:db8::1", False),
    ],
)
def test_which_addresses_no_receiver_has(address: str, forbidden: bool) -> None:
    assert is_forbidden(address) is forbidden


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://2852039166/x",
        "http://0xa9.0xfe.0xa9.0xfe/x",
        "http://[fe80::1]/x",
        "http://[::ffff:a9fe:a9fe]/x",
        "http://0/x",
        "https://169.254.169.254/x",
    ],
)
def test_a_forbidden_address_is_never_called_however_it_is_written(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _line, where: called.append(where))
    with pytest.raises(SinkDown):
        WebhookSink(url).deliver([an_event(1)])
    assert called == []


def test_a_name_that_leads_elsewhere_today_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the first answer was the receiver's, the second one is not."""
    told = [("127.0.0.1", 9), ("169.254.169.254", 9)]
    called: list[Any] = []

    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", told.pop(0))]

    def connect(_line: Any, where: Any) -> None:
        called.append(where)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    sink = WebhookSink("http://receiver.example/hook")
    for reason in ("ConnectionRefusedError", "ForbiddenAddressError"):
        with pytest.raises(SinkDown, match=reason):
            sink.deliver([an_event(1)])
    assert called == [("127.0.0.1", 9)]


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, args=(0.01,))
    thread.start()
    try:
        receiver.statuses = [302, 307]
        sink = WebhookSink(receiver.url)
        for status in ("302", "307"):
            with pytest.raises(SinkDown, match=status):
                sink.deliver([an_event(1)])
        assert len(receiver.got) == 2
        sink.close()
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()
