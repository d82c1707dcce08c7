"""Sources that would run as fast as they are asked, held to the pace of real time: a file, a drawn lane."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.camera.ffmpeg import open_capture
from edge.camera.pace import ClipClock
from edge.camera.source import FrameReader, SourceLost
from edge.camera.status import CameraReason

if TYPE_CHECKING:
    import cv2

__all__ = ["FileOpener", "ReaderOpener"]

_CATCH_UP_S = 1.0


class _RealTime:
    """Waits until a stream's time has come. Who is more than a second late starts counting anew, without a rush."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._zero_s: float | None = None

    def wait_for(self, stream_s: float) -> None:
        """Return at `stream_s` of the stream's time; raises SourceLost when told to stop meanwhile."""
        now_s = time.monotonic()
        if self._zero_s is None or now_s - (self._zero_s + stream_s) > _CATCH_UP_S:
            self._zero_s = now_s - stream_s
        ahead_s = self._zero_s + stream_s - now_s
        if ahead_s > 0 and self._stop.wait(ahead_s):
            raise SourceLost(CameraReason.ENDED, "stopped")


class FileOpener:
    """A video file as a camera: at real time, over and over where `loop` is set."""

    def __init__(self, path: Path, *, loop: bool, threads: int = 1) -> None:
        self._path = path
        self._loop = loop
        self._threads = threads

    def __str__(self) -> str:
        return str(self._path)

    def open(self, stop: threading.Event) -> _FileSource:
        """Open the file; raises SourceLost where it is missing or holds no video."""
        return _FileSource(self._path, loop=self._loop, threads=self._threads, stop=stop)


class _FileSource:
    def __init__(self, path: Path, *, loop: bool, threads: int, stop: threading.Event) -> None:
        self.decode_errors = 0
        self._path = path
        self._loop = loop
        self._threads = threads
        self._pace = _RealTime(stop)
        self._capture, self._clock = self._opened()
        self._before_s = 0.0

    def grab(self) -> float | None:
        if not self._capture.grab():
            if not self._loop:
                raise SourceLost(CameraReason.ENDED, f"{self._path} is at its end")
            self._start_over()
        stream_s = self._before_s + self._clock.time_ns(self._capture.get(self._stamp)) / 1e9
        self._pace.wait_for(stream_s)
        return None  # it is taken now, whatever time the file was filmed at

    def retrieve(self) -> NDArray[np.uint8] | None:
        converted, image = self._capture.retrieve()
        return image.astype(np.uint8, copy=False) if converted and image is not None else None

    def close(self) -> None:
        self._capture.release()

    def _start_over(self) -> None:
        self._before_s += self._clock.end_ns / 1e9
        self._capture.release()
        self._capture, self._clock = self._opened()
        if not self._capture.grab():
            raise SourceLost(CameraReason.CONNECT_FAILED, f"{self._path} has no picture any more")

    def _opened(self) -> tuple[cv2.VideoCapture, ClipClock]:
        import cv2

        self._stamp = cv2.CAP_PROP_POS_MSEC
        capture = open_capture(str(self._path.absolute()), threads=self._threads)
        if capture is None:
            fault = "holds no video that can be read" if self._path.is_file() else "is no file"
            raise SourceLost(CameraReason.CONNECT_FAILED, f"{self._path} {fault}; check the camera's source")
        return capture, ClipClock(fps=capture.get(cv2.CAP_PROP_FPS))


class ReaderOpener:
    """An object that makes frames itself, as a camera. Opening it again goes on with the same object."""

    def __init__(self, reader: FrameReader, *, name: str) -> None:
        self._reader = reader
        self._name = name

    def __str__(self) -> str:
        return self._name

    def open(self, stop: threading.Event) -> _ReaderSource:
        """Start to read at the pace of real time."""
        return _ReaderSource(self._reader, self._name, stop)


class _ReaderSource:
    def __init__(self, reader: FrameReader, name: str, stop: threading.Event) -> None:
        self.decode_errors = 0
        self._reader = reader
        self._name = name
        self._pace = _RealTime(stop)
        self._image: NDArray[np.uint8] | None = None

    def grab(self) -> float | None:
        frame = self._reader.read()
        if frame is None:
            raise SourceLost(CameraReason.ENDED, f"{self._name} is at its end")
        self._image = frame.image
        self._pace.wait_for(frame.at_ns / 1e9)
        return None

    def retrieve(self) -> NDArray[np.uint8] | None:
        return self._image

    def close(self) -> None:
        self._image = None
