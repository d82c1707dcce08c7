"""A live camera under test: a real RTSP server beside it, and somebody who looks at it as the daemon does."""

from __future__ import annotations

import os
import queue
import random
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

from edge.camera import Camera, CameraStatus
from edge.flow import Frame

SERVER = Path(__file__).with_name("rtsp_server.py")
DEBIAN_PYTHON = "/usr/bin/python3"


class RtspServer:
    """GStreamer's RTSP server in a program of its own. `port` stays the same when it is started again."""

    def __init__(self, *options: str) -> None:
        self.port = 0
        self._process: subprocess.Popen[str] | None = None
        self.start(*options)

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/lane"

    def start(self, *options: str) -> None:
        command = [DEBIAN_PYTHON, "-W", "ignore", str(SERVER), "--port", str(self.port), *options]
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        answer = self._line().split()
        assert answer[:1] == ["port"], (
            f"{DEBIAN_PYTHON} cannot run the RTSP server; install scripts/test-system-packages.txt"
        )
        self.port = int(answer[1])

    def tell(self, *words: str) -> None:
        """`size 640x480`, or a pattern of GStreamer's test picture (`black`, `ball`, `checkers-8`)."""
        assert self._process is not None
        assert self._process.stdin is not None
        print(*words, file=self._process.stdin, flush=True)
        assert self._line().split() == ["done", *words]

    def freeze(self) -> None:
        """Stop it where it stands: connections stay open and nothing comes any more."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._signal(signal.SIGCONT)
            self._process.kill()
            self._process.communicate()
            self._process = None

    def __enter__(self) -> RtspServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)

    def _line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline()


class Watched:
    """A camera, what it told, and its frames. Patience is short, since nobody wants to wait in a test."""

    PATIENCE: ClassVar = {
        "no_frames_s": 2.5,
        "settle_s": 0.2,
        "reconnect_min_s": 0.1,
        "reconnect_max_s": 0.4,
        "detect_hz": 30,
    }

    def __init__(self, opener: Any, *, name: str = "cam-1", test_ends_s: float = 60, **settings: Any) -> None:
        self._ends_s = time.monotonic() + test_ends_s
        self.told: list[CameraStatus] = []
        self._news: queue.Queue[CameraStatus] = queue.Queue()
        self._woken = threading.Event()
        self.camera = Camera(
            name,
            opener,
            told=self._hear,
            wake=self._woken.set,
            chance=random.Random(1),
            **{**self.PATIENCE, **settings},
        )

    def _hear(self, status: CameraStatus) -> None:
        self.told.append(status)
        self._news.put(status)

    def __enter__(self) -> Watched:
        self.camera.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.camera.stop(timeout_s=20), "the capture thread still hangs in a read"

    def words(self) -> list[str]:
        return [f"{status.state} {status.reason}" for status in self.told]

    def hears(self, words: str, *, within_s: float = 20) -> CameraStatus:
        """The next news, which must be these: `down no_frames`."""
        ends_s = time.monotonic() + within_s
        while time.monotonic() < ends_s:
            self.camera.check()
            try:
                status = self._news.get(timeout=0.05)
            except queue.Empty:
                continue
            assert f"{status.state} {status.reason}" == words, f"told {self.words()}; {status.detail}"
            return status
        raise AssertionError(f"'{words}' was not told within {within_s} s, only {self.words()}")

    def lets_time_pass(self) -> None:
        """Let a moment pass, as the daemon does between two looks."""
        assert time.monotonic() < self._ends_s, f"what the test waits for does not come; told {self.words()}"
        self.camera.check()
        self._woken.wait(0.05)
        self._woken.clear()

    def frame(self, *, within_s: float = 10) -> Frame:
        """The newest frame, waited for."""
        ends_s = time.monotonic() + within_s
        while (left_s := ends_s - time.monotonic()) > 0:
            self._woken.clear()
            frame = self.camera.take()
            if frame is not None:
                return frame
            self._woken.wait(left_s)
        raise AssertionError(f"no frame within {within_s} s; told {self.words()}")

    def frames(self, count: int) -> list[Frame]:
        return [self.frame() for _ in range(count)]


class SilentServer:
    """Takes connections and says its greeting, which is mostly nothing."""

    def __init__(self, *, greeting: bytes = b"") -> None:
        self._greeting = greeting
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.sendall(self._greeting)
            self._open.append(connection)
            if len(self._open) > 3:  # who came before has given up
                self._open.pop(0).close()

    def __enter__(self) -> SilentServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)
        for connection in self._open:
            connection.close()
