"""`bench alerts`: a real box under a flood of till events: is each answered after its commit, and do prompts keep up?

A daemon's till side (desk, doors, store, web server) runs in a process of its own, as in the daemon; this process sends
till events by HTTP in batches, and now and then scans a restricted item for a young customer who stands at the till.
The time of a prompt runs from just before the item is sent until its event is committed and can be read.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

HELP = "till events by HTTP under load: none lost, prompts in time"

_TOKEN = "bench-token-of-32-characters-000"  # noqa: S105 - made for this measurement's own loopback port
_LANES = 4
_PROMPT_EVERY_S = 0.5
_CONFIG = """
cameras: [{name: cam-1, source: demo}]
lanes: [%s]
state: {dir: state, min_free_mb: 1}
till: {http: {token_file: token, max_events_per_s: 100000}, silent_minutes: 0}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Rate, batch and length."""
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rate", type=int, default=1000, metavar="N", help="till events a second")
    parser.add_argument("--batch", type=int, default=50, metavar="N", help="events in a request at most")


def run(args: argparse.Namespace) -> int:
    """Measure; 1 where an event was lost."""
    from edge.bench.machine import machine, versions

    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="checkout-age-bench-") as folder:
        found = _measure(Path(folder), seconds=args.seconds, rate=args.rate, batch=args.batch)
    told = {
        "machine": machine(),
        "versions": versions(),
        "settings": {"rate": args.rate, "batch": args.batch, "lanes": _LANES},
        "seconds": round(time.monotonic() - began_s, 1),
        **found,
    }
    if args.json:
        print(json.dumps(told))
    else:
        print(f"prompts: {found['prompt_ms']}\ntill events: {found['till_events']}")
    return 1 if found["till_events"]["lost"] else 0


def _measure(folder: Path, *, seconds: float, rate: int, batch: int) -> dict[str, Any]:
    ours, theirs = multiprocessing.Pipe()
    box = multiprocessing.get_context("spawn").Process(target=_box, args=(folder, theirs), daemon=True)
    box.start()
    port = ours.recv()
    sender = _Sender(port, rate=rate, batch=batch, seconds=seconds)
    prompts = _Prompts(port, ours, seconds=seconds)
    for thread in (sender, prompts):
        thread.start()
    for thread in (sender, prompts):
        thread.join()
    ours.send("stop")
    kept: int = ours.recv()
    box.join(30)
    sent = sender.acknowledged + prompts.acknowledged
    waits = sorted(prompts.waits_ms)
    return {
        "prompt_ms": {"p50": _quantile(waits, 0.5), "p95": _quantile(waits, 0.95), "n": len(waits)},
        "till_events": {
            "offered_per_s": round(sender.offered / sender.took_s, 1),
            "acknowledged": sent,
            "lost": sent - kept,
            "answer_ms": {
                "p50": _quantile(sorted(sender.answers_ms), 0.5),
                "p95": _quantile(sorted(sender.answers_ms), 0.95),
            },
        },
        "page_ms": {"p95": None, "clients": None},
    }


def _box(folder: Path, pipe: Connection) -> None:
    """The till side of a daemon in a process of its own; customers are told by the pipe."""
    from edge.age import AgeBundle
    from edge.app import SHIPPED_BUNDLE
    from edge.app.desk import Desk
    from edge.app.doors import Doors
    from edge.app.outbox import Outbox
    from edge.config import parse_config
    from edge.face import CONTRACT
    from edge.page import WebServer, listen

    (folder / "token").write_text(_TOKEN)
    lanes = ", ".join(
        f"{{name: lane-{n}, camera: cam-1, reports_id_checks: till}}" for n in range(1, _LANES + 1)
    )
    config = parse_config((_CONFIG % lanes).encode(), file="bench.yaml", folder=folder)
    outbox = Outbox(config)
    desk = Desk(config, AgeBundle.load(SHIPPED_BUNDLE, contract_digest=CONTRACT.digest), outbox)
    doors = Doors(config, desk, lambda: outbox.store)
    sock = listen("127.0.0.1", 0)
    web = WebServer(sock=sock, routes=doors.routes)
    store = outbox.store
    if store is None:
        raise RuntimeError("the store could not be opened")
    prompted = threading.Condition()
    seen: set[str] = set()
    position = 0

    def committed() -> None:
        with prompted:
            prompted.notify_all()

    store.on_commit(committed)
    for thing in (desk, outbox, web, doors):
        thing.start()
    pipe.send(sock.getsockname()[1])
    while True:
        told = pipe.recv()
        if told == "stop":
            break
        if told[0] == "customer":
            desk.judged(*_young_customer(told[1]))
            pipe.send("seen")
            continue
        receipt, end_s = told[1], time.monotonic() + 5.0
        while receipt not in seen and time.monotonic() < end_s:
            with prompted:
                prompted.wait(0.005)
            for event in store.read_after(position, ["checkout.check.requested.v1"], limit=1000):
                position = event.position
                seen.add(json.loads(event.body)["subject"])
        pipe.send(receipt in seen)
    kept = store.read(lambda connection: connection.execute("SELECT count(*) FROM till_inbox").fetchone()[0])
    for stoppable in (doors, web, desk):
        stoppable.stop()
    outbox.close()
    pipe.send(kept)


def _young_customer(track: str) -> tuple[list[Any], list[Any]]:
    from edge.flow import AgeEstimate, Role, Sighting, TrackReport, Zone

    now_ns = time.time_ns()
    times = range(now_ns - 3 * 10**9, now_ns, 200_000_000)
    seen = [
        Sighting(lane="lane-1", camera="cam-1", track=track, at_ns=at, zone=Zone.CUSTOMER, face_px=120)
        for at in times
    ]
    estimate = AgeEstimate(
        mean_years=16.0,
        median_years=16.0,
        low_years=12.0,
        high_years=21.0,
        p_under={18: 0.8, 21: 0.9, 25: 0.95, 30: 0.99},
        quality=0.8,
        crops=3,
    )
    report = TrackReport(
        lane="lane-1",
        camera="cam-1",
        track=track,
        from_ns=times[0],
        to_ns=times[0] + 10**9,
        zone=Zone.CUSTOMER,
        role=Role.CUSTOMER,
        estimate=estimate,
        seen_ns=times[0],
        seen_box_px=(0, 0, 100, 120),
        face_px=120,
        customer_zone_s=3.0,
        box_px=(0, 0, 100, 120),
        model="bench",
        ended=False,
    )
    return [report], seen


class _Sender(threading.Thread):
    """Receipts of ten events on the other lanes, as fast as asked for, each batch answered before it counts."""

    def __init__(self, port: int, *, rate: int, batch: int, seconds: float) -> None:
        super().__init__(name="sender")
        self._port, self._rate, self._batch, self._seconds = port, rate, batch, seconds
        self.offered = 0
        self.acknowledged = 0
        self.took_s = 1.0
        self.answers_ms: list[float] = []
        self._lock = threading.Lock()

    def run(self) -> None:
        began_s = time.monotonic()
        total = round(self._rate * self._seconds)
        workers = [threading.Thread(target=self._work, args=(began_s, total)) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.took_s = time.monotonic() - began_s

    def _work(self, began_s: float, total: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while True:
            with self._lock:
                first = self.offered
                self.offered += min(self._batch, total - first)
            if first >= total:
                return
            wait_s = began_s + first / self._rate - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            events = [_event(number) for number in range(first, min(first + self._batch, total))]
            sent_s = time.monotonic()
            answer = _post(connection, events)
            with self._lock:
                self.answers_ms.append((time.monotonic() - sent_s) * 1e3)
                self.acknowledged += answer["accepted"]


class _Prompts(threading.Thread):
    """A young customer and a restricted item, again and again, on the first lane."""

    def __init__(self, port: int, pipe: Connection, *, seconds: float) -> None:
        super().__init__(name="prompts")
        self._port, self._pipe, self._seconds = port, pipe, seconds
        self.acknowledged = 0
        self.waits_ms: list[float] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        end_s, number = time.monotonic() + self._seconds, 0
        while time.monotonic() < end_s:
            number += 1
            receipt = f"young-{number}"
            self._pipe.send(("customer", f"t-{number}"))
            self._pipe.recv()
            item = {"restricted": True, "min_age": 18, "sku": "lager"}
            sent_s = time.monotonic()
            answer = _post(connection, [_told(f"{receipt}-1", "lane-1", "item.added", receipt, **item)])
            self.acknowledged += answer["accepted"]
            self._pipe.send(("prompt", receipt))
            if self._pipe.recv():
                self.waits_ms.append((time.monotonic() - sent_s) * 1e3)
            closed = _told(f"{receipt}-2", "lane-1", "receipt.closed", receipt)
            self.acknowledged += _post(connection, [closed])["accepted"]
            time.sleep(_PROMPT_EVERY_S)


def _event(number: int) -> dict[str, Any]:
    receipt, place = divmod(number, 10)
    lane = f"lane-{2 + receipt % (_LANES - 1)}"
    kind = {0: "receipt.opened", 9: "receipt.closed"}.get(place, "item.added")
    goods = {"sku": f"46{place}", "name": "Bread", "quantity": 1, "unit_price": "1.29"}
    return _told(f"e-{number}", lane, kind, f"r-{receipt}", **(goods if kind == "item.added" else {}))


def _told(event_id: str, lane: str, kind: str, receipt: str, **more: Any) -> dict[str, Any]:
    now_ms = time.time_ns() // 10**6
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_ms // 1000)) + f".{now_ms % 1000:03d}Z"
    return {"id": event_id, "lane": lane, "at": at, "type": kind, "receipt": receipt, **more}


def _post(connection: http.client.HTTPConnection, events: Sequence[Any]) -> dict[str, Any]:
    while True:
        connection.request("POST", "/api/till", json.dumps(events), {"Authorization": f"Bearer {_TOKEN}"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        if answer.status == 200:
            return dict(body)
        if answer.status != 429:
            raise RuntimeError(f"POST /api/till: {answer.status} {body}")
        print("bench: told to wait (429)", file=sys.stderr)
        time.sleep(float(answer.headers.get("Retry-After", "1")))


def _quantile(rising: Sequence[float], share: float) -> float | None:
    return round(rising[min(len(rising) - 1, int(share * len(rising)))], 1) if rising else None
