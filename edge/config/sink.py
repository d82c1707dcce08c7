"""Where events go. A sink's `kind` decides which settings it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from edge.config.certificate import certificate_problems, own_key
from edge.config.rule import NAME, Count, Existing, Matches, Parsed, Unique, Within
from edge.config.secret import one_password

__all__ = ["FileSink", "MqttSink", "Purpose", "Sink", "WebhookSink"]

Purpose = Literal["security", "marketing", "operations"]
_PURPOSE = "what the receiver needs the events for; no sink gets a type outside of its purpose"
_TYPES = (
    "narrows the purpose to these event types, such as checkout.alert.raised.v1; empty: all of the purpose"
)
EventType = Annotated[
    str, Matches(r"checkout(\.[a-z_]+)+\.v[0-9]+", "an event type such as checkout.age.estimated.v1")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSink:
    """JSON lines, rotated by size."""

    kind: Literal["file"]
    name: Annotated[str, "the sink's name", NAME, Unique()]
    purpose: Annotated[Purpose, _PURPOSE]
    path: Annotated[Path, "the file; relative: to state.dir"]
    types: Annotated[tuple[EventType, ...], _TYPES, Count(0, 32)] = ()
    rotate_mb: Annotated[float, "a new file begins after so many MB", Within(0.1, 10_000)] = 50.0
    keep_files: Annotated[int, "how many old files stay", Within(0, 1000)] = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSink:
    """MQTT 5, QoS 1, with a last will on `{prefix}/{store}/{box}/status`."""

    kind: Literal["mqtt"]
    name: Annotated[str, "the sink's name", NAME, Unique()]
    purpose: Annotated[Purpose, _PURPOSE]
    host: Annotated[
        str, "the broker's address", Matches(r"[A-Za-z0-9._:-]{1,253}", "an IP address or a host name")
    ]
    types: Annotated[tuple[EventType, ...], _TYPES, Count(0, 32)] = ()
    port: Annotated[
        int | None, "the broker's port; without it 8883 with TLS, 1883 without", Within(1, 65535)
    ] = None
    prefix: Annotated[
        str,
        "first part of every topic",
        Matches(r"[^/+#\s$][^+#\s]{0,100}", "a topic without '+', '#' and spaces"),
    ] = "checkout"
    tls: Annotated[bool, "encrypt the connection and check the broker's certificate"] = False
    ca_file: Annotated[Path | None, "certificates to trust instead of the system's", Existing("file")] = None
    cert_file: Annotated[Path | None, "our own certificate", Existing("file")] = None
    key_file: Annotated[Path | None, "the key of our own certificate", Existing("file")] = None
    key_credential: Annotated[
        str | None,
        "name of the systemd credential with that key; a new key is taken at a start of the service",
        NAME,
    ] = None
    user: Annotated[str | None, "the user that the broker asks for"] = None
    password_env: Annotated[str | None, "environment variable that holds the password"] = None
    password_file: Annotated[Path | None, "file whose first line is the password", Existing("file")] = None
    password_credential: Annotated[str | None, "name of the systemd credential with the password", NAME] = (
        None
    )
    keepalive_s: Annotated[int, "how often the connection is proved to live", Within(5, 600)] = 30

    @property
    def effective_port(self) -> int:
        """The port to connect to."""
        if self.port is not None:
            return self.port
        return 8883 if self.tls else 1883

    def key(self) -> Path | None:
        """The file with the key of our own certificate. Raises SecretError without its credential."""
        return own_key(self)

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Certificates that nobody would look at, halves of a key pair or two keys, a password without a user."""
        yield from one_password(self)
        yield from certificate_problems(self)


def _web_address(text: str) -> None:
    if not text.startswith(("https://", "http://")):
        raise ValueError("an address that begins with https:// (or http://)")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSink:
    """Each event as a signed POST (Standard Webhooks), or as a message through ntfy or Telegram."""

    kind: Literal["webhook"]
    name: Annotated[str, "the sink's name", NAME, Unique()]
    purpose: Annotated[Purpose, _PURPOSE]
    url: Annotated[
        str, "where to POST; {secret} in it stands for the secret (Telegram)", Parsed(_web_address)
    ]
    types: Annotated[tuple[EventType, ...], _TYPES, Count(0, 32)] = ()
    template: Annotated[
        Literal["cloudevent", "ntfy", "telegram"], "the event itself, or a message for people"
    ] = "cloudevent"
    topic: Annotated[str | None, "ntfy's topic, or Telegram's chat"] = None
    password_env: Annotated[str | None, "environment variable that holds the secret"] = None
    password_file: Annotated[Path | None, "file whose first line is the secret", Existing("file")] = None
    password_credential: Annotated[str | None, "name of the systemd credential with the secret", NAME] = None

    @property
    def user(self) -> str | None:
        """A webhook's secret belongs to nobody by name."""
        return "webhook"

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """A message for people needs to know where to."""
        yield from one_password(self)
        if self.template != "cloudevent" and self.topic is None:
            yield (
                ("topic", "template"),
                f"missing; {self.template} needs a topic (Telegram: the chat's number)",
            )


Sink = FileSink | MqttSink | WebhookSink
"""Any sink; told apart by `kind`."""
