"""Our own certificate to a broker that asks for one: a chain in a file, its key in a file or a systemd credential."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from edge.config.secret import credential_file

__all__ = ["HasCertificate", "certificate_problems", "own_key"]

_KEYS = ("key_file", "key_credential")


class HasCertificate(Protocol):
    """A section that connects by TLS and may show a certificate."""

    @property
    def tls(self) -> bool: ...
    @property
    def ca_file(self) -> Path | None: ...
    @property
    def cert_file(self) -> Path | None: ...
    @property
    def key_file(self) -> Path | None: ...
    @property
    def key_credential(self) -> str | None: ...


def own_key(section: HasCertificate) -> Path | None:
    """The file with the key of our own certificate. Raises SecretError without its credential."""
    return section.key_file if section.key_credential is None else credential_file(section.key_credential)


def certificate_problems(section: HasCertificate) -> Iterator[tuple[tuple[str, ...], str]]:
    """Certificates that nobody would look at, halves of a key pair, two keys."""
    for key in ("ca_file", "cert_file", *_KEYS):
        if getattr(section, key) is not None and not section.tls:
            yield (key, "tls"), "has no effect without 'tls: true'"
    keys = [key for key in _KEYS if getattr(section, key) is not None]
    if len(keys) > 1:
        yield tuple(reversed(keys)), "only one of key_file, key_credential is allowed"
    if (section.cert_file is None) != (not keys):
        blamed = keys[0] if section.cert_file is None else "cert_file"
        yield (
            (blamed, "cert_file", *_KEYS),
            "cert_file and key_file (or key_credential) belong together; give both or neither",
        )
