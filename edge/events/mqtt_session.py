"""One connection to an MQTT 5 broker, from CONNECT to its loss; never used again after that."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.events.mqtt_client import BreakableClient

__all__ = ["Message", "MqttBroker", "MqttSession"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttBroker:
    """Where the broker is and who we are to it; the password never shows in its text."""

    host: str
    port: int = 1883
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca_file: Path | None = None
    """Certificates to trust; the system's where left out."""
    cert_file: Path | None = None
    key_file: Path | None = None
    client_id: str = ""
    """Empty lets the broker choose one."""
    keepalive_s: int = 20
    """A broker that says nothing for about twice as long counts as gone."""
    answer_s: float = 5.0
    """Longest wait for the network, for the broker's welcome, and for its receipts."""

    def __post_init__(self) -> None:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("mqtt: key_file needs cert_file")
        if (self.ca_file or self.cert_file) and not self.tls:
            raise ValueError("mqtt: certificate files are given but tls is off")
        if self.password is not None and self.user is None:
            raise ValueError("mqtt: a password needs a user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to publish."""

    topic: str
    body: str
    content_type: str


class MqttSession:
    """Connects, says `online` (retained, with `offline` as last will) and sends windows of messages.

    `open` and `end` are for the thread that keeps it, `send` for one other. Nothing is queued in the
    client: what is not acknowledged when the session is lost is the sender's to send again.
    """

    def __init__(self, broker: MqttBroker, *, status_topic: str) -> None:
        self._broker = broker
        self._status_topic = status_topic
        self._changed = threading.Condition()
        self._accepted = self._leaving = False
        self._lost: str | None = None
        self._receipts: dict[int, ReasonCode] = {}
        self._sending = False
        self._receive_maximum = 65_535
        self._client = self._new_client()

    @property
    def lost(self) -> str | None:
        """Why the session is over; None while it is not."""
        return self._lost

    def open(self) -> None:
        """Connect and wait for the broker's welcome. Raises ConnectionError with the reason."""
        broker = self._broker
        try:
            self._client.connect(broker.host, broker.port, keepalive=broker.keepalive_s, clean_start=True)
        except (OSError, ValueError) as error:
            self.lose(str(error))
        else:
            self._client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self._accepted or self._lost or self._leaving, broker.answer_s)
        if not self._accepted:
            self.lose("closed" if self._leaving else f"no welcome within {broker.answer_s:g} s")
        if self._lost:
            raise ConnectionError(self._lost)

    def stay(self) -> None:
        """Wait until the session is lost or somebody wants to `leave`."""
        with self._changed:
            self._changed.wait_for(lambda: self._lost or self._leaving)

    def leave(self) -> None:
        """Ask for the end of the session, of one that is only being opened too; from any thread."""
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
        self._client.break_off()

    def send(self, messages: Sequence[Message]) -> int:
        """Publish with QoS 1 and return how many of the first ones the broker has receipted.

        At most as many are under way as the broker allows. Fewer than all: the session is over, see `lost`.
        """
        done = 0
        window = max(1, min(16, self._receive_maximum - 1))
        while done < len(messages) and self._lost is None:
            part = messages[done : done + window]
            taken = self._send_window(part)
            done += taken
            if taken < len(part):
                break
        return done

    def say(self, topic: str, body: str) -> None:
        """Publish something retained that the next word replaces anyway: QoS 0, nobody waits for it. Any thread."""
        if self._lost is None:
            self._client.publish(topic, body.encode(), qos=0, retain=True)

    def lose(self, reason: str) -> None:
        """Declare the session over; the network is cut, so that no thread waits for a silent peer."""
        with self._changed:
            self._lost = self._lost or reason
            self._changed.notify_all()
        sock = self._client.socket()
        if sock is not None:
            # Not SSLSocket's own shutdown, which takes the TLS object from under the reading thread.
            with suppress(OSError):
                socket.socket.shutdown(cast(socket.socket, sock), socket.SHUT_RDWR)

    def end(self) -> None:
        """Leave in order where the session lives (the broker then says `offline` for us), and free everything."""
        if self._lost is None:
            with_will = ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message")
            self._client.disconnect(reasoncode=with_will)
            with self._changed:
                self._changed.wait_for(lambda: self._lost, 1.0)
        self.lose("closed")
        self._client.loop_stop()
        # The client frees its sockets when it is let go of. Held in a circle by its calls back to us it would wait for
        # the collector, which on a box at rest comes seldom: a broker that comes and goes all night is many sockets.
        self._client.on_connect = self._client.on_disconnect = self._client.on_publish = None

    def _new_client(self) -> BreakableClient:
        broker = self._broker
        client = BreakableClient(
            CallbackAPIVersion.VERSION2,
            client_id=broker.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = broker.answer_s
        client.will_set(self._status_topic, "offline", qos=1, retain=True)
        if broker.user is not None:
            client.username_pw_set(broker.user, broker.password)
        if broker.tls:
            context = ssl.create_default_context(cafile=broker.ca_file)
            if broker.cert_file is not None:
                context.load_cert_chain(broker.cert_file, broker.key_file)
            client.tls_set_context(context)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        return client

    def _send_window(self, messages: Sequence[Message]) -> int:
        numbers = []
        with self._changed:
            self._sending = True
        for message in messages:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.ContentType = message.content_type
            sent = self._client.publish(message.topic, message.body.encode(), qos=1, properties=properties)
            if sent.rc != MQTT_ERR_SUCCESS:
                self.lose("connection lost while sending")
                break
            numbers.append(sent.mid)
        until_s = time.monotonic() + self._broker.answer_s
        with self._changed:
            self._changed.wait_for(
                lambda: self._lost or all(number in self._receipts for number in numbers),
                max(0.0, until_s - time.monotonic()),
            )
            receipts = [self._receipts.get(number) for number in numbers]
            self._receipts.clear()
            self._sending = False
        done = 0
        for receipt in receipts:
            if receipt is None or receipt.is_failure:
                self.lose(
                    f"message refused: {receipt}"
                    if receipt
                    else f"no receipt within {self._broker.answer_s:g} s"
                )
                break
            done += 1
        return done

    def _on_connect(
        self, client: Client, _data: Any, _flags: Any, reason: ReasonCode, properties: Any
    ) -> None:
        if reason.is_failure:
            self.lose(f"refused: {reason}")
            return
        self._receive_maximum = getattr(properties, "ReceiveMaximum", self._receive_maximum)
        client.publish(self._status_topic, "online", qos=1, retain=True)
        with self._changed:
            self._accepted = True
            self._changed.notify_all()

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any
    ) -> None:
        with self._changed:
            self._lost = self._lost or f"connection lost: {reason}"
            self._changed.notify_all()

    def _on_publish(
        self, _client: Client, _data: Any, number: int, reason: ReasonCode, _properties: Any
    ) -> None:
        with self._changed:
            if self._sending:  # what nobody waits for would pile up here
                self._receipts[number] = reason
                self._changed.notify_all()
