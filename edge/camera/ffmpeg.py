"""The one door to OpenCV's FFmpeg: quiet, with time-outs, one decoder thread unless told otherwise.

OpenCV and FFmpeg take some settings from the environment of the whole process. They are set here and nowhere
else, before the first open. An operator may set the defaults otherwise (hardware decoding, say), but not the
silence: FFmpeg writes to file descriptor 2 from C, past every filter, and its lines carry passwords.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import cv2

__all__ = ["Decoder", "open_capture", "prepared_cv2", "runs_on"]

Decoder = Literal["cpu", "vaapi", "cuda"]
"""Where pictures are decoded: on the processor, over VA-API (Intel, AMD), or over NVDEC (NVIDIA)."""

_OPTIONS: Final = "OPENCV_FFMPEG_CAPTURE_OPTIONS"

_SILENCE = {
    "OPENCV_FFMPEG_LOGLEVEL": "-8",  # AV_LOG_QUIET
    # OpenCV itself prints the whole address of a stream that it cannot open, as a warning.
    "OPENCV_LOG_LEVEL": "SILENT",
}
_DEFAULTS = {
    # RTSP over TCP: a lost UDP packet is a smeared face. One frame tells FFmpeg the rate: a camera opens in 0.7 s
    # and not in 2 s (measured with a stream of 15 fps). Inputs that do not know a key ignore it.
    _OPTIONS: "rtsp_transport;tcp|fpsprobesize;1",
    # Without this OpenCV opens one stream at a time: a camera that accepts and says nothing held all others up for
    # its whole time-out (measured). FFmpeg, built with threads as in OpenCV's wheels, locks what needs it.
    "OPENCV_FFMPEG_IS_THREAD_SAFE": "1",
    # A USB camera that hangs is given up after 4 s instead of 10.
    "OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT": "4",
}
_preparing = threading.Lock()


def prepared_cv2() -> ModuleType:
    """OpenCV, imported with its process-wide settings in place. Every user of its streams comes through here."""
    with _preparing:
        os.environ.update(_SILENCE)
        for name, value in _DEFAULTS.items():
            os.environ.setdefault(name, value)
        import cv2

        # OpenCV may have read its variable before it was set here
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


class _Openings:
    """FFmpeg's options stand in the environment and are read at each open: who opens with other options than those
    under way waits for their end. The same options open side by side, as a dead camera must not hold up the others."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way = 0
        self._base: str | None = None

    @contextmanager
    def having(self, added: tuple[str, ...]) -> Iterator[None]:
        """The environment carries the usual options and these while the context lasts."""
        with self._changed:
            if self._base is None:
                self._base = os.environ.get(_OPTIONS, "")
            wanted = "|".join([*filter(None, [self._base]), *added])
            self._changed.wait_for(lambda: not self._under_way or os.environ.get(_OPTIONS) == wanted)
            if os.environ.get(_OPTIONS) != wanted:
                os.environ[_OPTIONS] = wanted
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()


_openings = _Openings()


def open_capture(
    address: str,
    *,
    threads: int,
    open_timeout_s: float | None = None,
    read_timeout_s: float | None = None,
    decoder: Decoder = "cpu",
    references_only: bool = False,
) -> cv2.VideoCapture | None:
    """Open a file or an address with FFmpeg; None where FFmpeg finds no video there.

    `threads` is the number of decoder threads. Time-outs hold for the whole open and for each grab;
    FFmpeg asks for them while it waits on the network. Blocks for up to `open_timeout_s`. `references_only`: pictures
    that no other is built on are read and thrown away undecoded. A `decoder` that does not work here is passed over
    without a word by FFmpeg: ask `runs_on`.
    """
    opencv = prepared_cv2()
    options: tuple[str, ...] = ("avdiscard;nonref",) if references_only else ()
    settings = [int(opencv.CAP_PROP_N_THREADS), threads]
    if open_timeout_s is not None:
        settings += [int(opencv.CAP_PROP_OPEN_TIMEOUT_MSEC), max(1, round(open_timeout_s * 1000))]
    if read_timeout_s is not None:
        settings += [int(opencv.CAP_PROP_READ_TIMEOUT_MSEC), max(1, round(read_timeout_s * 1000))]
    if decoder != "cpu":
        options += (f"hw_decoders_any;{decoder}",)
        settings += [int(opencv.CAP_PROP_HW_ACCELERATION), int(opencv.VIDEO_ACCELERATION_ANY)]
    with _openings.having(options):
        capture: cv2.VideoCapture = opencv.VideoCapture(address, opencv.CAP_FFMPEG, settings)
    if not capture.isOpened():
        capture.release()
        return None
    return capture


def runs_on(capture: cv2.VideoCapture, wanted: Decoder) -> Decoder:
    """Where an opened stream is decoded in fact: `wanted`, or the processor where that does not work."""
    opencv = prepared_cv2()
    if wanted == "cpu" or capture.get(opencv.CAP_PROP_HW_ACCELERATION) <= opencv.VIDEO_ACCELERATION_NONE:
        return "cpu"
    return wanted
