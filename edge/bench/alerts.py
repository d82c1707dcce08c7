"""`bench alerts`: a real box under till events: is each answered after its commit, do prompts and pages keep up?

The daemon runs in a process of its own, its lane at full rate: the drawn demo lane, or a clip at its own rate.

1. Tills send batches by HTTP, and now and then a restricted item is scanned for whoever stands at the first lane.
   A prompt's time runs from just before the item is sent until its event is committed and can be read. Lost is
   what was offered or acknowledged, whichever is more, and does not lie in the inbox at the end.
2. One Chromium and other clients of the stream watch while customers go on buying without being checked. An alert's
   time runs from the beginning of its commit until it is on the screen; a call for help from pressing the button.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from edge.bench.alerts_box import LANES, BoxPlan, serve
from edge.bench.alerts_page import Streams, browser_reason, watched

HELP = "till events by HTTP under load: none lost, prompts and the page in time"

_SALE_EVERY_S = 0.5
_HELP_EVERY_S = 3.0
_PAUSE_S = 0.05
_SETTLE_S = 4.0
"""Outcomes and alerts wait `lateness_s` (2) after the last sale."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Rate, batch and length; what the lane sees; who watches."""
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of each phase")
    parser.add_argument("--rate", type=int, default=1000, metavar="N", help="till events a second")
    parser.add_argument("--batch", type=int, default=50, metavar="N", help="events in a request at most")
    parser.add_argument("--clients", type=int, default=50, metavar="N", help="browser and stream clients")
    parser.add_argument("--clip", type=Path, metavar="FILE", help="what the camera sees; else the demo lane")
    parser.add_argument("--zones", type=Path, metavar="FILE", help="JSON with zones_px for the clip")
    parser.add_argument("--detector", choices=["mtcnn", "yunet", "auto"], default="auto")


def run(args: argparse.Namespace) -> int:
    """Measure; 1 where an event was lost, 2 where the box does not start."""
    from edge.bench.machine import machine, versions

    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="checkout-age-bench-") as folder:
        token = secrets.token_urlsafe(32)
        plan = BoxPlan(
            folder=Path(folder), till_token=token, clip=args.clip, zones=args.zones, detector=args.detector
        )
        try:
            found = _measure(plan, args)
        except (OSError, EOFError, http.client.HTTPException, RuntimeError) as error:
            print(f"bench alerts: the box did not come up or went away: {error!r}", file=sys.stderr)
            return 2
    told = {
        "machine": machine(),
        "versions": versions(),
        "settings": {
            "rate": args.rate,
            "batch": args.batch,
            "lanes": LANES,
            "lane": "demo" if args.clip is None else args.clip.name,
            "detector": args.detector,
        },
        "seconds": round(time.monotonic() - began_s, 1),
        **found,
    }
    if args.json:
        print(json.dumps(told))
    else:
        for name in found:
            print(f"{name}: {found[name]}")
    return 1 if found["till_events"]["lost"] else 0


def _measure(plan: BoxPlan, args: argparse.Namespace) -> dict[str, Any]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(plan, theirs), daemon=True)
    process.start()
    theirs.close()
    box = _Asked(ours)
    about = box.hello()
    url = about["url"]

    _say(f"{args.seconds:.0f} s of {args.rate} till events a second")
    before = box.ask("rate")
    sender = _Sender(url, plan.till_token, rate=args.rate, batch=args.batch, seconds=args.seconds)
    sales = _Sales(url, plan.till_token, box, name="flood")
    _together(sender.go_on, lambda: sales.go_on(args.seconds))
    after = box.ask("rate")

    reason = browser_reason()
    time.sleep(_SETTLE_S)  # alerts of the first phase come before anybody watches
    _say(f"{args.seconds:.0f} s of pages, {reason or 'with a browser'}")
    streams = Streams(url, about["keys"]["viewer"], max(0, args.clients - (reason is None)))
    watched_from = set(box.ask("alerts"))
    bought = _Sales(url, plan.till_token, box, name="page")
    calls = _Calls(url, about["keys"]["manager"])

    def shop() -> None:
        _together(lambda: bought.go_on(args.seconds), lambda: calls.go_on(args.seconds))
        time.sleep(_SETTLE_S)

    shown: dict[str, int] = {}
    if reason is None:
        shown = watched(url, about["link"], shop)
    else:
        shop()
    watching = streams.alive + (reason is None)
    committed_ms = {name: at for name, at in box.ask("alerts").items() if name not in watched_from}
    kept: int = box.ask("kept")
    box.stop()
    process.join(30)
    told = sender.acknowledged + sales.acknowledged + bought.acknowledged
    offered = sender.offered + sales.offered + bought.offered
    return {
        "prompt_ms": {**spread(sales.waits_ms, missed=sales.missed), "missed": sales.missed},
        "till_events": {
            "offered_per_s": round(sender.offered / sender.took_s, 1),
            "offered": offered,
            "acknowledged": told,
            "lost": max(offered, told) - kept,
            "answer_ms": spread(sender.answers_ms),
        },
        "page_ms": page_figures(shown, streams.arrived_ms, committed_ms, clients=watching, reason=reason),
        "assistance_ms": _assistance(calls, shown, streams),
        "lane": {
            "taken_fps": round((after[0] - before[0]) / (after[2] - before[2]), 1),
            "judged_hz": round((after[1] - before[1]) / (after[2] - before[2]), 1),
        },
    }


def page_figures(
    shown_ms: Mapping[str, int],
    arrived_ms: Mapping[str, Sequence[float]],
    committed_ms: Mapping[str, int],
    *,
    clients: int,
    reason: str | None,
) -> dict[str, Any]:
    """Milliseconds from commit to screen and to each stream, by alert; all times in ms since 1970.

    `committed_ms` are the alerts that somebody watched for; one that never came counts as slower than all others.
    `clients` were there to the end. `reason`: why there was no browser; then `p95` is None.
    """
    waits = [at_ms - committed_ms[name] for name, at_ms in shown_ms.items() if name in committed_ms]
    arrivals = [
        at_ms - committed_ms[name]
        for name, times in arrived_ms.items()
        if name in committed_ms
        for at_ms in times
    ]
    told: dict[str, Any] = {"p95": None, "clients": clients, "reason": reason}
    if reason is None:
        missed = len(set(committed_ms) - set(shown_ms))
        told = {**spread(waits, missed=missed), "missed": missed, "clients": clients}
    return {**told, "stream": spread(arrivals)}


def _assistance(calls: _Calls, shown: dict[str, int], streams: Streams) -> dict[str, Any]:
    """From pressing the button to the screen; without a browser to the last of the stream's clients."""
    seen = {name: float(at_ms) for name, at_ms in shown.items()} or {
        name: max(times) for name, times in streams.arrived_ms.items()
    }
    # Calls and their alerts are paired in order of time: an alert's name ends in its moment.
    names = sorted((name for name in seen if name.startswith("a-help-")), key=lambda name: name[-13:])
    paired = zip(calls.pressed_ms, names, strict=False) if len(names) == len(calls.pressed_ms) else ()
    return {**spread([seen[name] - at_ms for at_ms, name in paired]), "calls": len(calls.pressed_ms)}


class _Asked:
    """The box's pipe, for several threads."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def hello(self) -> dict[str, Any]:
        """What the box says when it is up. Raises EOFError where it ends before."""
        return dict(self._pipe.recv())

    def ask(self, *question: Any) -> Any:
        with self._lock:
            self._pipe.send(question)
            return self._pipe.recv()

    def stop(self) -> None:
        self.ask("stop")


def _together(*works: Callable[[], None]) -> None:
    """Do all of them at once; the first failure is raised when all have ended."""
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result()


class _Sender:
    """Receipts of ten events on the other lanes, as fast as asked for, each batch answered before it counts."""

    def __init__(self, url: str, token: str, *, rate: int, batch: int, seconds: float) -> None:
        self._url, self._token = url, token
        self._rate, self._batch, self._seconds = rate, batch, seconds
        self.offered = 0
        self.acknowledged = 0
        self.took_s = 1.0
        self.answers_ms: list[float] = []
        self._lock = threading.Lock()

    def go_on(self) -> None:
        began_s = time.monotonic()
        total = round(self._rate * self._seconds)
        _together(*[lambda: self._work(began_s, total)] * 4)
        self.took_s = time.monotonic() - began_s

    def _work(self, began_s: float, total: int) -> None:
        connection = _connected(self._url)
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
            answer = _post(connection, self._token, events)
            with self._lock:
                self.answers_ms.append((time.monotonic() - sent_s) * 1e3)
                self.acknowledged += answer["accepted"]


class _Sales:
    """A restricted item for whoever stands at the first lane, again and again; nobody checks, so each is an alert."""

    def __init__(self, url: str, token: str, box: _Asked, *, name: str) -> None:
        self._url, self._token, self._box, self._name = url, token, box, name
        self.offered = 0
        self.acknowledged = 0
        self.missed = 0
        self.waits_ms: list[float] = []

    def go_on(self, seconds: float) -> None:
        end_s, number = time.monotonic() + seconds, 0
        while time.monotonic() < end_s:
            if self._box.ask("customer") is None:
                time.sleep(_PAUSE_S)
                continue
            number += 1
            receipt = f"{self._name}-{number}"
            item = {"restricted": True, "min_age": 18, "sku": "lager"}
            sent_s = time.monotonic()
            self.offered += 2
            scanned = [_told(f"{receipt}-1", "lane-1", "item.added", receipt, **item)]
            self.acknowledged += _post(_connected(self._url), self._token, scanned)["accepted"]
            if self._box.ask("prompted", receipt):
                self.waits_ms.append((time.monotonic() - sent_s) * 1e3)
            else:
                self.missed += 1
            closed = [_told(f"{receipt}-2", "lane-1", "receipt.closed", receipt)]
            self.acknowledged += _post(_connected(self._url), self._token, closed)["accepted"]
            time.sleep(_SALE_EVERY_S)


class _Calls:
    """The cashier's button, pressed every few seconds."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self.pressed_ms: list[float] = []

    def go_on(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            connection = _connected(self._url)
            pressed_ms = time.time_ns() / 1e6
            connection.request(
                "POST", "/api/lane/lane-1/assist", "{}", {"Authorization": f"Bearer {self._key}"}
            )
            answer = connection.getresponse()
            told = answer.read()
            connection.close()
            if answer.status != 200:
                raise RuntimeError(f"POST assist: {answer.status} {told[:200]!r}")
            self.pressed_ms.append(pressed_ms)
            time.sleep(_HELP_EVERY_S)


def _event(number: int) -> dict[str, Any]:
    receipt, place = divmod(number, 10)
    lane = f"lane-{2 + receipt % (LANES - 1)}"
    kind = {0: "receipt.opened", 9: "receipt.closed"}.get(place, "item.added")
    goods = {"sku": f"46{place}", "name": "Bread", "quantity": 1, "unit_price": "1.29"}
    return _told(f"e-{number}", lane, kind, f"r-{receipt}", **(goods if kind == "item.added" else {}))


def _told(event_id: str, lane: str, kind: str, receipt: str, **more: Any) -> dict[str, Any]:
    now_ms = time.time_ns() // 10**6
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_ms // 1000)) + f".{now_ms % 1000:03d}Z"
    return {"id": event_id, "lane": lane, "at": at, "type": kind, "receipt": receipt, **more}


def _connected(url: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)


def _post(connection: http.client.HTTPConnection, token: str, events: Sequence[Any]) -> dict[str, Any]:
    while True:
        connection.request("POST", "/api/till", json.dumps(events), {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        if answer.status == 200:
            return dict(body)
        if answer.status != 429:
            raise RuntimeError(f"POST /api/till: {answer.status} {body}")
        print("bench: told to wait (429)", file=sys.stderr)
        time.sleep(float(answer.headers.get("Retry-After", "1")))


def spread(values: Sequence[float], *, missed: int = 0) -> dict[str, Any]:
    """Median, 95th percentile and how many values; None where nothing was measured.

    `missed` are those that never came: they are slower than any value, so a percentile that falls among them is None.
    """
    rising: list[float | None] = [*sorted(values), *[None] * missed]
    return {"p50": _quantile(rising, 0.5), "p95": _quantile(rising, 0.95), "n": len(values)}


def _quantile(rising: Sequence[float | None], share: float) -> float | None:
    found = rising[min(len(rising) - 1, int(share * len(rising)))] if rising else None
    return None if found is None else round(found, 1)


def _say(text: str) -> None:
    print(f"bench alerts: {text}", file=sys.stderr)
