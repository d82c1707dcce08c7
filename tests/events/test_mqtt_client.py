"""Connecting to a broker can be broken off, wherever it stands still; an address that says nothing is not the last."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.events.mqtt_client import BreakableClient
from tests.events.mqtt_places import port_without_answer

FOREVER_S = 600.0


def client(*, patience_s: float) -> BreakableClient:
    made = BreakableClient(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    made.connect_timeout = patience_s
    return made


@pytest.fixture
def gone() -> Iterator[int]:
    with port_without_answer() as port:
        yield port


@pytest.fixture
def mute() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize("stands_at", ["connecting", "handshake"])
def test_broken_off_it_ends_at_once_and_never_connects_again(
    gone: int, mute: socket.socket, stands_at: str
) -> None:
    broker = client(patience_s=FOREVER_S)
    if stands_at == "handshake":
        broker.tls_set_context(ssl.create_default_context())
    port = gone if stands_at == "connecting" else mute.getsockname()[1]
    said: list[OSError] = []

    def connect() -> None:
        try:
            broker.connect("127.0.0.1", port)
        except OSError as error:
            said.append(error)

    thread = threading.Thread(target=connect)
    thread.start()
    if stands_at == "handshake":
        mute.accept()[0].recv(1, socket.MSG_PEEK)  # it has begun
    broker.break_off()
    thread.join(60)
    assert not thread.is_alive()
    assert len(said) == 1
    with pytest.raises(ConnectionAbortedError):
        broker.connect("127.0.0.1", mute.getsockname()[1])


def test_an_address_that_says_nothing_is_not_the_last_that_is_tried(
    gone: int, mute: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name with two addresses, the first behind a dead wire."""

    def addresses(*_asked: Any, **_how: Any) -> list[Any]:
        ports = (gone, mute.getsockname()[1])
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in ports]

    monkeypatch.setattr("edge.events.mqtt_client.socket.getaddrinfo", addresses)
    broker = client(patience_s=1.0)
    broker.connect("broker.example", 1)
    taken, _ = mute.accept()
    assert taken.recv(1) == b"\x10"  # CONNECT
    taken.close()
    broker.disconnect()
