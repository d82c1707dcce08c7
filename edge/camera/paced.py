"""Sources that would run as fast as they are asked, held to the pace of real time: a file, a drawn lane."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge.camera.ffmpeg import Decoder, open_capture, runs_on
from edge.camera.pace import ClipClock
from edge.camera.source import FrameReader, SourceLost
from edge.camera.sparse import Sparseness
from edge.camera.status import CameraReason

if TYPE_CHECKING:
    import cv2

__all__ = ["FileOpener", "ReaderOpener"]

_log = logging.getLogger(__name__)
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

    def __init__(
        self,
        path: Path,
        *,
        loop: bool,
        threads: int = 1,
        decoder: Decoder = "cpu",
        needed_hz: float | None = None,
    ) -> None:
        """`needed_hz`: only pictures that others are built on are decoded, where these are enough for that rate."""
        self._path = path
        self._loop = loop
        self._threads = threads
        self._wanted = decoder
        self._needed_hz = needed_hz
        self._references_only: bool | None = None if needed_hz is not None else False
        self.decoder: Decoder = "cpu"
        """Where the film is decoded in fact."""

    def __str__(self) -> str:
        return str(self._path)

    def open(self, stop: threading.Event) -> _FileSource:
        """Open the file; raises SourceLost where it is missing or holds no video."""
        return _FileSource(self._path, self._captured, loop=self._loop, stop=stop)

    def _captured(self) -> cv2.VideoCapture | None:
        if self._references_only is None:
            self._references_only = self._enough()
        capture = self._opened(references_only=self._references_only)
        if capture is not None:
            self.decoder = runs_on(capture, self._wanted)
            if self.decoder != self._wanted:
                _log.warning("%s: %s does not work here; the processor decodes", self._path, self._wanted)
        return capture

    def _opened(self, *, references_only: bool) -> cv2.VideoCapture | None:
        return open_capture(
            str(self._path.absolute()),
            threads=self._threads,
            decoder=self._wanted,
            references_only=references_only,
        )

    def _enough(self) -> bool:
        """Are the pictures that others are built on enough? The beginning of the film says so."""
        import cv2

        capture = self._opened(references_only=True)
        if capture is None or self._needed_hz is None:
            return False
        sparse = Sparseness(self._needed_hz)
        try:
            while not sparse.judged and capture.grab():
                if sparse.too_few(capture.get(cv2.CAP_PROP_POS_MSEC)):
                    return False
        finally:
            capture.release()
        return sparse.judged


class _FileSource:
    def __init__(
        self,
        path: Path,
        captured: Callable[[], cv2.VideoCapture | None],
        *,
        loop: bool,
        stop: threading.Event,
    ) -> None:
        self.decode_errors = 0
        self.stream_s = 0.0
        """Seconds of film that were taken so far."""
        self._path = path
        self._captured = captured
        self._loop = loop
        self._pace = _RealTime(stop)
        self._capture, self._clock = self._opened()
        self._before_s = 0.0

    def grab(self) -> float | None:
        if not self._capture.grab():
            if not self._loop:
                raise SourceLost(CameraReason.ENDED, f"{self._path} is at its end")
            self._start_over()
        stream_s = self._before_s + self._clock.time_ns(self._capture.get(self._stamp)) / 1e9
        self.stream_s = stream_s
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
        capture = self._captured()
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
