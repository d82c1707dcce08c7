"""The world around the box in `bench soak`: wires to cameras, a webhook's receiver, a till; each with its faults."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import socket
import statistics
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

__all__ = ["Receiver", "Till", "Wire"]


class Wire:
    """A TCP connection that can be cut, fall silent, refuse newcomers or garble what it carries."""

    FAULTS: ClassVar = ("cut", "silent", "refused", "garbled")

    def __init__(self, to_port: int, *, seed: int) -> None:
        self._to_port = to_port
        self._chance = random.Random(seed)  # noqa: S311
        self._fault: str | None = None
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def fail(self, kind: str) -> None:
        """One of `FAULTS`, until `mend`."""
        self._fault = kind
        if kind in ("cut", "refused"):
            self._cut()

    def mend(self) -> None:
        """Carry on as if nothing had been; a silent wire is cut first, as a router that restarts does."""
        fault, self._fault = self._fault, None
        if fault == "silent":
            self._cut()

    def close(self) -> None:
        """No more connections."""
        self._fault = "refused"
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._cut()

    def _cut(self) -> None:
        with self._lock:
            ends = list(self._open)
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._server.accept()
                if self._fault == "refused":
                    here.close()
                    continue
                try:
                    there = socket.create_connection(("127.0.0.1", self._to_port), timeout=5)
                    there.settimeout(None)
                except OSError:
                    here.close()
                    continue
                for ends in ((here, there, False), (there, here, True)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, from_camera: bool) -> None:
        with self._lock:
            self._open.add(source)
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if self._fault == "silent":
                    continue
                if self._fault == "garbled" and from_camera and len(data) > 64:
                    at = self._chance.randrange(len(data) - 32)
                    data = data[:at] + self._chance.randbytes(32) + data[at + 32 :]
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open.discard(source)
        source.close()


class Receiver(ThreadingHTTPServer):
    """A webhook's receiver; `heard` counts what it took, by source and id."""

    FAULTS: ClassVar = ("500", "hang", "reset", "slow", "garbage")
    daemon_threads = True

    def __init__(self, chance: random.Random) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.chance = chance
        self.fault: str | None = None
        self.heard: Counter[tuple[str, str]] = Counter()
        self.lock = threading.Lock()
        self.mended = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/hook"

    def fail(self, kind: str) -> None:
        """One of `FAULTS`, until `mend`."""
        self.mended.clear()
        self.fault = kind

    def mend(self) -> None:
        """Take events again."""
        self.fault = None
        self.mended.set()

    def close(self) -> None:
        """Hear no more."""
        self.mended.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that gave up is no news."""


class _Hook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        body, fault = self.rfile.read(int(self.headers["content-length"])), self.server.fault
        if fault == "reset":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if fault == "hang":
            self.server.mended.wait(60)
            return
        if fault == "garbage":
            self.wfile.write(self.server.chance.randbytes(200))
            self.close_connection = True
            return
        if fault == "slow":
            time.sleep(self.server.chance.uniform(0.1, 1.0))
        if fault != "500":
            told = json.loads(body)
            with self.server.lock:
                self.server.heard[(told["source"], told["id"])] += 1
        self.send_response(500 if fault == "500" else 204)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Quiet."""


class Till(threading.Thread):
    """Sells about once a second and sends each event until it is acknowledged."""

    def __init__(self, url: str, token: str, lanes: Sequence[str], chance: random.Random) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._lanes = lanes
        self._chance = chance
        self._stopping = threading.Event()
        self._offered = self._acknowledged = self._refused = 0
        self._took_s: list[float] = []

    def run(self) -> None:
        """Until `stop`, between two sales."""
        number = 0
        while not self._stopping.is_set():
            number += 1
            lane = self._chance.choice(self._lanes)
            kinds = ["receipt.opened", "item.added", "receipt.closed"]
            if self._chance.random() < 0.3:
                kinds.insert(2, "id.verified")
            for place, kind in enumerate(kinds):
                told = {"id": f"{number}-{place}", "lane": lane, "type": kind, "receipt": f"soak-{number}"}
                self._tell({**told, "sku": "lager", "restricted": self._chance.random() < 0.5})
                self._stopping.wait(self._chance.uniform(0.1, 0.4))

    def stop(self) -> None:
        """Finish the sale under way; safe to repeat."""
        self._stopping.set()
        if self.is_alive():
            self.join(60)

    def figures(self) -> dict[str, Any]:
        """Events offered and acknowledged, and how long an answer took."""
        rising = sorted(self._took_s)
        return {
            "offered": self._offered,
            "acknowledged": self._acknowledged,
            "unanswered": self._offered - self._acknowledged,
            "refused_and_sent_again": self._refused,
            "ms_p50": statistics.median(rising) * 1e3 if rising else None,
            "ms_p95": rising[int(len(rising) * 0.95)] * 1e3 if rising else None,
            "ms_max": rising[-1] * 1e3 if rising else None,
        }

    def _tell(self, event: dict[str, Any]) -> None:
        self._offered += 1
        event["at"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        for _ in range(100):
            began_s = time.monotonic()
            if self._sent(event):
                self._took_s.append(time.monotonic() - began_s)
                self._acknowledged += 1
                return
            self._refused += 1
            time.sleep(0.2)

    def _sent(self, event: dict[str, Any]) -> bool:
        request = urllib.request.Request(self._url, json.dumps(event).encode(), self._headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - our own daemon
                told = json.loads(answer.read())
        except (OSError, ValueError, http.client.HTTPException):
            return False
        return bool(told["accepted"] + told["duplicate"] == 1)
