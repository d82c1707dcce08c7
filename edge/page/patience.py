"""Patience with whoever connects: bounded in seconds and in connections, so that nobody can hold the door shut.

A sender that takes for ever over a request (by fault, or as slow-loris does by intent) is cut off; an address beyond
this computer that opens more connections than any till or screen needs gets no more. Streams that we send stay open.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
import weakref
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["CONNECTIONS_MAX", "HANDSHAKE_S", "FrontDoor", "PatientProtocol"]

_log = logging.getLogger(__name__)
_REQUEST_S = 15.0
"""From the first byte, or from the connection, to the last byte of a request."""
_LOOK_S = 5.0
_PER_ADDRESS_MAX = 50
CONNECTIONS_MAX = 400
"""Of all addresses together; a process may have 1024 descriptors, and cameras, sinks and the store need some."""
_LOOPBACK = ("127.0.0.1", "::1")
HANDSHAKE_S = 15.0
"""For TLS to be agreed on; no protocol of ours sees a connection before."""
_TOLD_EVERY_S = 60.0


class FrontDoor(socket.socket):
    """A listening socket that lets in so many at a time, of one address and of all; others are closed at once.

    It counts from the first moment, also those who never finish a TLS handshake. Accept from one thread only.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._inside: list[tuple[weakref.ref[socket.socket], str]] = []
        self._refused = 0
        self._told_s = float("-inf")

    def accept(self) -> tuple[socket.socket, Any]:
        """The next one who may come in. Raises BlockingIOError where nobody waits."""
        while True:
            line, place = super().accept()
            address = str(place[0])
            self._inside = [
                (ref, host) for ref, host in self._inside if (one := ref()) is not None and one.fileno() != -1
            ]
            same = sum(host == address for _, host in self._inside)
            if len(self._inside) < CONNECTIONS_MAX and (same < _PER_ADDRESS_MAX or address in _LOOPBACK):
                self._inside.append((weakref.ref(line), address))
                return line, place
            line.close()
            self._tell(address)

    def _tell(self, address: str) -> None:
        """Once a minute: a flood must not become one of the log."""
        self._refused += 1
        if time.monotonic() - self._told_s >= _TOLD_EVERY_S:
            self._told_s = time.monotonic()
            _log.warning(
                "too many connections: some are refused", extra={"address": address, "count": self._refused}
            )


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with an end to its patience. Used from the server's loop only.

    It counts connections itself, for a socket that is no `FrontDoor`.
    """

    request_s = _REQUEST_S
    look_s = _LOOK_S

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the address; beyond its share it is let go at once."""
        super().connection_made(transport)
        self._waits_since_s = self.loop.time()
        self._patience = self.loop.call_later(self.look_s, self._look)
        address = self.client[0] if self.client else ""
        clients = (getattr(one, "client", None) for one in self.connections)
        same = [client for client in clients if client is not None and client[0] == address]
        if len(self.connections) > CONNECTIONS_MAX or (
            len(same) > _PER_ADDRESS_MAX and address not in _LOOPBACK
        ):
            _log.warning("too many connections: one is refused", extra={"address": address})
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """No more to wait for."""
        self._patience.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """The next request has its own time."""
        self._waits_since_s = self.loop.time()
        super().on_response_complete()

    def _look(self) -> None:
        asked = self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
        if not asked:
            self._waits_since_s = self.loop.time()
        elif self.loop.time() - self._waits_since_s >= self.request_s:
            self.transport.abort()
            return
        self._patience = self.loop.call_later(self.look_s, self._look)
