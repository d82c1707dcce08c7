"""paho's client, whose connecting can be broken off: a broker that does not answer must not hold up a restart."""

from __future__ import annotations

import os
import select
import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Any

from paho.mqtt.client import Client

__all__ = ["BreakableClient"]

_LOOK_MS = 50


class BreakableClient(Client):
    """As paho's client; after `break_off` no connection comes about any more.

    A connection that came late would take the session, or the last will, of whoever follows us. Of paho's own
    (2.2) only the two steps that make a socket are replaced.
    """

    def __init__(self, *args: Any, **settings: Any) -> None:
        self._broken_off = threading.Event()
        self._shaking_hands: socket.socket | None = None
        super().__init__(*args, **settings)

    def break_off(self) -> None:
        """Connect no more; a connecting under way fails now. Any thread; an open connection is left alone."""
        self._broken_off.set()
        under_way = self._shaking_hands
        if under_way is not None:
            with suppress(OSError):
                under_way.shutdown(socket.SHUT_RDWR)

    def _create_socket_connection(self) -> socket.socket:
        """A connected socket of the first address that answers within `connect_timeout`. Raises OSError."""
        self._look()
        failed: OSError = OSError(f"{self.host} has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            self.host, self.port, type=socket.SOCK_STREAM
        ):
            made = socket.socket(family, kind, protocol)
            try:
                self._reach(made, address)
            except OSError as error:
                made.close()
                failed = error
                self._look()
            else:
                return made
        raise failed

    def _reach(self, made: socket.socket, address: Any) -> None:
        ends_s = time.monotonic() + self.connect_timeout
        made.setblocking(False)
        writable = select.poll()
        writable.register(made, select.POLLOUT)
        with suppress(BlockingIOError):
            made.connect(address)
        while not writable.poll(_LOOK_MS):
            self._look()
            if time.monotonic() > ends_s:
                raise TimeoutError("timed out")
        refused = made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if refused:
            raise OSError(refused, os.strerror(refused))
        made.settimeout(self.connect_timeout)

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        """The handshake, over a wire that `break_off` can cut. Raises OSError."""
        with tcp_sock.dup() as wire:
            self._shaking_hands = wire
            try:
                self._look()
                return super()._ssl_wrap_socket(tcp_sock)
            finally:
                self._shaking_hands = None

    def _look(self) -> None:
        if self._broken_off.is_set():
            raise ConnectionAbortedError("broken off")
