"""The webhook sink: each event as the body of one signed POST (Standard Webhooks), or as a message for people."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import ipaddress
import json
import logging
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from edge.events.errors import SinkDown
from edge.events.store import StoredEvent
from edge.events.types import ALERT_ESCALATED, SHIFT_DIGEST

__all__ = [
    "ForbiddenAddressError",
    "Parked",
    "WebhookSink",
    "is_forbidden",
    "message_text",
    "sign",
    "signing_key",
]

_log = logging.getLogger(__name__)
_TIMEOUT_S = 10.0
_DELIVER_S = 20.0
_COME_AGAIN = (408, 409, 425, 429)
_PARKED_MAX = 200
_METADATA = frozenset({"fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"})
"""Where AWS, Google, Alibaba, Azure and Oracle answer beside 169.254.169.254."""
_WITHIN_IPV6 = tuple(ipaddress.IPv6Network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/96", "::/96"))
"""Networks whose addresses end in an IPv4 address that is meant (RFC 6052, RFC 8215, RFC 4291)."""

Template = Literal["cloudevent", "ntfy", "telegram"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """An event that the receiver refused for good."""

    position: int
    type: str
    status: int


class WebhookSink:
    """Delivers in order. A receiver that is away is tried again by the courier for as long as it takes.

    One that refuses an event itself (a 4xx that will not pass) is asked `tries` times; then the event is parked: set
    aside in `parked`, logged, and the ones behind it go on. Redirects are not followed: a secret goes to one place.
    """

    def __init__(
        self,
        url: str,
        *,
        secret: str | None = None,
        template: Template = "cloudevent",
        topic: str | None = None,
        tries: int = 5,
        clock_s: Callable[[], float] = time.time,
        keep: Callable[[Parked], None] = lambda _parked: None,
    ) -> None:
        """`secret`: `whsec_…` (base64) signs every request. `topic`: ntfy's topic or Telegram's chat.

        `keep` notes on disk what is parked, before the ones behind it go on; what it raises leaves the event waiting.

        Raises ValueError for a URL or a secret that is none.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a webhook's url begins with https:// (or http://) and names a host")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._key = None if secret is None else signing_key(secret)
        self._template = template
        self._topic = topic
        self._tries = tries
        self._clock_s = clock_s
        self._keep = keep
        self._refused: tuple[int, int] = (-1, 0)
        self._connection: http.client.HTTPConnection | None = None
        self.parked: deque[Parked] = deque(maxlen=_PARKED_MAX)

    def deliver(self, batch: Sequence[StoredEvent]) -> int:
        """See `Sink.deliver`."""
        until_s = time.monotonic() + _DELIVER_S
        for number, event in enumerate(batch):
            if time.monotonic() > until_s:
                return number
            try:
                self._post(event)
            except SinkDown:
                if not number:
                    raise
                return number
        return len(batch)

    def close(self) -> None:
        """See `Sink.close`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            if connection.sock is not None:
                try:
                    connection.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    _log.debug("the webhook's connection was gone already")
            connection.close()

    def _post(self, event: StoredEvent) -> None:
        """Returns where the receiver has it for good, or it was parked. Raises SinkDown where it must come again."""
        told = json.loads(event.body)
        status = self._send(self._body(event.body, told), str(told["id"]))
        if 200 <= status < 300:
            return
        if not 400 <= status < 500 or status in _COME_AGAIN:
            raise SinkDown(f"{self._host} answered {status}")
        count = self._refused[1] + 1 if self._refused[0] == event.position else 1
        self._refused = (event.position, count)
        if count < self._tries:
            raise SinkDown(f"{self._host} refuses an event with {status} ({count} of {self._tries} tries)")
        parked = Parked(position=event.position, type=event.type, status=status)
        self._keep(parked)
        self._refused = (-1, 0)
        self.parked.append(parked)
        _log.error(
            "an event is parked: the receiver refuses it", extra={"type": event.type, "status": status}
        )

    def _body(self, body: str, told: Mapping[str, Any]) -> bytes:
        if self._template == "cloudevent":
            return body.encode()
        title, text, urgent = message_text(told)
        if self._template == "ntfy":
            message = {"topic": self._topic, "title": title, "message": text, "priority": 5 if urgent else 3}
        else:
            message = {"chat_id": self._topic, "text": f"{title}\n{text}", "disable_notification": not urgent}
        return json.dumps(message, ensure_ascii=False).encode()

    def _send(self, body: bytes, event_id: str) -> int:
        kind = "application/cloudevents+json" if self._template == "cloudevent" else "application/json"
        headers = {"content-type": kind, "user-agent": "checkout-age"}
        if self._key is not None:
            headers |= sign(self._key, event_id, int(self._clock_s()), body)
        try:
            if self._connection is None:
                self._connection = self._connect()
            self._connection.request("POST", self._path, body, headers)
            answer = self._connection.getresponse()
            answer.read(65_536)
            if not answer.isclosed():
                self.close()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            # The error's own text may hold the URL, and with it a token.
            raise SinkDown(f"{self._host} cannot be reached ({type(error).__name__})") from None
        return answer.status

    def _connect(self) -> http.client.HTTPConnection:
        line: http.client.HTTPConnection
        if self._secure:
            context = ssl.create_default_context()
            line = http.client.HTTPSConnection(self._host, self._port, timeout=_TIMEOUT_S, context=context)
        else:
            line = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        line._create_connection = _reach  # type: ignore[attr-defined]  # asked for each address that a name has
        return line


class ForbiddenAddressError(OSError):
    """The name leads where no receiver of events is: to the addresses by which clouds tell machines their secrets."""


def _reach(address: tuple[str, int], timeout: float, _source: Any = None) -> socket.socket:
    """Connect, looking at each address and not at the name, which may lead elsewhere tomorrow (DNS rebinding)."""
    host, port = address
    error: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        if is_forbidden(str(where[0])):
            error = ForbiddenAddressError(f"{host} leads to {where[0]}")
            continue
        line = socket.socket(family, kind, protocol)
        try:
            line.settimeout(timeout)
            line.connect(where)
        except OSError as refused:
            line.close()
            error = refused
        else:
            return line
    raise error


def is_forbidden(address: str) -> bool:
    """Link-local addresses (169.254.169.254 and its kin), clouds' own ones, multicast, broadcast, and none at all.

    A shop's own network and this computer stay reachable: receivers stand there.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return True
    if isinstance(found, ipaddress.IPv6Address) and not found.is_loopback:
        found = found.ipv4_mapped or found.sixtofour or _ipv4_at_the_end(found) or found
    return (
        found.is_link_local
        or found.is_multicast
        or found.is_unspecified
        or str(found) in _METADATA
        or str(found) == "255.255.255.255"
    )


def _ipv4_at_the_end(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    inside = any(address in net for net in _WITHIN_IPV6)
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if inside else None


def signing_key(secret: str) -> bytes:
    """The key in `whsec_` + base64. Raises ValueError for anything else, or fewer than 24 bytes."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError(
            'a webhook secret is "whsec_" and 24 to 64 bytes in base64: printf whsec_; openssl rand -base64 32'
        )
    return key


def sign(key: bytes, message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks, version 1."""
    signed = f"{message_id}.{at_s}.".encode() + body
    digest = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(at_s), "webhook-signature": f"v1,{digest}"}


def message_text(told: Mapping[str, Any]) -> tuple[str, str, bool]:
    """Title, text and urgency for a phone: lane, receipt, what happened; no age, no probability, no cashier."""
    data = told["data"]
    word = str(data.get("kind") or told["type"].split(".")[1])
    title = f"{data.get('lane', '')}: {word.replace('_', ' ')}".strip()
    if told["type"] == ALERT_ESCALATED.name:
        title = f"NOBODY LOOKED FOR {data['minutes']:g} MIN {title}"
    elif told["type"] == SHIFT_DIGEST.name:
        title = "Shift digest: customers who were not seen"
    parts = [f"receipt {data['receipt']}"] if data.get("receipt") else []
    parts += [f"{name} {data[name]}" for name in ("state", "outcome", "count") if data.get(name)]
    parts += [str(told["time"])]
    if data.get("vms_url"):
        parts.append(str(data["vms_url"]))
    if data.get("test"):
        title = f"TEST {title}"
    urgent = data.get("severity") == "high" or told["type"] == ALERT_ESCALATED.name
    return title, "\n".join(parts), urgent
