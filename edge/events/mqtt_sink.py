"""Events to an MQTT 5 broker."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence

from edge.events.backoff import Backoff
from edge.events.cloudevent import CloudEvent, EventError, source_parts
from edge.events.errors import SinkDown
from edge.events.mqtt_session import Message, MqttBroker, MqttSession
from edge.events.store import StoredEvent
from edge.events.types import EVENT_TYPES

__all__ = ["MqttSink", "topic_of"]

_STEADY_S = 10.0
CONTENT_TYPE = "application/cloudevents+json"


def topic_of(prefix: str, event: CloudEvent) -> str:
    """`{prefix}/{store}/{box}/{lane}/{age|check|…}`. Raises EventError for a type that is not in the table."""
    kind = EVENT_TYPES.get(event.type)
    if kind is None:
        raise EventError(f"type {event.type!r} has no topic")
    store, box, lane = source_parts(event.source)
    return f"{prefix}/{store}/{box}/{lane}/{kind.word}"


class MqttSink:
    """Publishes structured CloudEvents with QoS 1; an event counts as delivered with the broker's receipt.

    A thread of its own keeps the connection up, also while nothing is to be sent: `{prefix}/{store}/{box}/status`
    says `online` (retained) as long as it stands, and the broker says `offline` when it is gone.
    `deliver` waits for the connection for at most `wait_s`.
    """

    def __init__(
        self,
        broker: MqttBroker,
        *,
        prefix: str,
        store: str,
        box: str,
        wait_s: float = 5.0,
        first_retry_s: float = 0.5,
        longest_retry_s: float = 30.0,
        chance: random.Random | None = None,
    ) -> None:
        self._broker = broker
        self._prefix = prefix
        self._status_topic = f"{prefix}/{store}/{box}/status"
        self._heartbeat_topic = f"{prefix}/{store}/{box}/heartbeat"
        self._wait_s = wait_s
        self._backoff = Backoff(
            first_s=first_retry_s,
            cap_s=longest_retry_s,
            chance=chance or random.Random(),  # noqa: S311
        )
        self._changed = threading.Condition()
        self._session: MqttSession | None = None
        self._opening: MqttSession | None = None
        self._closing = threading.Event()
        self._error = "not connected yet"
        self._keeper = threading.Thread(target=self._keep_up, name=f"mqtt {broker.host}", daemon=True)
        self._keeper.start()

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted us and the connection is not known to be lost."""
        session = self._session
        return session is not None and session.lost is None

    def deliver(self, batch: Sequence[StoredEvent]) -> int:
        """Publish in order; returns how many the broker has receipted. Raises SinkDown where none was."""
        messages = [self._message(event) for event in batch]
        with self._changed:
            self._changed.wait_for(lambda: self._session or self._closing.is_set(), self._wait_s)
            session = self._session
        if session is None:
            raise SinkDown(self._told(self._error))
        done = session.send(messages)
        if done == 0 and messages:
            raise SinkDown(self._told(session.lost or "nothing was receipted"))
        return done

    def beat(self, body: str) -> None:
        """Say that the box lives and how its lanes stand, retained on `…/heartbeat`; lost where nobody is there."""
        session = self._session
        if session is not None:
            session.say(self._heartbeat_topic, body)

    def close(self) -> None:
        """Say `offline` and leave; a delivery under way ends."""
        with self._changed:
            self._closing.set()
            for session in (self._opening, self._session):
                if session is not None:
                    session.leave()
            self._changed.notify_all()
        self._keeper.join(2 * self._broker.answer_s + 2)

    def _message(self, stored: StoredEvent) -> Message:
        topic = topic_of(self._prefix, CloudEvent.from_json(stored.body))
        return Message(topic=topic, body=stored.body, content_type=CONTENT_TYPE)

    def _keep_up(self) -> None:
        while not self._closing.is_set():
            self._error = self._stand_once()
            self._closing.wait(self._backoff.next_wait_s())

    def _stand_once(self) -> str:
        """Connect and stay until the session is over; returns why it is."""
        try:
            session = MqttSession(self._broker, status_topic=self._status_topic)
        except OSError as error:
            files = [
                str(file)
                for file in (self._broker.ca_file, self._broker.cert_file, self._broker.key_file)
                if file
            ]
            return f"certificates ({', '.join(files)}): {error}"
        with self._changed:
            self._opening = session
            if self._closing.is_set():
                session.leave()
        try:
            session.open()
        except ConnectionError as error:
            session.end()
            return str(error)
        finally:
            self._opening = None
        stood_since_s = time.monotonic()
        with self._changed:
            if self._closing.is_set():
                session.leave()
            self._session = session
            self._changed.notify_all()
        session.stay()
        with self._changed:
            self._session = None
        # A broker that accepts and drops us at once gets no more tries for it.
        if time.monotonic() - stood_since_s > _STEADY_S:
            self._backoff.reset()
        reason = session.lost or "closed"
        session.end()
        return reason

    def _told(self, reason: str) -> str:
        text = f"mqtt broker {self._broker.host}:{self._broker.port}: {reason}"
        for secret in (self._broker.password, self._broker.user):
            text = text.replace(secret, "***") if secret else text
        return text
