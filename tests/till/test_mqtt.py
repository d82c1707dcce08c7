"""Till events by MQTT from a real broker: none acknowledged before its commit, none lost while the box is away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.till import Batch, Kept, NoRoom, TillMqtt, TillReader
from tests.events.mqtt_places import Broker
from tests.events.patience import until


class Inbox:
    """Keeps in memory; refuses while it is `full`."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.letters: list[str] = []
        self.full = False

    def commit(self, batch: Batch) -> Future[Kept]:
        if self.full:
            raise NoRoom("full")
        self.ids += [event.id for event in batch.events if event.id not in self.ids]
        self.letters += [letter.reason.value for letter in batch.letters]
        done: Future[Kept] = Future()
        done.set_result(Kept(new=batch.events, duplicates=0))
        return done


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    made.start()
    yield made
    made.close()


def a_door(broker: Broker, inbox: Inbox) -> TillMqtt:
    door = TillMqtt(
        host="127.0.0.1",
        port=broker.port,
        topic="shop/till/#",
        client_id="store-1-box-1-till",
        reader=TillReader(),
        commit=inbox.commit,
    )
    door.start()
    return door


def send(broker: Broker, *payloads: bytes) -> None:
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    for payload in payloads:
        client.publish("shop/till/3", payload, qos=1).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def an_event(name: str) -> bytes:
    told = {"lane": "lane-1", "at": "2026-01-05T10:00:03Z", "type": "receipt.opened", "receipt": "r"}
    return json.dumps({"id": name, **told}).encode()


def test_events_batches_and_garbage_come_in(broker: Broker) -> None:
    inbox = Inbox()
    door = a_door(broker, inbox)
    until(lambda: door.connected)
    until(lambda: bool(send(broker, an_event("warm-up")) or inbox.ids))
    send(broker, an_event("e-1"), b"[" + an_event("e-2") + b"," + an_event("e-3") + b"]", b"garbage", b"[7]")
    until(lambda: len(inbox.letters) == 2)
    assert inbox.ids[-3:] == ["e-1", "e-2", "e-3"]
    assert inbox.letters == ["not_json", "not_an_object"]
    door.stop()


def test_what_comes_while_the_box_is_away_or_its_disk_is_full_is_not_lost(broker: Broker) -> None:
    inbox = Inbox()
    door = a_door(broker, inbox)
    until(lambda: door.connected)
    until(lambda: bool(send(broker, an_event("warm-up")) or inbox.ids))
    door.stop()
    send(broker, an_event("away"))
    inbox.full = True
    door = a_door(broker, inbox)
    until(lambda: door.connected)
    send(broker, an_event("full"))
    door.retry()
    assert "away" not in inbox.ids
    door.stop()  # the box dies with both unkept: the broker still has them, since nobody acknowledged
    inbox.full = False
    door = a_door(broker, inbox)
    until(lambda: {"away", "full"} <= set(inbox.ids))
    door.stop()
