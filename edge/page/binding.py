"""Where the server may listen: beyond this computer only with users and TLS, or by an explicit word."""

from __future__ import annotations

import ipaddress

__all__ = ["UnprotectedError", "check_binding", "is_loopback"]


class UnprotectedError(ValueError):
    """The pages would be open to a network without sign-in or without encryption."""


def is_loopback(host: str) -> bool:
    """Is the address reached from this computer alone?"""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_binding(host: str, *, users: bool, tls: bool, unprotected: bool) -> None:
    """Raises UnprotectedError with the way out where the pages would stand open to a network."""
    if unprotected or is_loopback(host) or (users and tls):
        return
    missing = " and ".join(
        word
        for word, there in (
            ("users (`checkout-age users add NAME --role manager --config FILE`, http.users_file)", users),
            ("TLS (http.tls_cert, http.tls_key)", tls),
        )
        if not there
    )
    raise UnprotectedError(
        f"http.host {host} is reached from the network, and that needs {missing}. "
        "Or keep host 127.0.0.1, or say http.unprotected: true where something else protects the pages"
    )
