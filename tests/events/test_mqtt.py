"""MQTT against a real mosquitto that dies, freezes, refuses and comes back."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from edge.events import Courier, MqttBroker, MqttSink, Store, camera_status_event
from edge.events.types import EVENT_TYPES
from tests.conftest import Measured
from tests.events.facts import TEN_O_CLOCK_NS, person
from tests.events.mqtt_places import Broker, Heard, Listener, Wire
from tests.events.patience import until

OpenStore = Callable[..., Store]
STATUS = "checkout/store-1/box-1/status"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with closing(Broker(tmp_path)) as broker:
        yield broker


@pytest.fixture
def lane(open_store: OpenStore, broker: Broker) -> Iterator[Callable[..., tuple[Store, Courier]]]:
    """A store whose events go to the broker, or to another port; it stops in order at the end."""
    with ExitStack() as stack:

        def open_(**settings: Any) -> tuple[Store, Courier]:
            store = open_store()
            where = MqttBroker(**{"host": "127.0.0.1", "port": broker.port, "answer_s": 2.0, **settings})
            sink = MqttSink(
                where,
                prefix="checkout",
                store="store-1",
                box="box-1",
                wait_s=0.2,
                first_retry_s=0.01,
                longest_retry_s=0.1,
            )
            courier = Courier(
                store,
                sink,
                name="mqtt",
                purpose="security",
                first_retry_s=0.01,
                longest_retry_s=0.1,
                batch=40,
            )
            courier.start()
            stack.callback(courier.stop)
            return store, courier

        yield open_


def bodies(store: Store) -> list[str]:
    return [event.body for event in store.read_after(0, EVENT_TYPES, limit=10_000)]


def test_events_go_out_as_the_schema_says(broker: Broker, lane: Any) -> None:
    broker.start()
    with closing(Listener(broker.port)) as listener:
        store, courier = lane()
        camera = camera_status_event(
            store="store-1",
            box="box-1",
            lane="lane-1",
            camera="cam-1",
            state="up",
            reason="ok",
            since_ns=TEN_O_CLOCK_NS,
        )
        store.append([person(1), camera, person(1, lane="kasse 2")], now=True)
        until(lambda: len(listener.heard) == 4)
        courier.stop()
        until(lambda: len(listener.heard) == 5)

    age, status, other_lane = bodies(store)
    content_type = "application/cloudevents+json"
    assert listener.heard == [
        Heard(STATUS, "online", None, 1),
        Heard("checkout/store-1/box-1/lane-1/age", age, content_type, 1),
        Heard("checkout/store-1/box-1/lane-1/camera", status, content_type, 1),
        Heard("checkout/store-1/box-1/kasse 2/age", other_lane, content_type, 1),
        Heard(STATUS, "offline", None, 1),
    ]
    with closing(Listener(broker.port, name="late")) as late:
        until(lambda: bool(late.heard))
        assert late.heard == [Heard(STATUS, "offline", None, 1)], "retained"


def test_a_broker_that_is_killed_and_restarted_gets_every_event_in_order(
    broker: Broker, lane: Any, measured: Measured
) -> None:
    broker.start()
    with closing(Listener(broker.port)) as listener:
        store, courier = lane()
        store.append([person(n) for n in range(100)]).result()
        until(lambda: courier.stats().delivered == 100 and len(listener.events()) == 100)
        broker.kill()
        for number in range(100, 200):
            store.append([person(number)]).result()
        until(lambda: courier.stats().failures > 1)
        assert (courier.stats().delivered, courier.stats().pending) == (100, 100)
        assert "Connection refused" in (courier.stats().last_error or "")

        broker.start()
        back_s = time.monotonic()
        until(lambda: len(listener.events()) == 200)
        took_s = time.monotonic() - back_s

    assert listener.events() == bodies(store)
    assert courier.stats().last_error is None
    assert listener.status()[-1] == "online"
    lost = len(set(bodies(store)) - set(listener.events()))
    measured(
        "broker killed and restarted", f"{lost} of 200 events lost, in order, all there after {took_s:.1f} s"
    )


def test_a_broker_that_was_never_there_is_found_when_it_comes(broker: Broker, lane: Any) -> None:
    store, courier = lane()
    store.append([person(1)]).result()
    until(lambda: courier.stats().failures > 2)

    broker.start()

    until(lambda: courier.stats().delivered == 1)


def test_a_frozen_broker_is_noticed_and_gets_the_rest_when_it_thaws(
    broker: Broker, lane: Any, measured: Measured
) -> None:
    broker.start()
    with closing(Listener(broker.port)) as listener:
        store, courier = lane(answer_s=0.3)
        store.append([person(1)]).result()
        until(lambda: courier.stats().delivered == 1)
        broker.freeze()
        store.append([person(n) for n in range(2, 60)]).result()
        sent_s = time.monotonic()
        until(lambda: courier.stats().failures > 0)
        noticed_s = time.monotonic() - sent_s
        until(lambda: courier.stats().failures > 1)
        assert courier.stats().delivered == 1

        broker.thaw()
        thawed_s = time.monotonic()
        until(lambda: len(listener.events()) == 59)
        took_s = time.monotonic() - thawed_s

    assert listener.events() == bodies(store)
    lost = len(set(bodies(store)) - set(listener.events()))
    measured(
        "broker hangs",
        f"noticed {noticed_s:.1f} s after an event (patience 0.3 s), {lost} of 59 events lost, in order, all there "
        f"{took_s:.1f} s after it went on",
    )


def test_a_wire_that_goes_dead_while_it_stays_open_loses_nothing(
    broker: Broker, lane: Any, measured: Measured
) -> None:
    broker.start()
    with closing(Listener(broker.port)) as listener, closing(Wire(broker.port)) as wire:
        store, courier = lane(port=wire.port, answer_s=0.3)
        store.append([person(n) for n in range(50)]).result()
        until(lambda: courier.stats().delivered == 50)
        wire.silent.set()
        store.append([person(n) for n in range(50, 100)]).result()
        sent_s = time.monotonic()
        until(lambda: "no receipt within 0.3 s" in (courier.stats().last_error or ""))
        noticed_s = time.monotonic() - sent_s
        until(lambda: "no welcome within 0.3 s" in (courier.stats().last_error or ""))

        wire.silent.clear()
        mended_s = time.monotonic()
        until(lambda: len(listener.events()) == 100)
        took_s = time.monotonic() - mended_s

    assert listener.events() == bodies(store)
    lost = len(set(bodies(store)) - set(listener.events()))
    measured(
        "connection to the broker half open",
        f"noticed {noticed_s:.1f} s after an event (patience 0.3 s), {lost} of 100 events lost, in order, all there "
        f"{took_s:.1f} s after it was mended",
    )


def test_a_dead_wire_is_noticed_while_nothing_is_sent(broker: Broker, lane: Any, measured: Measured) -> None:
    """The last will must not depend on a customer coming by."""
    broker.start()
    with closing(Listener(broker.port)) as listener, closing(Wire(broker.port)) as wire:
        lane(port=wire.port, keepalive_s=1, answer_s=0.3)
        until(lambda: listener.status() == ["online"])
        wire.silent.set()
        dead_s = time.monotonic()
        until(lambda: listener.status() == ["online", "offline"])
        told_s = time.monotonic() - dead_s
        wire.silent.clear()
        mended_s = time.monotonic()
        until(lambda: listener.status() == ["online", "offline", "online"])
        back_s = time.monotonic() - mended_s
    measured(
        "connection to the broker half open",
        f"nothing sent, keepalive 1 s: the others hear `offline` after {told_s:.1f} s, `online` {back_s:.1f} s after "
        "it was mended",
    )


def test_a_connection_cut_again_and_again_leaks_no_thread(broker: Broker, lane: Any) -> None:
    broker.start()
    with closing(Listener(broker.port)) as listener, closing(Wire(broker.port)) as wire:
        store, courier = lane(port=wire.port)
        store.append([person(0)]).result()
        until(lambda: courier.stats().delivered == 1)
        for number in range(1, 8):
            wire.cut()
            store.append([person(number)]).result()
            until(lambda n=number: courier.stats().delivered == n + 1)  # type: ignore[misc]

        ours = [
            thread.name
            for thread in threading.enumerate()
            if thread.name.startswith(("paho", "mqtt", "sink"))
        ]
        until(lambda: len(listener.events()) == 8)

    assert sorted(name.split("-")[0] for name in ours) == ["mqtt 127.0.0.1", "paho", "paho", "sink mqtt"]
    assert listener.events() == bodies(store)


def password_lines(folder: Path, user: str, password: str) -> tuple[str, str]:
    file = folder / "passwords"
    file.touch(mode=0o600)
    subprocess.run(["mosquitto_passwd", "-b", file, user, password], check=True, capture_output=True)
    return ("allow_anonymous false", f"password_file {file}")


def test_refused_credentials_are_named_without_being_told(
    broker: Broker, lane: Any, tmp_path: Path, measured: Measured
) -> None:
    broker.start(*password_lines(tmp_path, "box-1-user", "right:pass/word"))
    store, courier = lane(user="box-1-user", password="wrong:pass/word")
    store.append([person(1)]).result()
    until(lambda: "refused" in (courier.stats().last_error or ""))

    error = courier.stats().last_error or ""
    assert error == f"mqtt broker 127.0.0.1:{broker.port}: refused: Not authorized"
    early = courier.stats().delivered
    assert early == 0
    assert "pass/word" not in repr(MqttBroker(host="h", user="u", password="pass/word"))

    broker.kill()
    broker.start(*password_lines(tmp_path, "box-1-user", "wrong:pass/word"))
    mended_s = time.monotonic()
    until(lambda: courier.stats().delivered == 1)
    took_s = time.monotonic() - mended_s
    measured(
        "broker rejects",
        f"the password: told as `{error.split(': ', 1)[1]}`, {early} taken for delivered, delivered {took_s:.1f} s "
        "after it was put right",
    )


def test_an_event_that_the_broker_refuses_is_not_taken_for_delivered(
    broker: Broker, lane: Any, tmp_path: Path, measured: Measured
) -> None:
    """The access list lets us in but not onto our topic; then somebody mends it."""
    rules = tmp_path / "acl"
    rules.write_text(f"topic write {STATUS}\n")
    broker.start("allow_anonymous true", f"acl_file {rules}")
    store, courier = lane()
    store.append([person(1), person(2)]).result()
    until(lambda: "message refused: Not authorized" in (courier.stats().last_error or ""))
    early = courier.stats().delivered
    assert early == 0

    broker.kill()
    rules.write_text("topic readwrite #\n")
    broker.start("allow_anonymous true", f"acl_file {rules}")
    mended_s = time.monotonic()
    until(lambda: courier.stats().delivered == 2)
    took_s = time.monotonic() - mended_s
    measured(
        "broker rejects",
        f"the topic: {early} taken for delivered, both delivered {took_s:.1f} s after it was put right",
    )


def certificates(folder: Path, name: str) -> tuple[Path, Path, Path]:
    """An authority of the shop's own, and the broker's certificate for 127.0.0.1."""

    def openssl(*words: str | Path) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    ca, key, cert = (folder / f"{name}.{ending}" for ending in ("ca", "key", "pem"))
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    openssl("req", "-x509", *new_key, "-keyout", folder / "ca.key", "-out", ca, "-subj", f"/CN={name}")
    openssl(
        "req",
        "-x509",
        *new_key,
        "-keyout",
        key,
        "-out",
        cert,
        "-subj",
        "/CN=broker",
        "-CA",
        ca,
        "-CAkey",
        folder / "ca.key",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    )
    return ca, key, cert


def test_tls_delivers_and_a_stranger_with_another_authority_is_refused(
    broker: Broker, lane: Any, tmp_path: Path
) -> None:
    ca, key, cert = certificates(tmp_path, "shop")
    stranger_ca, _, _ = certificates(tmp_path, "stranger")
    broker.start("allow_anonymous true", f"certfile {cert}", f"keyfile {key}")
    store, courier = lane(tls=True, ca_file=stranger_ca)
    store.append([person(n) for n in range(30)]).result()
    until(lambda: "CERTIFICATE_VERIFY_FAILED" in (courier.stats().last_error or ""))
    assert courier.stats().delivered == 0
    courier.stop()
    store.close()

    _, courier = lane(tls=True, ca_file=ca)
    until(lambda: courier.stats().delivered == 30)
    assert courier.stats().last_error is None


def test_a_certificate_file_that_is_missing_is_named(broker: Broker, lane: Any, tmp_path: Path) -> None:
    store, courier = lane(tls=True, ca_file=tmp_path / "nowhere.pem")
    store.append([person(1)]).result()

    expected = f"certificates ({tmp_path}/nowhere.pem): [Errno 2] No such file or directory"
    until(lambda: (courier.stats().last_error or "").endswith(expected))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"password": "x"}, "a password needs a user"),
        ({"ca_file": Path("ca")}, "tls is off"),
        ({"tls": True, "key_file": Path("k")}, "key_file needs cert_file"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        MqttBroker(host="h", **settings)


def test_a_batch_that_is_larger_than_the_broker_s_window_arrives_whole(broker: Broker, lane: Any) -> None:
    broker.start("allow_anonymous true", "max_inflight_messages 3")
    with closing(Listener(broker.port)) as listener:
        store, courier = lane()
        store.append([person(n) for n in range(200)]).result()
        until(lambda: len(listener.events()) == 200)

    assert [json.loads(body)["subject"] for body in listener.events()] == [f"cam-1-{n}" for n in range(200)]
    assert courier.stats().failures == 0


def test_a_heartbeat_stands_at_the_broker_and_leaves_nothing_behind_in_the_session(broker: Broker) -> None:
    """A box with nothing to tell says every few seconds that it lives; months of it must not fill the memory."""
    broker.start()
    where = MqttBroker(host="127.0.0.1", port=broker.port, answer_s=2.0)
    with (
        closing(Listener(broker.port)) as listener,
        closing(MqttSink(where, prefix="checkout", store="store-1", box="box-1")) as sink,
    ):
        until(lambda: sink.connected)
        for number in range(20):
            sink.beat(f'{{"beat":{number}}}')
        until(lambda: any('"beat":19' in heard.body for heard in listener.heard))
        assert sink._session is not None
        assert sink._session._receipts == {}
    with closing(Listener(broker.port, name="late")) as late:
        until(lambda: len(late.heard) == 2)
        assert Heard("checkout/store-1/box-1/heartbeat", '{"beat":19}', None, 0) in late.heard
