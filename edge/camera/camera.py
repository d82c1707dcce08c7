"""A camera that is watched for months: one thread that takes every picture and keeps the newest."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from edge.camera.backoff import Backoff, OpenGate
from edge.camera.pace import Pace
from edge.camera.picture_health import PictureHealth
from edge.camera.slot import Slot
from edge.camera.source import Opener, Source, SourceLost
from edge.camera.status import CameraReason, CameraStatus, StatusKeeper
from edge.camera.stream_clock import StreamClock
from edge.flow import Frame

__all__ = ["Camera", "CameraFigures"]

_log = logging.getLogger(__name__)
_NS_PER_S = 1_000_000_000
_DECODE_ERRORS_SHARE = 0.05
_BEGINNING_NS = _NS_PER_S
"""A server may send its first picture well before the stream runs, and a decoder gives it without a stamp: measured by
it, every later picture would be old."""
_BEHIND = 3
"""Steps of nice: about half of the processor's time where both want it."""
_STEADY_NS = 5 * _NS_PER_S
"""A stream that lived so long was a good one: after it, pauses begin short again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFigures:
    """What a camera has done since its start; rates and ages are of this moment."""

    frames: int
    """Taken off the wire and decoded."""
    fps: float
    """Taken off the wire and decoded in a second, lately."""
    stream_s: float
    """Seconds of the stream's own time that were taken off the wire, pictures that nobody needs to decode included; 0
    where the source does not know."""
    decoder: str
    """Where it is decoded in fact: `cpu`, `vaapi` or `cuda`."""
    retrieved: int
    """Converted to BGR, because they were due."""
    overwritten: int
    """Due, but a newer one came before anybody took them."""
    too_old: int
    """Older than `max_frame_age_s` when they came, or when they were to be taken."""
    withheld: int
    """Frozen or black, so not handed on."""
    decode_errors: int
    opens: int
    """Attempts to open the stream."""
    reconnects: int
    """Times it was opened after the first."""
    frame_age_s: float | None
    """Since the newest picture was captured; None before the first."""
    size_px: tuple[int, int] | None
    """Width and height of the newest picture that was converted."""


class Camera:
    """Takes pictures from a source in a thread of its own, for ever, and hands on the newest that is due.

    `take` gives frames to one other thread. `told` is called with each lasting change of state, in the thread
    that found it, one call at a time; it must be quick. `check` finds what the capture thread cannot tell while
    it hangs in a read; call it about once a second. There is never more than one thread: a read that hangs is ended
    by the source's own time-outs, and the camera counts as down meanwhile.
    """

    def __init__(
        self,
        name: str,
        opener: Opener,
        *,
        told: Callable[[CameraStatus], None],
        wake: Callable[[], None] | None = None,
        detect_hz: float = 5.0,
        max_frame_age_s: float = 1.0,
        no_frames_s: float = 8.0,
        settle_s: float = 1.0,
        frozen_s: float = 10.0,
        black_s: float = 3.0,
        reconnect_min_s: float = 1.0,
        reconnect_max_s: float = 30.0,
        gate: OpenGate | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self.name = name
        self._opener = opener
        self._told = told
        self._max_frame_age_ns = round(max_frame_age_s * _NS_PER_S)
        self._no_frames_s = no_frames_s
        self._gate = gate
        self._slot = Slot(wake=wake)
        self._pace = Pace(detect_hz)
        self._health = PictureHealth(frozen_s=frozen_s, black_s=black_s)
        self._backoff = Backoff(
            least_s=reconnect_min_s,
            most_s=reconnect_max_s,
            chance=chance or random.Random(),  # noqa: S311 - jitter
        )
        self._judging = threading.RLock()
        self._status = StatusKeeper(no_frames_s=no_frames_s, settle_s=settle_s, start_ns=time.monotonic_ns())
        self._bad: tuple[CameraReason, int] | None = None
        self._arrivals: deque[int] = deque(maxlen=64)
        self._errors: deque[bool] = deque(maxlen=256)
        self._captured_ns: int | None = None
        self._size_px: tuple[int, int] | None = None
        self._frames = self._retrieved = self._too_old = self._withheld = 0
        self._decode_errors = self._opens = self._reconnects = 0
        self._stream_ms = 0.0
        self._late_since_ns: int | None = None
        self._surprise: type[Exception] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {name}", daemon=True)

    def start(self) -> None:
        """Begin to open and to take pictures."""
        # a thread that is still in OpenCV when the interpreter ends would abort the process
        atexit.register(self.stop)
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> bool:
        """Ask the thread to end and wait for it; False where it still hangs in a read."""
        self._stop.set()
        if self._thread.ident is None:
            return True
        self._thread.join(timeout_s)
        atexit.unregister(self.stop)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Is the capture thread at work? It ends at `stop` and at the end of a source that is not repeated."""
        return self._thread.is_alive()

    def take(self) -> Frame | None:
        """The newest frame, once; None where there is none, or it is older than `max_frame_age_s`."""
        frame = self._slot.take()
        if frame is None:
            return None
        if time.time_ns() - frame.at_ns > self._max_frame_age_ns:
            self._too_old += 1
            return None
        return frame

    def check(self) -> None:
        """Judge the state now. Any thread."""
        with self._judging:
            now_ns = time.monotonic_ns()
            change = self._status.change(now_ns)
            if change is None:
                return
            state, reason, since_ns, detail = change
            status = CameraStatus(
                camera=self.name, state=state, reason=reason, since_ns=_wall_ns(since_ns), detail=detail
            )
            try:
                self._told(status)
            except Exception:  # noqa: BLE001 - whoever listens, the camera goes on
                _log.exception("camera %s: its state %s was not taken", self.name, state)

    @property
    def status(self) -> CameraStatus:
        """What was told last; down for want of pictures before anything was."""
        with self._judging:
            state, reason, since_ns = self._status.told
            detail = self._status.detail
        return CameraStatus(
            camera=self.name, state=state, reason=reason, since_ns=_wall_ns(since_ns), detail=detail
        )

    def figures(self) -> CameraFigures:
        """Counters and rates. Any thread."""
        now_ns = time.monotonic_ns()
        captured_ns = self._captured_ns
        return CameraFigures(
            frames=self._frames,
            fps=_rate_hz(list(self._arrivals), now_ns),
            stream_s=self._stream_ms / 1e3,
            decoder=getattr(self._opener, "decoder", "cpu"),
            retrieved=self._retrieved,
            overwritten=self._slot.overwritten,
            too_old=self._too_old,
            withheld=self._withheld,
            decode_errors=self._decode_errors,
            opens=self._opens,
            reconnects=self._reconnects,
            frame_age_s=None if captured_ns is None else (now_ns - captured_ns) / _NS_PER_S,
            size_px=self._size_px,
        )

    def _run(self) -> None:
        _step_back()
        while not self._stop.is_set():
            pause_s = self._open_and_take()
            if pause_s is None:
                return
            # a wait in pieces, so that a state which has lasted is told in time
            ends_s = time.monotonic() + pause_s
            while (left_s := ends_s - time.monotonic()) > 0 and not self._stop.wait(min(left_s, 0.5)):
                self.check()

    def _open_and_take(self) -> float | None:
        """One life of a stream; the pause before the next, None where there shall be none."""
        source: Source | None = None
        try:
            if self._gate is not None and self._stop.wait(self._gate.wait_s()):
                return None
            self._opens += 1
            source = self._opener.open(self._stop)
            if self._opens > 1:
                self._reconnects += 1
            self._take_all(source)
        except SourceLost as lost:
            if self._stop.is_set():
                return None
            self._note(lost.reason, str(lost))
            if lost.reason is CameraReason.ENDED:
                return None
            return (
                self._backoff.longest_s()
                if lost.reason is CameraReason.AUTH_FAILED
                else self._backoff.pause_s()
            )
        except Exception as error:  # noqa: BLE001 - whatever a camera sends, its lane goes on
            if type(error) is not self._surprise:
                _log.exception("camera %s: reading %s failed", self.name, self._opener)
            self._surprise = type(error)
            self._note(CameraReason.DECODE_ERRORS, f"{self._opener}: {type(error).__name__}")
            return self._backoff.pause_s()
        finally:
            if source is not None:
                source.close()
        return None

    def _note(self, reason: CameraReason, detail: str) -> None:
        with self._judging:
            self._status.failed(reason, detail)
        self.check()

    def _take_all(self, source: Source) -> None:
        clock = StreamClock()
        errors = 0
        before_ms: float | None = None
        self._late_since_ns = None
        began_ns = time.monotonic_ns()
        while not self._stop.is_set():
            stamp_ms = source.grab()
            now_ns = time.monotonic_ns()
            self._frames += 1
            self._arrivals.append(now_ns)
            self._captured_ns = (
                now_ns
                if now_ns - began_ns < _BEGINNING_NS
                else clock.captured_ns(stamp_ms=stamp_ms, arrived_ns=now_ns)
            )
            # a source that is held to real time tells no stamps, but knows how far it is
            stream_ms = stamp_ms if stamp_ms is not None else 1e3 * getattr(source, "stream_s", 0.0)
            if before_ms is not None:
                self._stream_ms += max(0.0, stream_ms - before_ms)
            before_ms = stream_ms
            if self._late(now_ns, self._captured_ns):
                continue
            if self._pace.due(now_ns):
                self._hand_on(source, now_ns, self._captured_ns)
            self._decode_errors += source.decode_errors - errors
            self._errors.append(source.decode_errors > errors)
            errors = source.decode_errors
            self._observe(now_ns)
            if now_ns - began_ns > _STEADY_NS:
                self._backoff.reset()

    def _late(self, now_ns: int, captured_ns: int) -> bool:
        """Is this picture too old to be judged? A stream that stays behind is lost, and opened anew."""
        age_ns = now_ns - captured_ns
        if age_ns <= self._max_frame_age_ns:
            self._late_since_ns = None
            return False
        self._too_old += 1
        if self._late_since_ns is None:
            self._late_since_ns = now_ns
        elif now_ns - self._late_since_ns > self._no_frames_s * _NS_PER_S:
            raise SourceLost(
                CameraReason.NO_FRAMES, f"{self._opener}: pictures come {age_ns / _NS_PER_S:.1f} s late"
            )
        return True

    def _hand_on(self, source: Source, now_ns: int, captured_ns: int) -> None:
        image = source.retrieve()
        if image is None:
            return
        self._retrieved += 1
        self._size_px = (image.shape[1], image.shape[0])
        self._bad = self._health.judge(image, now_ns)
        if self._bad is not None:
            self._withheld += 1
            return
        self._slot.put(
            Frame(camera=self.name, at_ns=_wall_ns(captured_ns), image=image, index=self._frames - 1)
        )

    def _observe(self, now_ns: int) -> None:
        reason, since_ns = self._bad or (None, None)
        if reason is None and sum(self._errors) > max(2, _DECODE_ERRORS_SHARE * len(self._errors)):
            reason = CameraReason.DECODE_ERRORS
        with self._judging:
            self._status.picture(now_ns, bad=reason, since_ns=since_ns)
        self.check()


def _step_back() -> None:
    """Let this thread stand behind those that judge. On a full machine a picture then waits to be decoded, where a
    newer one may replace it, and not as a crop of somebody who stands at the till."""
    with contextlib.suppress(OSError, AttributeError):  # a system where threads have no priority of their own
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _BEHIND)


def _wall_ns(monotonic_ns: int) -> int:
    """A moment of the clock that never jumps, on the one that tells the time of day."""
    return time.time_ns() - (time.monotonic_ns() - monotonic_ns)


def _rate_hz(moments_ns: list[int], now_ns: int) -> float:
    recent = [moment for moment in moments_ns if now_ns - moment <= 5 * _NS_PER_S]
    if len(recent) < 2 or recent[-1] == recent[0]:
        return 0.0
    return (len(recent) - 1) * _NS_PER_S / (max(now_ns, recent[-1]) - recent[0])
