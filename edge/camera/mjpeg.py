"""An HTTP camera that sends one JPEG after another; only those that are due are decoded."""

from __future__ import annotations

import http.client
import secrets
import socket
import ssl
import threading
import time

import numpy as np
from numpy.typing import NDArray

from edge.camera.challenge import authorization
from edge.camera.credentials import StreamAddress
from edge.camera.ffmpeg import prepared_cv2
from edge.camera.multipart import jpegs
from edge.camera.source import SourceLost
from edge.camera.status import CameraReason

__all__ = ["MjpegOpener"]

_PIECE_BYTES = 65_536


class MjpegOpener:
    """`multipart/x-mixed-replace` over HTTP or HTTPS; Basic and Digest credentials."""

    def __init__(self, address: StreamAddress, *, open_timeout_s: float, read_timeout_s: float) -> None:
        self._address = address
        self._open_timeout_s = open_timeout_s
        self._read_timeout_s = read_timeout_s

    def __str__(self) -> str:
        return str(self._address)

    def open(self, stop: threading.Event) -> _MjpegSource:  # noqa: ARG002 - the socket's time-out ends the wait
        """Ask for the stream, a second time with credentials where it wants them; raises SourceLost."""
        connection = self._connection()
        try:
            response = self._get(connection, None)
            if response.status == 401 and self._address.credentials is not None:
                challenges = response.headers.get_all("WWW-Authenticate") or []
                answer = authorization(
                    challenges,
                    self._address.credentials,
                    method="GET",
                    uri=self._address.target,
                    nonce_of_client=secrets.token_hex(8),
                )
                connection.close()
                connection = self._connection()
                response = self._get(connection, answer)
            self._judge(response)
            if connection.sock is not None:
                connection.sock.settimeout(self._read_timeout_s)
        except BaseException as error:
            connection.close()
            if isinstance(error, (OSError, http.client.HTTPException)):
                raise self._unreachable(_words(error)) from None
            raise
        return _MjpegSource(connection, response, str(self._address), read_timeout_s=self._read_timeout_s)

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._address.host, self._address.port
        if not self._address.tls:
            return http.client.HTTPConnection(host, port, timeout=self._open_timeout_s)
        context = ssl.create_default_context()
        # as for rtsps: cameras sign their own certificates
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=self._open_timeout_s, context=context)

    def _get(self, connection: http.client.HTTPConnection, answer: str | None) -> http.client.HTTPResponse:
        headers = {"Accept": "multipart/x-mixed-replace"}
        if answer is not None:
            headers["Authorization"] = answer
        connection.request("GET", self._address.target, headers=headers)
        return connection.getresponse()

    def _judge(self, response: http.client.HTTPResponse) -> None:
        if response.status in (401, 403):
            none = self._address.credentials is None
            who = "wants a user and a password" if none else "refuses this user or password"
            raise SourceLost(
                CameraReason.AUTH_FAILED, f"{self._address} {who}; set 'user' and the password's place"
            )
        if response.status != 200:
            raise self._unreachable(f"it answers with HTTP status {response.status}")
        kind = response.headers.get_content_type()
        if kind != "multipart/x-mixed-replace":
            raise self._unreachable(f"it sends {kind}, not MJPEG (multipart/x-mixed-replace)")

    def _unreachable(self, words: str) -> SourceLost:
        return SourceLost(CameraReason.CONNECT_FAILED, f"{self._address} cannot be opened: {words}")


class _MjpegSource:
    def __init__(
        self,
        connection: http.client.HTTPConnection,
        response: http.client.HTTPResponse,
        where: str,
        *,
        read_timeout_s: float,
    ) -> None:
        self.decode_errors = 0
        self._connection = connection
        self._response = response
        self._where = where
        self._read_timeout_s = read_timeout_s
        self._ends_s = 0.0
        self._cv2 = prepared_cv2()
        self._jpegs = jpegs(self._received)
        self._jpeg = b""

    def grab(self) -> float | None:
        self._ends_s = time.monotonic() + self._read_timeout_s
        try:
            jpeg = next(self._jpegs, None)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise SourceLost(CameraReason.NO_FRAMES, f"{self._where} was lost: {_words(error)}") from None
        if jpeg is None:
            raise SourceLost(CameraReason.NO_FRAMES, f"{self._where} closed the connection")
        self._jpeg = jpeg
        return None

    def retrieve(self) -> NDArray[np.uint8] | None:
        image = self._cv2.imdecode(np.frombuffer(self._jpeg, np.uint8), self._cv2.IMREAD_COLOR)
        if image is None:
            self.decode_errors += 1
            return None
        picture: NDArray[np.uint8] = image
        return picture

    def close(self) -> None:
        self._response.close()
        self._connection.close()

    def _received(self) -> bytes:
        if (
            time.monotonic() > self._ends_s
        ):  # a camera that drips bytes never lets the socket's time-out strike
            raise TimeoutError
        return self._response.read1(_PIECE_BYTES)


def _words(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "its name is not known here; check the host and the DNS"
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) if isinstance(error, ValueError) else "it does not speak HTTP as expected"
