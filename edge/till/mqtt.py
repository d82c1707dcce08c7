"""The MQTT door: a topic's messages into the inbox; the broker hears that one was taken after its commit."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from edge.till.batch import Batch, read_batch
from edge.till.inbox import DeadLetter, Kept
from edge.till.reading import TillReader
from edge.till.refusal import TillEventRefused

__all__ = ["TillMqtt"]

_log = logging.getLogger(__name__)
_DOOR = "mqtt"
_QOS = 1
_UNACKNOWLEDGED_MAX = 200
"""So many messages may wait here for their commit; the broker keeps the rest."""


class TillMqtt:
    """One subscription, held by a persistent session: what comes while this box is away waits at the broker."""

    def __init__(
        self,
        *,
        host: str,
        port: int,
        topic: str,
        client_id: str,
        reader: TillReader,
        commit: Callable[[Batch], Future[Kept]],
        user: str | None = None,
        password: str | None = None,
        tls: bool = False,
        ca_file: str | None = None,
        client_kind: Callable[..., Any] | None = None,
    ) -> None:
        """`commit` as for HTTP; a message that could not be kept waits here, unacknowledged.

        `client_kind`: makes a client as paho's; where it has a `break_off`, no broker holds up `stop`.
        """
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

        self._topic = topic
        self._reader = reader
        self._commit = commit
        self._client = (client_kind or Client)(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=True,
        )
        if user is not None:
            self._client.username_pw_set(user, password)
        if tls:
            self._client.tls_set(ca_certs=ca_file)
        self._client.on_connect = self._connected
        self._client.on_message = self._message
        self._address = (host, port)
        self.taken = 0
        self.refused = 0
        self._unkept: deque[tuple[Batch, int, int]] = deque()

    def start(self) -> None:
        """Connect in the background, again and again where it fails."""
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        session: Any = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        session.SessionExpiryInterval = 7 * 86400
        session.ReceiveMaximum = _UNACKNOWLEDGED_MAX
        self._client.reconnect_delay_set(min_delay=1, max_delay=60)
        self._client.connect_async(*self._address, keepalive=30, clean_start=False, properties=session)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; the broker keeps what comes for a week."""
        getattr(self._client, "break_off", lambda: None)()
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def connected(self) -> bool:
        """Is the broker there?"""
        return bool(self._client.is_connected())

    def _connected(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            _log.warning("the till's broker refuses: %s", reason)
            return
        client.subscribe(self._topic, qos=_QOS)

    def _message(self, client: Any, _data: Any, message: Any) -> None:
        self._keep(client, self._read(bytes(message.payload)), message.mid, message.qos)

    def retry(self) -> None:
        """Offer once more what could not be kept; to be called every second or so."""
        for _ in range(len(self._unkept)):
            self._keep(self._client, *self._unkept.popleft())

    def _keep(self, client: Any, batch: Batch, mid: int, qos: int) -> None:
        def done(future: Future[Kept]) -> None:
            if future.exception() is not None:
                self._unkept.append((batch, mid, qos))
                return
            self.taken += len(batch.events)
            self.refused += len(batch.letters)
            client.ack(mid, qos)

        try:
            committed = self._commit(batch)
        except Exception as error:  # noqa: BLE001 - whatever the inbox says, the message must not be lost
            _log.warning("a message of the till waits for the inbox: %s", error)
            self._unkept.append((batch, mid, qos))
            return
        committed.add_done_callback(done)

    def _read(self, payload: bytes) -> Batch:
        try:
            return read_batch(payload, self._reader, door=_DOOR)
        except TillEventRefused as refused:
            letter = DeadLetter(door=_DOOR, reason=refused.reason, detail=refused.detail)
            return Batch(events=(), rejected=(), letters=(letter,))
