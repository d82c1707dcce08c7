"""Patience with whoever connects: bounded in seconds and in connections, so that nobody can hold the door shut.

A sender that takes for ever over a request (by fault, or as slow-loris does by intent) is cut off; an address beyond
this computer that opens more connections than any till or screen needs gets no more. Streams that we send stay open.
"""

from __future__ import annotations

import asyncio
import logging

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["CONNECTIONS_MAX", "PatientProtocol"]

_log = logging.getLogger(__name__)
_REQUEST_S = 15.0
"""From the first byte, or from the connection, to the last byte of a request."""
_LOOK_S = 5.0
_PER_ADDRESS_MAX = 50
CONNECTIONS_MAX = 400
"""Of all addresses together; a process may have 1024 descriptors, and cameras, sinks and the store need some."""
_LOOPBACK = ("127.0.0.1", "::1")


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with an end to its patience. Used from the server's loop only."""

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
