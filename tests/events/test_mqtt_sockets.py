"""A broker that comes and goes costs no sockets."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator

import pytest

from edge.events.mqtt_session import MqttBroker, MqttSession
from tests.conftest import Measured


@pytest.fixture
def no_collector() -> Iterator[None]:
    """A box at rest: the collector of circles does not come by for hours."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_sessions_with_a_broker_that_says_nothing_leave_no_socket_behind(measured: Measured) -> None:
    """The client's own pair of sockets was left to the collector of circles: up to 30 stood open in 60 tries."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = MqttBroker(host="127.0.0.1", port=silent.getsockname()[1], answer_s=0.02)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            session = MqttSession(where, status_topic="status")
            with pytest.raises(ConnectionError, match="no welcome"):
                session.open()
            session.end()
            silent.accept()[0].close()
        del session

        after = len(os.listdir("/proc/self/fd"))
        assert after == before
    measured(
        "broker that comes and goes all night",
        f"20 lost sessions: {before} descriptors before, {after} after",
    )
