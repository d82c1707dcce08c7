"""A real daemon with every role's user, tokens of all kinds, and canaries wherever a secret is kept."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edge.page import PeopleFile, Role
from tests.scenarios.box import Box, free_port, until

__all__ = ["ADDRESS_KEY", "CANARIES", "PASSWORD", "ROLES", "GuardedBox", "Guest", "guarded_box"]

PASSWORD = "canary-user-pass phrase/1"
ROLES = ("viewer", "security", "manager", "cashier")
CANARIES = {
    "camera password": 'canary-c4m/ra "pass\\ö',
    "broker password": "canary-br0ker 'pass\\\"",
    "webhook secret": "whsec_" + base64.b64encode(b"canary-webhook-secret-0123456789").decode(),
    "telegram token": "canary:t3legram-token",
    "hub password": "canary-hub pass/3",
    "till token": "canary-till-token-0123456789",
    "metrics token": "canary-metrics-token-0123456",
    "user password": PASSWORD,
}
ADDRESS_KEY = "canary-address-key-0123"
"""What a receiver takes for a key in its address, which stands in the configuration."""


class Guest:
    """Somebody who speaks HTTP with a cookie, a token or nothing."""

    def __init__(self, port: int, *, token: str | None = None) -> None:
        self._port = port
        self.cookie = ""
        self.csrf = ""
        self.token = token

    def headers(self) -> dict[str, str]:
        """What goes with each request."""
        told = {"Cookie": self.cookie} if self.cookie else {}
        told |= {"X-CSRF-Token": self.csrf} if self.csrf else {}
        return told | ({"Authorization": f"Bearer {self.token}"} if self.token else {})

    def ask(
        self, method: str, path: str, body: bytes | None = None, **more: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body; a stream's first bytes alone."""
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            line.request(
                method, path, body, self.headers() | {k.replace("_", "-"): v for k, v in more.items()}
            )
            answer = line.getresponse()
            streams = "event-stream" in answer.headers.get("content-type", "")
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, told, b"" if streams else answer.read()
        finally:
            line.close()

    def sign_in(self, name: str, password: str = PASSWORD, **more: str) -> tuple[int, dict[str, str]]:
        """Fill in the form; keeps what the box gives."""
        form = urllib.parse.urlencode({"name": name, "password": password}).encode()
        status, told, _ = self.ask("POST", "/signin", form, **more)
        if "set-cookie" in told:
            self.cookie = told["set-cookie"].split(";")[0]
            self.csrf = json.loads(self.ask("GET", "/api/me")[2])["csrf"]
        return status, told


class GuardedBox:
    """The box and who may come in; `guests` by role, `nobody` among them."""

    def __init__(self, box: Box, display_token: str) -> None:
        self.box = box
        self.port = box.port
        self.guests: dict[str, Guest] = {"nobody": Guest(box.port)}
        for role in ROLES:
            guest = Guest(box.port)
            guest.sign_in(role)
            assert guest.cookie, f"{role} could not sign in"
            self.guests[role] = guest
        self.guests["display"] = Guest(box.port, token=display_token)
        self.guests["till"] = Guest(box.port, token=CANARIES["till token"])
        self.guests["metrics"] = Guest(box.port, token=CANARIES["metrics token"])
        self.display_token = display_token

    def log(self) -> str:
        """All that it has said so far."""
        return self.box.log.read_text()


@contextlib.contextmanager
def guarded_box(folder: Path) -> Iterator[GuardedBox]:
    """Up and signed in."""
    for name, secret in CANARIES.items():
        (folder / name.replace(" ", "-")).write_text(secret + "\n")
        (folder / name.replace(" ", "-")).chmod(0o600)
    people = PeopleFile(folder / "users.json")
    shown = ""

    def everybody(known: Any) -> Any:
        nonlocal shown
        for role in ROLES:
            known = known.with_user(role, Role(role), PASSWORD, ("lane-1",) if role == "cashier" else ())
        known, shown = known.with_token("wall", Role.DISPLAY)
        return known

    people.change(everybody)
    away = free_port()
    config = {
        "cameras": [
            {
                "name": "cam-1", "source": f"rtsp://127.0.0.1:{away}/lane", "user": "viewer",
                "password_file": str(folder / "camera-password"), "reconnect_min_s": 0.5, "reconnect_max_s": 2,
            }
        ],
        "lanes": [
            {"name": "lane-1", "camera": "cam-1", "reports_id_checks": "page"},
            {"name": "lane-2", "camera": "cam-1", "reports_id_checks": "till"},
        ],
        "till": {"http": {"token_file": str(folder / "till-token"), "max_body_kb": 64}},
        "policy": {"lateness_s": 0.2},
        "inference": {"detector": "mtcnn", "threads": 1},
        "sinks": [
            {"name": "lines", "kind": "file", "purpose": "security", "path": "events.jsonl"},
            {
                "name": "broker", "kind": "mqtt", "purpose": "security", "host": "127.0.0.1", "port": away,
                "user": "box", "password_file": str(folder / "broker-password"),
            },
            {
                "name": "hook", "kind": "webhook", "purpose": "security", "url": f"http://127.0.0.1:{away}/hook?key={ADDRESS_KEY}",
                "password_file": str(folder / "webhook-secret"),
            },
            {
                "name": "phone", "kind": "webhook", "purpose": "security", "template": "telegram", "topic": "7",
                "url": f"http://127.0.0.1:{away}/bot{{secret}}/sendMessage",
                "password_file": str(folder / "telegram-token"),
            },
        ],
        "http": {
            "users_file": str(folder / "users.json"), "metrics_token_file": str(folder / "metrics-token"),
        },
        "hub": {"host": "127.0.0.1", "port": away, "user": "hub", "password_file": str(folder / "hub-password")},
        "log": {"format": "json", "level": "debug"},
    }  # fmt: skip
    with Box(folder, config, models=folder) as box:
        until(lambda: box.ask("/api/version")[0] == 200, within_s=180, what="the box is up")
        yield GuardedBox(box, shown)
