"""Webhooks against a real receiver: signed as Standard Webhooks says, in order, parked only when truly refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from edge.events import SinkDown, StoredEvent, StoreError, WebhookSink
from edge.events.webhook_sink import Parked, message_text, signing_key

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


class Receiver(ThreadingHTTPServer):
    """Answers `statuses` in turn, then 204, and keeps what it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?x=1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def an_event(position: int, **data: object) -> StoredEvent:
    told = {
        "id": f"e-{position}",
        "type": "checkout.alert.raised.v1",
        "time": "2026-01-05T10:00:03.200Z",
        "data": {"lane": "lane-1", "receipt": "r-1", "kind": "unchecked_sale", "severity": "high", **data},
    }
    return StoredEvent(position=position, type=told["type"], recorded_ms=0, body=json.dumps(told))  # type: ignore[arg-type]


def test_the_body_is_the_event_and_the_signature_holds_by_the_written_formula(receiver: Receiver) -> None:
    sink = WebhookSink(receiver.url, secret=SECRET, clock_s=lambda: 1_767_607_203.9)
    event = an_event(1)
    assert sink.deliver([event]) == 1
    sink.close()
    headers, body = receiver.got[0]
    assert body == event.body.encode()
    assert headers["content-type"] == "application/cloudevents+json"
    signed = b"e-1.1767607203." + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-id"] == "e-1"
    assert headers["webhook-timestamp"] == "1767607203"
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_the_package_of_the_standard_takes_the_signature_and_refuses_a_changed_body(
    receiver: Receiver,
) -> None:
    sink = WebhookSink(receiver.url, secret=SECRET)
    sink.deliver([an_event(1, note="Ж")])
    sink.close()
    headers, body = receiver.got[0]
    judge = Webhook(SECRET)
    assert judge.verify(body.decode(), headers)["data"]["receipt"] == "r-1"
    with pytest.raises(WebhookVerificationError):
        judge.verify(body.decode().replace("r-1", "r-2"), headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(bytes(32)).decode()).verify(body.decode(), headers)


def test_a_receiver_that_fails_gets_the_same_event_again_and_none_is_passed_over(receiver: Receiver) -> None:
    sink = WebhookSink(receiver.url)
    receiver.statuses = [204, 500]
    batch = [an_event(1), an_event(2), an_event(3)]
    assert sink.deliver(batch) == 1
    receiver.statuses = [429]
    with pytest.raises(SinkDown, match="429"):
        sink.deliver(batch[1:])
    assert sink.deliver(batch[1:]) == 2
    sink.close()
    assert [json.loads(body)["id"] for _, body in receiver.got] == ["e-1", "e-2", "e-2", "e-2", "e-3"]


def test_an_event_that_is_refused_for_good_is_parked_after_the_last_try(receiver: Receiver) -> None:
    sink = WebhookSink(receiver.url, tries=3)
    receiver.statuses = [400, 400, 400]
    for _ in range(2):
        with pytest.raises(SinkDown, match="of 3 tries"):
            sink.deliver([an_event(1), an_event(2)])
    assert sink.deliver([an_event(1), an_event(2)]) == 2
    sink.close()
    assert [(one.position, one.status) for one in sink.parked] == [(1, 400)]


def test_nobody_there_is_said_without_the_address_that_may_hold_a_token() -> None:
    sink = WebhookSink("http://127.0.0.1:9/bot12345:secret/sendMessage", template="telegram", topic="7")
    with pytest.raises(SinkDown) as down:
        sink.deliver([an_event(1)])
    assert "secret" not in str(down.value)


@pytest.mark.parametrize("template", ["ntfy", "telegram"])
def test_a_message_for_people_names_the_sale_and_neither_age_nor_cashier(
    receiver: Receiver, template: str
) -> None:
    sink = WebhookSink(receiver.url, template=template, topic="guards")  # type: ignore[arg-type]
    sink.deliver(
        [an_event(1, age={"mean": 16.4}, p_under={"18": 0.7}, cashier="c-7", vms_url="http://vms/x")]
    )
    sink.close()
    told = json.loads(receiver.got[0][1])
    text = json.dumps(told)
    assert told["topic" if template == "ntfy" else "chat_id"] == "guards"
    assert "r-1" in text
    assert "http://vms/x" in text
    assert not any(word in text for word in ("16.4", "0.7", "c-7", "minor", "underage"))


@pytest.mark.parametrize("secret", ["", "secret", "whsec_", "whsec_AAAA", "whsec_%%%"])
def test_a_secret_that_is_none_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        signing_key(secret)


def test_an_event_is_parked_only_when_that_is_on_disk(receiver: Receiver) -> None:
    kept: list[int] = []

    def keep(parked: Parked) -> None:
        kept.append(parked.position)
        if len(kept) == 1:
            raise StoreError("the disk is full")

    sink = WebhookSink(receiver.url, tries=1, keep=keep)
    receiver.statuses = [400, 400]
    with pytest.raises(StoreError):
        sink.deliver([an_event(1)])
    assert sink.deliver([an_event(1)]) == 1
    sink.close()
    assert kept == [1, 1]
    assert [one.position for one in sink.parked] == [1]


def test_people_hear_of_an_escalation_and_of_a_shift_by_their_names() -> None:
    late = {"type": "checkout.alert.escalated.v1", "time": "2026-01-05T10:05:00.000Z"}
    data = {
        "lane": "lane-1",
        "kind": "unchecked_sale",
        "severity": "medium",
        "receipt": "r-1",
        "minutes": 5.0,
    }
    title, text, urgent = message_text({**late, "data": data})
    assert (title, urgent) == ("NOBODY LOOKED FOR 5 MIN lane-1: unchecked sale", True)
    assert "r-1" in text
    digest = {"type": "checkout.shift.digest.v1", "time": "2026-01-05T14:00:00.000Z"}
    title, text, urgent = message_text({**digest, "data": {"lane": "-", "count": 7}})
    assert (title, urgent) == ("Shift digest: customers who were not seen", False)
    assert "count 7" in text
