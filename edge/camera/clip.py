"""A video file as frames in clip time: every picture is decoded, only those due are converted.

Time comes from the container, never from a clock, so that two runs give the same frames.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from edge.camera.container import Wholeness, wholeness
from edge.camera.ffmpeg import open_capture
from edge.camera.pace import ClipClock, Pace
from edge.camera.read_ahead import ReadAhead
from edge.flow import Frame

if TYPE_CHECKING:
    import cv2

__all__ = ["Clip", "ClipDamaged", "ClipError", "ClipMissing", "ClipUnreadable", "open_clip"]

_READ_AHEAD_FRAMES = 4
# A sound track may end a little after the last picture; more than this is missing film.
_MISSING_TOLERANCE_S = 0.5
_GRAB_ATTEMPTS_MIN = 64


class ClipError(Exception):
    """A clip that cannot be read as asked: what, which file, what to do."""


class ClipMissing(ClipError):  # noqa: N818 - the name is the cause
    """There is no such file."""


class ClipUnreadable(ClipError):  # noqa: N818 - the name is the cause
    """The file holds no video that can be decoded; no frame of it was given out."""


class ClipDamaged(ClipError):  # noqa: N818 - the name is the cause
    """A part of the film is missing; all frames that could be decoded have been given out before."""


def open_clip(
    path: Path | str, *, camera: str, start_ns: int, rate_hz: float | None, threads: int = 1
) -> Clip:
    """Open a video file whose first picture is taken to be of `start_ns`.

    Iterating yields `Frame`s of `camera` due at `rate_hz` of clip time (None: every frame), decoded a few
    frames ahead in a thread; `threads` is the number of decoder threads. Where a clip's picture size
    changes on the way, all frames come scaled to the size of the first, so that zones in pixels hold.
    Raises ClipMissing and ClipUnreadable here, ClipDamaged while iterating, after the last frame.
    """
    file = Path(path)
    _refuse_what_is_no_file(file)
    capture = open_capture(os.path.abspath(file), threads=threads)
    if capture is None:
        raise ClipUnreadable(_no_video(file))
    film = _Film(file, capture)
    if not film.grab():
        capture.release()
        raise ClipUnreadable(f"{file}: no picture of this video can be decoded; {_WAY_OUT}")
    return Clip(film, camera=camera, start_ns=start_ns, rate_hz=rate_hz)


class Clip:
    """The frames of one video file, to be iterated once; closes itself when the iteration ends, or by `with`."""

    def __init__(self, film: _Film, *, camera: str, start_ns: int, rate_hz: float | None) -> None:
        """Take a film whose first picture is grabbed. Use `open_clip`."""
        self.frame_count = film.declared_frames
        self.duration_s = film.declared_s
        self.position_s = 0.0
        """Clip time of the frame given out last, in seconds."""
        self._start_ns = start_ns
        self._frames = ReadAhead(
            film.frames(camera=camera, start_ns=start_ns, pace=Pace(rate_hz)),
            depth=_READ_AHEAD_FRAMES,
            name=f"clip {camera}",
        )
        # a thread that is still decoding when the interpreter ends would abort the process
        self._ending = weakref.finalize(self, self._frames.close)

    def __iter__(self) -> Iterator[Frame]:
        with self:
            for frame in self._frames:
                self.position_s = (frame.at_ns - self._start_ns) / 1e9
                yield frame

    def __enter__(self) -> Clip:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop decoding and let go of the file."""
        self._ending()


class _Film:
    """One opened capture: where it stands, what it declares, and how many pictures came out."""

    def __init__(self, file: Path, capture: cv2.VideoCapture) -> None:
        import cv2

        fps = float(capture.get(cv2.CAP_PROP_FPS))
        count = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        known = 0 < count < 1e9 and 0 < fps < 1000  # raw streams declare nonsense
        self.declared_frames: int | None = int(count) if known else None
        self.declared_s: float | None = count / fps if known else None
        self._file = file
        self._capture = capture
        self._stamp = cv2.CAP_PROP_POS_MSEC
        self._clock = ClipClock(fps=fps)
        self._grabbed = 0
        self._refused = 0
        self._before_first_s = 0.0

    def grab(self) -> bool:
        """Decode the next picture; False at the end of the file.

        One broken packet makes OpenCV report the end, although the film goes on behind it. Asking
        again costs microseconds at the true end, so it is asked as often as pictures may be left.
        """
        left = (self.declared_frames or 0) - self._grabbed
        for refused in range(max(left, _GRAB_ATTEMPTS_MIN)):
            if self._capture.grab():
                # a recording may begin between two key pictures: what it cannot show is no damage
                self._refused += refused if self._grabbed else 0
                self._grabbed += 1
                return True
        return False

    def frames(self, *, camera: str, start_ns: int, pace: Pace) -> Iterator[Frame]:
        """All frames due, from the picture already grabbed on; releases the capture when done."""
        try:
            more = True
            self._before_first_s = max(0.0, self._capture.get(self._stamp) / 1000)
            while more:
                time_ns = self._clock.time_ns(self._capture.get(self._stamp))
                if pace.due(time_ns):
                    converted, image = self._capture.retrieve()
                    if converted and image is not None and image.size:
                        yield Frame(
                            camera=camera,
                            at_ns=start_ns + time_ns,
                            image=image.astype("uint8", copy=False),
                            index=self._grabbed - 1,
                        )
                    else:
                        self._refused += 1
                more = self.grab()
        finally:
            self._capture.release()
        self._judge()

    def _judge(self) -> None:
        decoded_s = self._clock.end_ns / 1e9
        found = f"{self._grabbed} pictures ({decoded_s:.1f} s) were decoded and used"
        if self._lacks_its_end(decoded_s):
            declared = f" of {self.declared_s:.1f} s" if (self.declared_s or 0) > decoded_s else ""
            raise ClipDamaged(f"{self._file}: the end is missing; {found}{declared}. {_COPY}")
        if self._refused:
            raise ClipDamaged(f"{self._file}: damaged at {self._refused} places inside; {found}. {_COPY}")

    def _lacks_its_end(self, decoded_s: float) -> bool:
        told = wholeness(self._file)
        # of a whole MP4 file the declared count is no measure: it has pictures that an edit list hides
        if told is not Wholeness.UNTOLD or self.declared_s is None:
            return told is Wholeness.CUT
        tolerance_s = max(_MISSING_TOLERANCE_S, 3 * self._clock.interval_ns / 1e9)
        return self.declared_s - self._before_first_s - decoded_s > tolerance_s


_WAY_OUT = "give a video file such as MP4, MKV, AVI or TS, and check it with: ffprobe FILE"
_COPY = "Copy the file again from where it was recorded"


def _refuse_what_is_no_file(file: Path) -> None:
    if not file.exists():
        raise ClipMissing(f"{file}: no such file; check the name and the folder ({Path.cwd()})")
    if not file.is_file():
        raise ClipUnreadable(f"{file}: is no file but a folder or device; give a video file")
    if not os.access(file, os.R_OK):
        raise ClipUnreadable(f"{file}: may not be read by this user; change its permissions")
    if file.stat().st_size == 0:
        raise ClipUnreadable(f"{file}: is empty (0 bytes); copy it again from where it was recorded")


def _no_video(file: Path) -> str:
    if wholeness(file) is Wholeness.CUT:
        return (
            f"{file}: the end of this file is missing, and with it the index that MP4 keeps there; nothing of "
            f"it can be read. {_COPY}, or record as MKV or fragmented MP4"
        )
    return f"{file}: holds no video that can be read; {_WAY_OUT}"
