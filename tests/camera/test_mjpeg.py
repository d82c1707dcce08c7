"""An HTTP camera that sends JPEGs, with all that such cameras do."""

from __future__ import annotations

import base64
import hashlib
import http.server
import re
import threading
from types import TracebackType

import cv2
import numpy as np
import pytest

from edge.camera import Credentials, opener_for
from tests.camera.live import SilentServer, Watched

PASSWORD = "p@ss:w/r?d#1%"


class HttpCamera:
    """Twenty pictures a second, a grey that counts up; `mode` says what it does wrong."""

    def __init__(self, *, mode: str = "", guard: str = "") -> None:
        self.mode = mode
        self.guard = guard
        self.pictures = 0
        self.stop = threading.Event()
        camera = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if not camera.lets_in(self.headers.get("Authorization", "")):
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="cam"')
                    if camera.guard == "digest":
                        self.send_header("WWW-Authenticate", 'Digest realm="cam", nonce="n1", qop="auth"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                elif camera.mode == "page":
                    self.send_response(200)
                    self.send_header("Content-Type", "text/html")
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"hi")
                else:
                    camera.play(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/video?channel=1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def lets_in(self, answer: str) -> bool:
        if not self.guard:
            return True
        if self.guard == "basic":
            return answer == "Basic " + base64.b64encode(f"anna:{PASSWORD}".encode()).decode()
        fields = dict(re.findall(r'(\w+)="?([^",]+)"?', answer))

        def md5(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        expected = md5(
            f"{md5(f'anna:cam:{PASSWORD}')}:n1:00000001:{fields.get('cnonce')}:auth:{md5('GET:/video?channel=1')}"
        )
        return fields.get("response") == expected

    def play(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        handler.end_headers()
        try:
            for n in range(100_000):
                if self.stop.wait(0.05):
                    return
                if self.mode in ("hangs", "drips") and self.pictures > 5:
                    self.hang(handler)
                self.send(handler, n)
                self.pictures += 1
                if (self.mode, n) == ("closes", 5):
                    handler.close_connection = True
                    return
        except OSError:
            return

    def send(self, handler: http.server.BaseHTTPRequestHandler, n: int) -> None:
        picture = np.full((120, 160, 3), 40 + n % 200, np.uint8)
        data = cv2.imencode(".jpg", picture)[1].tobytes()
        if self.mode == "broken" and n % 2:
            data = data[: len(data) // 3]
        head = b"--frame\r\nContent-Type: image/jpeg\r\n"
        if self.mode != "no lengths":
            head += b"Content-Length: %d\r\n" % len(data)
        handler.wfile.write(head + b"\r\n" + data + b"\r\n")

    def hang(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        while not self.stop.wait(0.1):
            if self.mode == "drips":
                handler.wfile.write(b"-")

    def __enter__(self) -> HttpCamera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop.set()
        self._server.shutdown()
        self._server.server_close()


def watched(url: str, *, password: str | None = None, **settings: object) -> Watched:
    credentials = None if password is None else Credentials(user="anna", password=password)
    opener = opener_for(url, credentials=credentials, open_timeout_s=2, read_timeout_s=1)
    return Watched(opener, **settings)


@pytest.mark.parametrize("mode", ["", "no lengths"])
def test_pictures_come_in_order(mode):
    with HttpCamera(mode=mode) as camera, watched(camera.url) as lane:
        lane.hears("up ok")
        frames = lane.frames(5)

    levels = [int(frame.image.mean()) for frame in frames]
    assert {frame.image.shape for frame in frames} == {(120, 160, 3)}
    assert levels == sorted(set(levels))


def test_only_pictures_that_are_due_are_decoded():
    with HttpCamera() as camera, watched(camera.url, detect_hz=2) as lane:
        lane.frames(4)
        figures = lane.camera.figures()

    assert figures.retrieved < figures.frames / 3


@pytest.mark.parametrize("guard", ["basic", "digest"])
def test_awkward_passwords_are_answered_in_the_way_the_camera_asks(guard):
    with HttpCamera(guard=guard) as camera, watched(camera.url, password=PASSWORD) as lane:
        lane.hears("up ok")


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_refused_password_is_told_as_such(password):
    with HttpCamera(guard="digest") as camera, watched(camera.url, password=password) as lane:
        status = lane.hears("down auth_failed")
        camera.guard = ""
        lane.hears("up ok")

    assert "user" in status.detail
    assert "channel" not in status.detail


@pytest.mark.parametrize("mode", ["hangs", "drips"])
def test_a_camera_that_hangs_is_noticed_and_comes_back(mode):
    """Bytes that drip keep the socket's own time-out from striking."""
    with HttpCamera(mode=mode) as camera, watched(camera.url) as lane:
        lane.hears("up ok")
        lane.hears("down no_frames", within_s=10)
        while lane.camera.figures().opens < 3:
            lane.lets_time_pass()
        camera.mode = ""
        camera.stop.set()
        camera.stop = threading.Event()
        lane.hears("up ok")


def test_a_camera_that_closes_now_and_then_is_opened_again_and_nobody_hears_of_it():
    with HttpCamera(mode="closes") as camera, watched(camera.url) as lane:
        lane.hears("up ok")
        while lane.camera.figures().reconnects < 3:
            lane.lets_time_pass()

    assert lane.words() == ["up ok"]


def test_broken_pictures_are_counted_and_degrade_the_camera():
    with HttpCamera(mode="broken") as camera, watched(camera.url) as lane:
        lane.hears("up ok")
        lane.hears("degraded decode_errors")
        lane.frame()
        assert lane.camera.figures().decode_errors > 2


def test_what_is_no_camera_is_named():
    with HttpCamera(mode="page") as camera, watched(camera.url) as lane:
        assert "it sends text/html, not MJPEG" in lane.hears("down connect_failed").detail
    with SilentServer() as silent, watched(f"http://127.0.0.1:{silent.port}/") as lane:
        assert "does not answer in time" in lane.hears("down connect_failed").detail
    with watched("http://127.0.0.1:9/") as lane:
        assert "connection refused" in lane.hears("down connect_failed").detail
