"""The store's hub: one box whose page shows the alerts and lanes of all boxes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from edge.config.certificate import certificate_problems, own_key
from edge.config.rule import NAME, Count, Existing, Matches, Within
from edge.config.secret import one_password

__all__ = ["BETWEEN_BOXES", "Hub"]

BETWEEN_BOXES = frozenset({"checkout.alert.raised.v1", "checkout.alert.acknowledged.v1"})
"""What hub and members need of each other: a sink that names its types must name these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """The broker over which boxes of one store know of each other; each needs an MQTT sink for security there."""

    host: Annotated[
        str, "the broker's address", Matches(r"[A-Za-z0-9._:-]{1,253}", "an IP address or a host name")
    ]
    role: Annotated[
        Literal["hub", "member"],
        "hub: shows all boxes; member: takes the acknowledgements that were made on the hub",
    ] = "hub"
    boxes: Annotated[
        tuple[Annotated[str, "a box's name", NAME], ...],
        "hub: the boxes that must be there (empty: every one that was ever heard of); member: the hubs whose "
        "acknowledgements count (empty: any box's of this store)",
        Count(0, 200),
    ] = ()
    silent_s: Annotated[
        float, "a box of which nothing was heard for so long turns red, seconds", Within(25, 55)
    ] = 40.0
    port: Annotated[
        int | None, "the broker's port; without it 8883 with TLS, 1883 without", Within(1, 65535)
    ] = None
    prefix: Annotated[
        str,
        "first part of every topic, as the boxes' MQTT sinks have it",
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

    @property
    def effective_port(self) -> int:
        """The port to connect to."""
        return self.port if self.port is not None else 8883 if self.tls else 1883

    def key(self) -> Path | None:
        """The file with the key of our own certificate. Raises SecretError without its credential."""
        return own_key(self)

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Certificates that nobody would look at, halves of a key pair or two keys, a password without a user."""
        yield from one_password(self)
        yield from certificate_problems(self)
