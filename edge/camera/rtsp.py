"""An RTSP camera: FFmpeg plays it over TCP with time-outs; a knock of our own says why it does not."""

from __future__ import annotations

import logging
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.camera.challenge import authorization
from edge.camera.credentials import StreamAddress
from edge.camera.ffmpeg import Decoder, open_capture, runs_on
from edge.camera.source import SourceLost
from edge.camera.sparse import Sparseness
from edge.camera.status import CameraReason

if TYPE_CHECKING:
    import cv2

__all__ = ["RtspOpener", "knock"]

_log = logging.getLogger(__name__)
_ANSWER_BYTES_MAX = 65_536
_BROKEN_IN_A_ROW_MAX = 30


class RtspOpener:
    """`open_timeout_s` bounds the whole opening, `read_timeout_s` each wait for a picture.

    With `needed_hz` only pictures that others are built on are decoded, as long as these come at that rate; a stream
    that has too few of them is opened anew, once, and decoded in full from then on.
    """

    def __init__(
        self,
        address: StreamAddress,
        *,
        open_timeout_s: float,
        read_timeout_s: float,
        threads: int = 1,
        decoder: Decoder = "cpu",
        needed_hz: float | None = None,
    ) -> None:
        self._address = address
        self._open_timeout_s = open_timeout_s
        self._read_timeout_s = read_timeout_s
        self._threads = threads
        self._wanted = decoder
        self._needed_hz = needed_hz
        self._knock_first = False
        self.decoder: Decoder = "cpu"
        """Where the stream that was opened last is decoded in fact."""

    def __str__(self) -> str:
        return str(self._address)

    def open(self, stop: threading.Event) -> _RtspSource:  # noqa: ARG002 - FFmpeg's own time-outs end the wait
        """Open the stream; raises SourceLost with the cause.

        After a failure the camera is knocked at before FFmpeg is asked again: a dead camera then costs one
        socket an attempt and nothing native.
        """
        if self._knock_first:
            knock(self._address, timeout_s=self._open_timeout_s)
        capture = self._captured()
        if capture is None:
            if not self._knock_first:
                self._knock_first = True
                knock(self._address, timeout_s=self._open_timeout_s)
            raise SourceLost(
                CameraReason.CONNECT_FAILED,
                f"{self._address} answers, but gives no video that can be decoded",
            )
        self._knock_first = False
        sparse = None if self._needed_hz is None else Sparseness(self._needed_hz)
        return _RtspSource(
            capture,
            str(self._address),
            read_timeout_s=self._read_timeout_s,
            sparse=sparse,
            in_full=self._captured_in_full,
        )

    def _captured(self) -> cv2.VideoCapture | None:
        capture = open_capture(
            self._address.secret_url(),
            threads=self._threads,
            open_timeout_s=self._open_timeout_s,
            read_timeout_s=self._read_timeout_s,
            decoder=self._wanted,
            references_only=self._needed_hz is not None,
        )
        if capture is not None:
            self.decoder = runs_on(capture, self._wanted)
            if self.decoder != self._wanted:
                _log.warning("%s: %s does not work here; the processor decodes", self._address, self._wanted)
        return capture

    def _captured_in_full(self) -> cv2.VideoCapture | None:
        _log.info("%s: pictures that others are built on are too rare; all are decoded", self._address)
        self._needed_hz = None
        return self._captured()


class _RtspSource:
    def __init__(
        self,
        capture: cv2.VideoCapture,
        where: str,
        *,
        read_timeout_s: float,
        sparse: Sparseness | None,
        in_full: Callable[[], cv2.VideoCapture | None],
    ) -> None:
        import cv2

        self.decode_errors = 0
        self._capture = capture
        self._where = where
        self._read_timeout_s = read_timeout_s
        self._stamp = cv2.CAP_PROP_POS_MSEC
        self._sparse = sparse
        self._in_full = in_full

    def grab(self) -> float | None:
        """The next picture's stamp."""
        stamp_ms = self._grabbed()
        if self._sparse is not None and self._sparse.too_few(stamp_ms):
            self._sparse = None
            self._capture.release()
            capture = self._in_full()
            if capture is None:
                raise SourceLost(CameraReason.CONNECT_FAILED, f"{self._where} could not be opened anew")
            self._capture = capture
            stamp_ms = self._grabbed()
        return stamp_ms

    def _grabbed(self) -> float:
        """OpenCV says False for a broken packet, for the end and for a time-out alike. Behind a broken packet the
        next picture comes; at the end, False comes at once and again; a time-out has taken its time.
        """
        began_s = time.monotonic()
        for broken in range(_BROKEN_IN_A_ROW_MAX):
            if self._capture.grab():
                self.decode_errors += broken
                return float(self._capture.get(self._stamp))
            if time.monotonic() - began_s > 0.8 * self._read_timeout_s:
                raise SourceLost(
                    CameraReason.NO_FRAMES, f"{self._where} is connected, but sends no pictures any more"
                )
        raise SourceLost(CameraReason.NO_FRAMES, f"{self._where} closed the connection")

    def retrieve(self) -> NDArray[np.uint8] | None:
        converted, image = self._capture.retrieve()
        if not converted or image is None or not image.size:
            self.decode_errors += 1
            return None
        return image.astype(np.uint8, copy=False)

    def close(self) -> None:
        self._capture.release()


def knock(address: StreamAddress, *, timeout_s: float) -> None:
    """Ask an RTSP server what it has (DESCRIBE, RFC 2326) and raise SourceLost with the cause where it refuses.

    The answer to a password's challenge goes over the same connection. Takes `timeout_s` at most, except
    where the system itself takes longer to look up a name.
    """
    ends_s = time.monotonic() + timeout_s
    try:
        with (
            socket.create_connection((address.host, address.port), timeout=timeout_s) as plain,
            _wrapped(plain, address) as connection,
        ):
            status, challenges = _describe(connection, address, None, 1, ends_s)
            if status == 401 and address.credentials is not None:
                answer = authorization(
                    challenges,
                    address.credentials,
                    method="DESCRIBE",
                    uri=address.url(),
                    nonce_of_client=secrets.token_hex(8),
                )
                status, _ = _describe(connection, address, answer, 2, ends_s)
    except socket.gaierror:
        raise _unreachable(address, "its name is not known here; check the host and the DNS") from None
    except TimeoutError:
        raise _unreachable(address, f"it does not answer within {timeout_s:g} s") from None
    except (OSError, EOFError) as error:
        words = (error.strerror if isinstance(error, OSError) else None) or "it closed the connection"
        raise _unreachable(address, words.lower()) from None
    _judge(status, address)


def _wrapped(plain: socket.socket, address: StreamAddress) -> socket.socket:
    if not address.tls:
        return plain
    context = ssl.create_default_context()
    # as FFmpeg does it: cameras sign their own certificates
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(plain, server_hostname=address.host)


def _describe(
    connection: socket.socket, address: StreamAddress, answer: str | None, number: int, ends_s: float
) -> tuple[int, list[str]]:
    lines = [f"DESCRIBE {address.url()} RTSP/1.0", f"CSeq: {number}", "Accept: application/sdp"]
    if answer is not None:
        lines.append(f"Authorization: {answer}")
    connection.settimeout(max(0.001, ends_s - time.monotonic()))
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    head, body = b"", b""
    while b"\r\n\r\n" not in head:
        head += _received(connection, ends_s, len(head))
        if not head.startswith(b"RTSP/"[: len(head)]):
            raise _unreachable(address, "what answers there does not speak RTSP; check the port")
    head, _, body = head.partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (f.partition(":") for f in fields)]
    length = next((int(value) for name, value in headers if name == "content-length" and value.isdigit()), 0)
    while len(body) < length:  # a second answer comes behind this body
        body += _received(connection, ends_s, len(body))
    words = first.split(" ", 2)
    if len(words) < 2 or not words[1].isdigit():
        raise _unreachable(address, "what answers there does not speak RTSP; check the port")
    return int(words[1]), [value for name, value in headers if name == "www-authenticate"]


def _received(connection: socket.socket, ends_s: float, so_far: int) -> bytes:
    left_s = ends_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    connection.settimeout(left_s)
    data = connection.recv(4096)
    if not data or so_far > _ANSWER_BYTES_MAX:
        raise EOFError
    return data


def _judge(status: int, address: StreamAddress) -> None:
    if status in (401, 403):
        who = (
            "wants a user and a password" if address.credentials is None else "refuses this user or password"
        )
        raise SourceLost(CameraReason.AUTH_FAILED, f"{address} {who}; set 'user' and the password's place")
    if status == 404:
        raise _unreachable(address, "it has no stream of that path (404); look the path up in its manual")
    if status >= 400:
        raise _unreachable(address, f"it answers with RTSP status {status}")


def _unreachable(address: StreamAddress, words: str) -> SourceLost:
    return SourceLost(CameraReason.CONNECT_FAILED, f"{address} cannot be opened: {words}")
