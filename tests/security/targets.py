"""Every parser that faces the outside, as a function over bytes: what it may raise is caught, all else is a finding."""

from __future__ import annotations

import http.client
import io
import json
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["TARGETS", "seeds"]

CHECKOUT = Path(__file__).resolve().parents[2]
Target = Callable[[bytes], None]


@cache
def _reader() -> Any:
    from datetime import UTC

    from edge.till import TillReader

    return TillReader(lanes=("lane-1",), zone=UTC)


def till_json(raw: bytes) -> None:
    """`POST /api/till`, MQTT payloads and lines of a file: what is taken must come back from the inbox the same."""
    from edge.till import TillEventRefused, read_documents
    from edge.till.batch import read_batch
    from edge.till.body import from_body, to_body

    try:
        batch = read_batch(raw, _reader(), door="http")
    except TillEventRefused:
        return
    for event in batch.events:
        assert from_body(to_body(event)) == event
    for letter in batch.letters:
        json.dumps(letter.document, default=str)
    assert read_documents


def poslog(raw: bytes) -> None:
    """A file in the watched folder."""
    from edge.till import TillEventRefused, read_documents, read_poslog

    try:
        found = read_poslog(raw, lane="lane-1")
    except TillEventRefused:
        return
    read_documents(found.documents, _reader(), door="poslog")


def config(raw: bytes) -> None:
    """The configuration file."""
    from edge.config import ConfigError, parse_config

    problems: tuple[Any, ...] = ()
    try:
        parse_config(raw, file="f.yaml", folder=CHECKOUT / "configs")
    except ConfigError as error:
        problems = error.problems
    assert all(str(problem).isprintable() for problem in problems)


def bundle(raw: bytes) -> None:
    """`bundle.json` of an age model from elsewhere."""
    from edge.age.bundle import _parsed
    from edge.age.errors import AgeModelError
    from edge.age.manifest import read_manifest

    try:
        read_manifest(_parsed(raw, Path("bundle.json")), where="bundle.json", expected_format=1)
    except AgeModelError:
        return


def golden(raw: bytes) -> None:
    """The golden vectors of an age model from elsewhere: these bytes, or a sound archive with these bytes in it.

    Checksums would keep a fuzzer away from what stands in an archive.
    """
    from edge.age.vectors import VectorsError, read_vectors

    sound = io.BytesIO()
    with zipfile.ZipFile(sound, "w") as archive:
        archive.writestr("crops.npy", raw)
    for told in (io.BytesIO(raw), sound):
        try:
            crops, logits, float_logits = read_vectors(told)
        except VectorsError:
            continue
        assert crops.shape == (len(crops), 112, 112, 3)
        assert logits.shape == float_logits.shape == (len(crops), 101)


def onnx(raw: bytes) -> None:
    """A model file that is taken apart to derive others from it."""
    from edge.age.derive import derive_float
    from edge.age.errors import AgeModelError
    from edge.age.protobuf import ProtobufError

    try:
        derive_float(raw, "fp32")
    except (AgeModelError, ProtobufError):
        return


class _Wire:
    """A socket whose other end has said all that it says."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def sendall(self, _data: bytes) -> None:
        """Whatever."""

    def makefile(self, *_: Any) -> io.BytesIO:
        """The reply."""
        return io.BytesIO(self._raw)

    def shutdown(self, _how: int) -> None:
        """Gone."""

    def close(self) -> None:
        """Gone."""


def webhook_reply(raw: bytes) -> None:
    """What a webhook's receiver answers."""
    from edge.events import SinkDown, StoredEvent, WebhookSink

    sink = WebhookSink("http://127.0.0.1:9/hook", tries=1)

    def connect() -> http.client.HTTPConnection:
        line = http.client.HTTPConnection("127.0.0.1", 9)
        line.sock = _Wire(raw)  # type: ignore[assignment]
        return line

    sink._connect = connect  # type: ignore[method-assign]
    body = json.dumps({"id": "e-1", "type": "t", "time": "2026-01-05T10:00:00Z", "data": {}})
    try:
        taken = sink.deliver([StoredEvent(position=1, type="t", recorded_ms=0, body=body)])
    except SinkDown:
        return
    assert taken == 1
    sink.close()


def offers(raw: bytes) -> None:
    """`offers.json` from marketing."""
    from edge.app.offers import OffersError, read_offers

    try:
        read_offers(_File(raw), bands=((0, 17), (18, 100)))  # type: ignore[arg-type]
    except OffersError:
        return


class _File:
    """A path with these bytes, without a disk."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def read_bytes(self) -> bytes:
        """All of it."""
        return self._raw

    def __str__(self) -> str:
        return "offers.json"


def hub_message(raw: bytes) -> None:
    """What other boxes, or whoever may write to the broker, say to a hub: topic, a line break, body."""
    from edge.app.hub_reading import Unreadable, place_of, read_event, read_heartbeat

    topic, _, body = raw.partition(b"\n")
    try:
        for lane in read_heartbeat(body):
            json.dumps(lane, ensure_ascii=False, allow_nan=False).encode()
    except Unreadable:
        pass
    try:
        place = place_of(topic.decode("utf-8", "replace"), prefix="checkout-age", store="s")
        event = read_event(body, place=place, store="s")
    except Unreadable:
        return
    assert event.data["lane"] == place.lane
    event.to_json().encode()


def mjpeg(raw: bytes) -> None:
    """What an HTTP camera sends, in pieces of odd sizes."""
    from edge.camera.multipart import jpegs

    pieces = iter([raw[at : at + 7] for at in range(0, len(raw), 7)])
    try:
        for content in jpegs(lambda: next(pieces, b"")):
            assert content
    except ValueError:
        return


def camera_challenge(raw: bytes) -> None:
    """A camera asks who we are."""
    from edge.camera.challenge import authorization
    from edge.camera.credentials import Credentials

    who = Credentials(user="viewer", password="p@ss")
    told = authorization(raw.decode("latin-1").split("\n"), who, method="GET", uri="/x", nonce_of_client="00")
    assert told is None or "\r" not in told


TARGETS: dict[str, Target] = {
    one.__name__: one
    for one in (
        till_json, poslog, config, bundle, golden, onnx, webhook_reply, offers, hub_message, mjpeg, camera_challenge
    )
}  # fmt: skip


def seeds(name: str) -> list[bytes]:
    """Good input to begin with, as short as it can be."""
    event = {
        "id": "e-1", "lane": "lane-1", "at": "2026-01-05T10:00:03.200Z", "type": "item.added", "receipt": "r-1",
        "cashier": "c-7", "sku": "4600", "name": "Lager", "category": "alcohol", "quantity": 1.25,
        "unit_price": "1.29", "restricted": True, "min_age": 18, "birth_date": "2001-02-03",
    }  # fmt: skip
    table = {
        "schema_version": 1,
        "bands": [
            {"band": "0_17", "category": None, "items": [{"sku": "a"}]},
            {"band": "18_100", "items": []},
        ],
    }
    alert = {
        "specversion": "1.0", "id": "e-1", "source": "/s/b/l", "type": "checkout.alert.raised.v1", "subject": "r-1",
        "time": "2026-01-05T10:00:05.000Z", "datacontenttype": "application/json", "sequence": "7",
        "data": {"lane": "l", "alert": "a-1", "kind": "unchecked_sale", "severity": "high", "count": 1,
                 "from": "2026-01-05T09:59:40.000Z", "to": "2026-01-05T10:00:05.000Z"},
    }  # fmt: skip
    beat = {
        "at": "2026-01-05T10:00:00.000Z",
        "lanes": [
            {
                "lane": "l",
                "camera": {"name": "c", "state": "up", "reason": "ok", "fps": 14.9, "warnings": ["moved"]},
                "till": {"state": "up", "last": None},
                "checks": "till",
            }
        ],
    }
    samples: dict[str, list[bytes]] = {
        "till_json": [json.dumps(event).encode(), json.dumps([event, {"id": 1}]).encode()],
        "poslog": [(CHECKOUT / "tests" / "till" / "sale.xml").read_bytes()],
        "config": [_LEAST + section for section in _SECTIONS],
        "bundle": [_small_bundle()],
        "golden": [_small_vectors(), _an_array()],
        "onnx": [_small_model()],
        "webhook_reply": [
            b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 500 x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\n\r\n",
        ],
        "offers": [json.dumps(table).encode()],
        "hub_message": [
            b"checkout-age/s/b/l/alert\n" + json.dumps(alert).encode(),
            b"checkout-age/s/b/heartbeat\n" + json.dumps(beat).encode(),
        ],
        "mjpeg": [b"--b\r\ncontent-length: 4\r\n\r\nabcd\r\n--b\r\n\r\nxy\r\n--b--\r\n"],
        "camera_challenge": [
            b'Digest realm="x", nonce="abc", qop="auth", algorithm=SHA-256\nBasic realm="y"'
        ],
    }
    return samples[name]


_LEAST = (
    b"cameras: [{name: a, source: demo}]\n"
    b"lanes: [{name: l, camera: a, zones_px: {customer: [[0, 0], [9, 0], [9, 9]]}}]\n"
)
_SECTIONS = (
    b"",
    b"site: {store: s, box: b, time_zone: Europe/Berlin, language: ru}\nhttp: {host: 127.0.0.1, port: 8480}\n",
    b"sinks:\n  - {kind: file, name: f, purpose: security, path: e.jsonl, rotate_mb: 50}\n"
    b"  - {kind: mqtt, name: m, purpose: operations, host: h, tls: true, user: u,\n"
    b"     types: [checkout.camera.status.v1]}\n",
    b"till:\n  lines: [{path: till.jsonl}]\n  clocks: [{lane: l, offset_s: -2.5}]\n  silent_minutes: 4\n",
    b"policy: {challenge_age: 21, miss_rate: 0.1, party: anyone, other_ages: [{legal_age: 16, challenge_age: 18}]}\n",
    b"state: {dir: state, security_days: 30, min_free_mb: 1}\nlog: {format: json, level: info}\n"
    b"shifts: {begin: ['06:00', '22:00']}\ninference: {provider: cpu, threads: 0}\n",
)
"""Configurations of few bytes, one or two sections each: a fuzzer reads a hundred of them in the time of a real one."""


def _small_bundle() -> bytes:
    """The shipped one with one of everything: a fuzzer gets nowhere with kilobytes of figures."""
    told = json.loads((CHECKOUT / "edge" / "models" / "age" / "bundle.json").read_text(encoding="utf-8"))
    told |= {"metrics": None, "thresholds": told["thresholds"][:1], "training": {}}
    told["intervals"]["margins"] = told["intervals"]["margins"][:1]
    return json.dumps(told, separators=(",", ":")).encode()


def _an_array() -> bytes:
    import numpy as np

    out = io.BytesIO()
    np.save(out, np.zeros((1, 2, 3), np.uint8))
    return out.getvalue()


def _small_vectors() -> bytes:
    """One crop of nothing: three arrays that pack to a few hundred bytes."""
    import numpy as np

    out = io.BytesIO()
    answers = np.zeros((1, 101), np.float32)
    np.savez_compressed(out, crops=np.zeros((1, 112, 112, 3), np.uint8), logits=answers, float_logits=answers)
    return out.getvalue()


def _small_model() -> bytes:
    """The smallest graph that has all that deriving looks for: a quantised weight, and an input quantised and back."""
    from onnx import TensorProto, helper

    weight = helper.make_tensor("w_q", TensorProto.INT8, [2, 2], bytes([1, 2, 3, 4]), raw=True)
    scale = helper.make_tensor("s", TensorProto.FLOAT, [], [0.5])
    zero = helper.make_tensor("z", TensorProto.INT8, [], bytes([0]), raw=True)
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["x_q"]),
        helper.make_node("DequantizeLinear", ["x_q", "s", "z"], ["x_d"]),
        helper.make_node("DequantizeLinear", ["w_q", "s", "z"], ["w"]),
        helper.make_node("MatMul", ["x_d", "w"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 2]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [weight, scale, zero])
    return bytes(helper.make_model(graph).SerializeToString())
