"""Hears topics of an MQTT 5 broker in a persistent session; a message counts as taken after its commit."""

from __future__ import annotations

import logging
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.events.errors import StoreError
from edge.events.mqtt_client import BreakableClient
from edge.events.mqtt_session import MqttBroker

__all__ = ["Heard", "MqttListener"]

_log = logging.getLogger(__name__)
_WEEK_S = 7 * 86_400
_UNDER_WAY_MAX = 200
"""So many messages may wait here for their commit; the broker keeps the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One message; `retained`: it stood at the broker, nobody said it just now."""

    topic: str
    body: bytes
    retained: bool


@dataclass(frozen=True, slots=True)
class _Taken:
    heard: Heard
    number: int
    qos: int
    session: int


class MqttListener:
    """Connects again and again; what comes while this box is away waits at the broker for a week.

    `hear` is called in a thread of its own and is quick: it returns a future, and the broker hears that the message is
    taken when that is done, or None where nothing has to be kept. What the store refuses is offered again by `retry`.
    """

    def __init__(
        self,
        broker: MqttBroker,
        *,
        topics: Sequence[str],
        client_id: str,
        hear: Callable[[Heard], Future[Any] | None],
    ) -> None:
        """Nothing moves before `start`. Raises OSError (ssl.SSLError) for certificates that cannot be used."""
        self._broker = broker
        self._topics = tuple(topics)
        self._hear = hear
        self._lock = threading.Lock()
        self._unkept: deque[_Taken] = deque()
        self._session = 0
        self.error: str | None = "not connected yet"
        self.faults = 0
        self._client = BreakableClient(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        self._client.connect_timeout = broker.answer_s
        if broker.user is not None:
            self._client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            self._client.tls_set_context(ssl.create_default_context(cafile=broker.ca_file))
        self._client.on_connect = self._connected
        self._client.on_connect_fail = self._not_there
        self._client.on_disconnect = self._disconnected
        self._client.on_message = self._message

    @property
    def connected(self) -> bool:
        """Is the broker there, and has it accepted us?"""
        return self.error is None

    def start(self) -> None:
        """Connect in the background."""
        session: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = _WEEK_S
        session.ReceiveMaximum = _UNDER_WAY_MAX
        self._client.reconnect_delay_set(min_delay=1, max_delay=15)
        self._client.connect_async(
            self._broker.host,
            self._broker.port,
            keepalive=self._broker.keepalive_s,
            clean_start=False,
            properties=session,
        )
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; the session stays at the broker."""
        self._client.break_off()
        self._client.disconnect()
        self._client.loop_stop()

    def retry(self) -> None:
        """Offer once more what could not be kept; to be called every second or so."""
        with self._lock:
            again, self._unkept = self._unkept, deque()
        for taken in again:
            if taken.session == self._session:
                self._take(taken)

    def _connected(self, client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self.error = f"refused: {reason}"
            _log.warning("the broker %s refuses: %s", self._broker.host, reason)
            return
        self.error = None
        client.subscribe([(topic, _at_least_once()) for topic in self._topics])

    def _not_there(self, _client: Client, _data: Any) -> None:
        self.error = "cannot be reached"

    def _disconnected(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        # What was not acknowledged comes again, under numbers that may mean something else by then.
        self._session += 1
        self.error = self.error or f"connection lost: {reason}"

    def _message(self, _client: Client, _data: Any, message: Any) -> None:
        heard = Heard(topic=message.topic, body=bytes(message.payload), retained=bool(message.retain))
        self._take(_Taken(heard, message.mid, message.qos, self._session))

    def _take(self, taken: _Taken) -> None:
        try:
            kept = self._hear(taken.heard)
        except StoreError:
            with self._lock:
                self._unkept.append(taken)
            return
        except Exception:  # noqa: BLE001 - a message that nobody can read must not stop those behind it
            self.faults += 1
            _log.exception("a message could not be taken", extra={"topic": taken.heard.topic})
            kept = None
        if kept is None:
            self._acknowledge(taken)
        else:
            kept.add_done_callback(lambda future: self._done(taken, future))

    def _done(self, taken: _Taken, future: Future[Any]) -> None:
        error = future.exception()
        if isinstance(error, StoreError):
            with self._lock:
                self._unkept.append(taken)
            return
        if error is not None:
            self.faults += 1
            _log.error("a message could not be kept: %r", error, extra={"topic": taken.heard.topic})
        self._acknowledge(taken)

    def _acknowledge(self, taken: _Taken) -> None:
        if taken.session == self._session:
            self._client.ack(taken.number, taken.qos)


def _at_least_once() -> Any:
    from paho.mqtt.subscribeoptions import SubscribeOptions

    return SubscribeOptions(qos=1)
