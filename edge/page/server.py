"""The web server: one thread, one event loop, a socket that was bound before anything else started."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from edge.page.patience import HANDSHAKE_S, FrontDoor, PatientProtocol

__all__ = ["PortBusyError", "WebServer", "listen"]

_STOP_S = 3.0
_UNFINISHED_S = 1
"""So long a request under way may take at the end: lanes wait for it at a reload, and a client may never finish one."""


class PortBusyError(OSError):
    """Another program listens on the port."""


def listen(host: str, port: int, *, or_another: bool = False) -> socket.socket:
    """A bound TCP socket on `host`:`port`, or with `or_another` on a free port where that one is taken.

    Raises PortBusyError with the way out where the port is taken, OSError where the host is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = FrontDoor(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen()
    except OSError as error:
        made.close()
        if error.errno != errno.EADDRINUSE:
            raise
        if or_another and port:
            return listen(host, 0)
        raise PortBusyError(
            error.errno,
            f"{host}:{port} is taken by another program. Set http.port to a free one, or stop that program",
        ) from error
    return made


class WebServer:
    """Serves `routes` on a bound socket from a thread of its own until `stop`."""

    def __init__(
        self,
        *,
        sock: socket.socket,
        routes: Sequence[BaseRoute],
        lifespan: Callable[[Starlette], Any] | None = None,
        before_stop: Callable[[], None] = lambda: None,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        """`lifespan` runs as long as the server, `before_stop` ends what would keep connections open.

        `certificate`: chain and key as PEM files, for TLS. Raises OSError (ssl.SSLError) where they are none.
        """
        self._socket = sock
        self._before_stop = before_stop
        self._scheme = "http" if certificate is None else "https"
        chain, key = certificate or (None, None)
        self._certificate = certificate
        self._certificate_seen = _contents(certificate)
        self._server = _Server(
            uvicorn.Config(
                Starlette(routes=list(routes), lifespan=lifespan),
                ssl_certfile=chain,
                ssl_keyfile=key,
                log_config=None,
                log_level="warning",
                access_log=False,
                lifespan="off" if lifespan is None else "on",
                timeout_graceful_shutdown=_UNFINISHED_S,
                server_header=False,
                http=PatientProtocol,
                ws="none",
            )
        )
        if certificate is not None:
            self._server.config.load()  # a certificate that does not fit is told now, not in the thread
        # Signals belong to the main thread; the loop below is told to stop by `should_exit`.
        self._thread = threading.Thread(target=self._serve, name="web", daemon=True)

    @property
    def url(self) -> str:
        """Where it is reached, e.g. `http://127.0.0.1:8080`."""
        host, port = self._socket.getsockname()[:2]
        return f"{self._scheme}://[{host}]:{port}" if ":" in host else f"{self._scheme}://{host}:{port}"

    @property
    def alive(self) -> bool:
        """Does its thread run?"""
        return self._thread.is_alive()

    @property
    def serving(self) -> bool:
        """Does it answer?"""
        return self._server.started

    @property
    def beat_s(self) -> float:
        """`time.monotonic()` when the event loop last turned; it turns ten times a second."""
        return self._server.beat_s

    def renew_certificate(self) -> bool:
        """Take a renewed certificate for connections from now on; True where there was one. Any thread.

        Raises OSError (ssl.SSLError) where the new files are no pair; the old pair is served on and the files are
        looked at again the next time.
        """
        if self._certificate is None:
            return False
        found = _contents(self._certificate)
        if found == self._certificate_seen:
            return False
        chain, key = self._certificate
        # First into a context of its own: half of a new pair must not spoil the one in use.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain, key)
        live = self._server.config.ssl
        assert live is not None  # noqa: S101 - a certificate makes uvicorn build it
        live.load_cert_chain(chain, key)
        self._certificate_seen = found
        return True

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End open requests and the thread; waits three seconds at most."""
        self._before_stop()
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(_STOP_S)
        self._socket.close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])


class _Server(uvicorn.Server):
    """uvicorn's server, which also tells when its loop last turned."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.beat_s = time.monotonic()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn does, with an end to a TLS handshake; it leaves that to asyncio, which waits a minute."""
        if self.config.is_ssl:
            loop = asyncio.get_running_loop()
            loop.create_server = partial(  # type: ignore[method-assign]
                loop.create_server, ssl_handshake_timeout=HANDSHAKE_S
            )
        await super().startup(sockets=sockets)

    async def on_tick(self, counter: int) -> bool:
        self.beat_s = time.monotonic()
        return await super().on_tick(counter)


def _contents(certificate: tuple[Path, Path] | None) -> tuple[bytes, ...] | None:
    """What stands in both files; None where one cannot be read now (it is being replaced)."""
    try:
        return None if certificate is None else tuple(path.read_bytes() for path in certificate)
    except OSError:
        return None
