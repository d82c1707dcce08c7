"""The address of metrics, health and pages, who may sign in, and what protects the way there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from edge.config.rule import NAME, Beside, Existing, Matches, Within
from edge.config.secret import SecretError, credential_file, read_secret

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
    tls_key_credential: Annotated[
        str | None,
        "name of the systemd credential with that key; a new key is taken at a start of the service",
        NAME,
    ] = None
    unprotected: Annotated[
        bool, "listen beyond this computer without users and TLS, because something else protects the pages"
    ] = False
    escalate_minutes: Annotated[
        float,
        "an alert that nobody acknowledged for so long is escalated on the page; 0: never",
        Within(0, 1440),
    ] = 5.0

    metrics_token_file: Annotated[
        Path | None, "file whose first line is the token that Prometheus must show", Existing("file")
    ] = None
    metrics_token_credential: Annotated[
        str | None, "name of the systemd credential with that token", NAME
    ] = None

    def metrics_token(self) -> str | None:
        """The token that `/metrics` asks for, None where it is open. Raises SecretError where it cannot be read."""
        token = read_secret(file=self.metrics_token_file, credential=self.metrics_token_credential)
        if token == "":
            raise SecretError("http.metrics_token: the token is empty; make one with: openssl rand -hex 32")
        return token

    def certificate(self) -> tuple[Path, Path] | None:
        """Files of the certificate's chain and of its key, None without TLS.

        Raises SecretError where the key's credential is not there.
        """
        if self.tls_cert is None:
            return None
        if self.tls_key_credential is not None:
            return self.tls_cert, credential_file(self.tls_key_credential)
        return None if self.tls_key is None else (self.tls_cert, self.tls_key)

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """A certificate without its key, or a key alone; two ways to one token or key."""
        if self.metrics_token_file is not None and self.metrics_token_credential is not None:
            yield (
                ("metrics_token_credential", "metrics_token_file"),
                "only one of metrics_token_file, metrics_token_credential is allowed",
            )
        keys = [key for key in ("tls_key", "tls_key_credential") if getattr(self, key) is not None]
        if len(keys) > 1:
            yield tuple(reversed(keys)), "only one of tls_key, tls_key_credential is allowed"
        if (self.tls_cert is None) != (not keys):
            given = "tls_cert" if self.tls_cert is not None else keys[0]
            yield (
                (given, "tls_cert", *keys),
                "give both tls_cert and tls_key (or tls_key_credential), or neither",
            )
