"""A storm of kills over the real daemon: camera and till go on whatever happens to it; the checker judges the sinks."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.scenarios.box import free_port, until
from tests.soak.doomed import PLACES

__all__ = ["Storm"]

CHECKOUT = Path(__file__).resolve().parents[2]
TOKEN = "a-till-token-of-32-characters-ok"
LANES = ("lane-1", "lane-2")


class Receiver(ThreadingHTTPServer):
    """Keeps what it was sent before it says so; at times it says that it could not."""

    daemon_threads = True

    def __init__(self, file: Path, chance: random.Random | None = None, *, calm: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.file = file
        self.chance = chance or random.Random()
        self.calm = calm
        self.lock = threading.Lock()
        file.touch()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever sends here is killed in the middle of a word: no news."""


class _Hook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Receiver

    def do_POST(self) -> None:
        promised = int(self.headers["content-length"])
        body = self.rfile.read(promised)
        if len(body) < promised:  # whoever sent it was killed within it: half a request is none
            self.close_connection = True
            return
        with self.server.lock:
            luck = 1.0 if self.server.calm else self.server.chance.random()
            if luck > 0.05:  # one that answers 500 may have kept it all the same
                with self.server.file.open("ab") as out:
                    out.write(body + b"\n")
        self.send_response(204 if luck > 0.08 else 500)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Quiet."""


class Till(threading.Thread):
    """Sells for ever. Sends an event until the box says that it has it, as a till must; notes what it sent."""

    def __init__(self, file: Path, url: str, lane: str, chance: random.Random, *, pause_s: float) -> None:
        super().__init__(daemon=True)
        self._file = file.open("a", buffering=1)
        self._url = url
        self._lane = lane
        self._chance = chance
        self._pause_s = pause_s
        self.stopping = threading.Event()
        self.given_up = threading.Event()
        self.refusals: Counter[int] = Counter()

    def run(self) -> None:
        number = 0
        while not self.stopping.is_set():
            number += 1
            for event in self._sale(f"{self._lane}-{number}"):
                self._tell(event)
                self.stopping.wait(self._chance.uniform(0, self._pause_s))

    def _sale(self, receipt: str) -> list[dict[str, Any]]:
        chance, events = self._chance, []

        def add(kind: str, **more: Any) -> None:
            name = f"{receipt}-{len(events)}"
            events.append({"id": name, "lane": self._lane, "type": kind, "receipt": receipt, **more})

        add("receipt.opened")
        for item in range(chance.randrange(1, 4)):
            add("item.added", sku=f"{receipt}-goods-{item}", restricted=chance.random() < 0.5)
        if chance.random() < 0.3:
            add("id.verified")
        if chance.random() < 0.05:
            add("sale.refused")
        add("receipt.cancelled" if chance.random() < 0.05 else "receipt.closed")
        return events

    def _tell(self, event: dict[str, Any]) -> None:
        """Till's patience: the same event again until it is acknowledged, at the end of the shop too."""
        event["at"] = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._note(event, acknowledged=False)
        while not self._sent(event):
            if self.given_up.wait(0.05):
                return
        self._note(event, acknowledged=True)

    def _sent(self, event: dict[str, Any]) -> bool:
        request = urllib.request.Request(  # noqa: S310 - our own http address
            self._url, json.dumps(event).encode(), {"Authorization": f"Bearer {TOKEN}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                told = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            self.refusals[error.code] += 1
            return False
        except (OSError, ValueError, http.client.HTTPException):  # killed within its answer, too
            return False
        assert told["accepted"] + told["duplicate"] == 1, told
        return True

    def _note(self, event: dict[str, Any], *, acknowledged: bool) -> None:
        self._file.write(json.dumps({**event, "acknowledged": acknowledged}) + "\n")


def _outside(place: str) -> str:
    return "outside" if place == "outside" else f"outside, waiting for {place}"


class Storm:
    """`rage(kills)`, then `settle()`, then ask `verdict()`."""

    def __init__(self, folder: Path, *, film: Path, models: Path, seed: int, pause_s: float = 0.06) -> None:
        self.folder = folder
        self._chance = random.Random(seed)
        self._environment = {**os.environ, "CHECKOUT_AGE_MODELS": str(models)}
        self._port = free_port()
        self._hook = Receiver(folder / "hook.jsonl", random.Random(seed + 1))
        (folder / "token").write_text(TOKEN + "\n")
        self._config = folder / "lane.yaml"
        self._config.write_text(yaml.safe_dump(self._settings(film)))
        self.kills: Counter[str] = Counter()
        self._process: subprocess.Popen[bytes] | None = None
        self._start_took_s = 2.0
        url = f"http://127.0.0.1:{self._port}/api/till"
        self._tills = [
            Till(folder / "till.jsonl", url, lane, random.Random(f"{seed} {lane}"), pause_s=pause_s)
            for lane in LANES
        ]

    def _settings(self, film: Path) -> dict[str, Any]:
        hook = f"http://127.0.0.1:{self._hook.server_port}/hook"
        zones = {"lane-1": [[0, 0], [640, 0], [640, 720], [0, 720]]}
        lanes = [
            {"name": lane, "camera": "cam-1", "reports_id_checks": "till"}
            | ({"zones_px": {"customer": zones[lane]}} if lane in zones else {})
            for lane in LANES
        ]
        return {
            "cameras": [{"name": "cam-1", "source": str(film), "loop": True}],
            "lanes": lanes,
            "till": {"http": {"token_file": "token", "max_events_per_s": 500}},
            "policy": {"lateness_s": 0.3},
            "sinks": [
                {
                    "name": "lines",
                    "kind": "file",
                    "purpose": "security",
                    "path": str(self.folder / "events.jsonl"),
                },
                {"name": "hook", "kind": "webhook", "purpose": "security", "url": hook},
            ],
            "http": {"port": self._port},
            "state": {"dir": str(self.folder / "state"), "min_free_mb": 1},
            "log": {"format": "json", "level": "warning"},
        }

    def rage(self, kills: int, *, longest_life_s: float = 20.0) -> None:
        """Kill so many times: at a place within, or from outside at a random moment, the start included.

        A life is measured from when the box answers, so that a busy machine kills as much within as a quiet one.
        """
        for till in self._tills:
            till.start()
        while sum(self.kills.values()) < kills:
            inside = self._chance.random() < 0.6
            place = self._chance.choice(PLACES) if inside else "outside"
            self._live(place, longest_life_s if inside else 4.0 * self._chance.random())

    def _live(self, place: str, life_s: float) -> None:
        # Cursors are kept once in five seconds: their trap must not wait for many of them.
        number = 1 if place == "cursor" else self._chance.randrange(1, 15)
        command = (
            ["edge", "run", "--config", str(self._config)]
            if place == "outside"
            else ["tests.soak.doomed", str(self._config), place, str(number)]
        )
        process = self._start(*command)
        early = place == "outside" and self._chance.random() < 0.3
        if early:
            life_s = self._start_took_s * self._chance.random()
        elif not self._up(process):
            place, life_s = f"{place}, while it started", 0.0
        try:
            code = process.wait(life_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.kills["outside, while it started" if early else _outside(place)] += 1
            return
        assert code == -signal.SIGKILL, f"it ended by itself with {code}: {self.log()[-2000:]}"
        self.kills[place] += 1

    def _up(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait until it answers; False where it died before, or does not come up in ten minutes."""
        began_s = time.monotonic()
        while process.poll() is None and time.monotonic() - began_s < 600:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/version", timeout=5):
                    self._start_took_s = time.monotonic() - began_s
                    return True
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
        return False

    def settle(self) -> None:
        """Let the tills finish their sale and the sinks have everything, then stop the box in order."""
        self._hook.calm = True
        process = self._start("edge", "run", "--config", str(self._config))
        for till in self._tills:
            till.stopping.set()
        for till in self._tills:
            till.join(600)
            assert not till.is_alive(), "a till never got its answer"
        # Where something is missing for good, the checker says what.
        with contextlib.suppress(AssertionError):
            until(self._idle, within_s=180, what="every receipt has ended and every sink has everything")
        process.terminate()
        assert process.wait(60) == 0

    def verdict(self) -> dict[str, Any]:
        """What the checker says, and `register verify`."""
        command = [sys.executable, "-m", "tests.soak.storm_checker", str(self.folder)]
        checked = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        assert checked.stdout, checked.stderr
        command = [sys.executable, "-m", "edge", "register", "verify", "--from", str(self.folder / "state")]
        register = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
        return {
            **json.loads(checked.stdout),
            "register": register.stdout.splitlines()[0] if register.returncode == 0 else register.stdout,
            "register_holds": register.returncode == 0,
            "kills": dict(sorted(self.kills.items())),
        }

    def log(self) -> str:
        """What the daemons said."""
        return (self.folder / "log.txt").read_text()

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *words], cwd=CHECKOUT, stdout=log, stderr=log, env=self._environment
            )
        return self._process

    def close(self) -> None:
        """Leave nothing running, whatever went wrong; safe to repeat."""
        for till in self._tills:
            till.stopping.set()
            till.given_up.set()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._hook.shutdown()
        self._hook.server_close()

    def _idle(self) -> bool:
        """Nothing waits in the inbox, and no sink is behind: asked of the box itself."""
        sent = {
            one["receipt"] for one in map(json.loads, (self.folder / "till.jsonl").read_text().splitlines())
        }
        told = (self.folder / "events.jsonl").read_text()
        if told.count('"type":"checkout.sale.outcome.v1"') < len(sent):
            return False
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/api/stats", timeout=5) as answer:
                stats = json.loads(answer.read())
        except (OSError, http.client.HTTPException):
            return False
        time.sleep(0.2)
        return not any(sink["pending"] for sink in stats["sinks"])
