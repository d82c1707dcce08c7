"""The address of metrics, health and pages, who may sign in, and what protects the way there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from edge.config.rule import Beside, Existing, Matches, Within

__all__ = ["Http"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """Loopback unless said otherwise; anywhere else needs users and TLS, or an explicit word."""

    host: Annotated[
        str, "address to listen on", Matches(r"[A-Za-z0-9._:-]{1,253}", "an IP address or a host name")
    ] = "127.0.0.1"
    port: Annotated[int, "port to listen on; 0: any that is free", Within(0, 65535)] = 8480
    users_file: Annotated[
        Path | None,
        "who may sign in, made by `checkout-age users add`; without it users.json in the state folder",
        Beside(),
    ] = None
    tls_cert: Annotated[Path | None, "certificate chain, PEM", Existing("file")] = None
    tls_key: Annotated[Path | None, "its private key, PEM", Existing("file")] = None
    unprotected: Annotated[
        bool, "listen beyond this computer without users and TLS, because something else protects the pages"
    ] = False
    escalate_minutes: Annotated[
        float,
        "an alert that nobody acknowledged for so long is escalated on the page; 0: never",
        Within(0, 1440),
    ] = 5.0

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """A certificate without its key, or a key alone."""
        if (self.tls_cert is None) != (self.tls_key is None):
            given = "tls_cert" if self.tls_cert is not None else "tls_key"
            yield (given,), "give both tls_cert and tls_key, or neither"
