"""The vision thread: takes the newest frame of every camera, judges them in one batch, hands on what it found."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.camera import Camera
from edge.flow import Frame, Sighting, TrackReport
from edge.vision import StageTimes, Vision

__all__ = ["Judged", "VisionLoop"]

_log = logging.getLogger(__name__)
_IDLE_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one batch of frames told. `captured_ns` is the capture of the oldest frame in it, None without a frame."""

    reports: tuple[TrackReport, ...]
    sightings: tuple[Sighting, ...]
    captured_ns: int | None


class VisionLoop:
    """One thread over all cameras."""

    def __init__(
        self,
        *,
        vision: Vision,
        tell: Callable[[Judged], None],
    ) -> None:
        """`tell` runs in this thread and must not block. Cameras come by `watch`, before `start`."""
        self._vision = vision
        self._cameras: dict[str, Camera] = {}
        self._newest_ns: dict[str, int] = {}
        self._tell = tell
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._lost: set[str] = set()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="vision", daemon=True)
        self.looks: list[Callable[[Sequence[Frame]], None]] = []
        """Shown every batch of frames before it is judged, in this thread: be quick, and keep no picture."""
        self.judged: Counter[str] = Counter()
        self.failures = 0
        self.beat_s = time.monotonic()

    @property
    def stages(self) -> StageTimes:
        """Where this thread's time went so far."""
        return self._vision.stages

    def watch(self, camera: Camera) -> None:
        """Take this camera's frames too; it must call `wake` for each."""
        self._cameras[camera.name] = camera

    def start(self) -> None:
        """Judge from now on."""
        self._thread.start()

    def wake(self) -> None:
        """There is a new frame in a slot."""
        self._wake.set()

    def camera_lost(self, camera: str) -> None:
        """The camera shows nothing any more: whoever stood before it is told as gone."""
        with self._lock:
            self._lost.add(camera)
        self._wake.set()

    def stop(self) -> None:
        """End after the batch under way; everybody who is still tracked is told as gone."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(_IDLE_S)
            self._wake.clear()
            try:
                self._turn()
            except Exception:  # noqa: BLE001 - see below
                # A picture that breaks a stage must not end the lane; the loop goes on and the fault is counted.
                self.failures += 1
                _log.exception("a batch of frames could not be judged", extra={"count": self.failures})
            self.beat_s = time.monotonic()
        for camera in self._cameras:
            self._end(camera)

    def _turn(self) -> None:
        with self._lock:
            lost, self._lost = self._lost, set()
        for camera in sorted(lost):
            self._end(camera)
        frames = self._fresh()
        if not frames:
            return
        for look in self.looks:
            look(frames)
        reports = self._vision.step(frames)
        for frame in frames:
            if not self.judged[frame.camera]:
                _log.info("first frame judged", extra={"camera": frame.camera})
            self.judged[frame.camera] += 1
        self._tell(
            Judged(
                reports=tuple(reports),
                sightings=tuple(self._vision.sightings),
                captured_ns=min(frame.at_ns for frame in frames),
            )
        )

    def _fresh(self) -> list[Frame]:
        fresh = []
        for name, camera in self._cameras.items():
            frame = camera.take()
            if frame is None:
                continue
            if frame.at_ns <= self._newest_ns.get(name, 0):
                # The clock was set back: tracks cannot be measured across the step, so they end here.
                _log.warning("the clock went back; tracks of the camera end", extra={"camera": name})
                self._end(name)
            self._newest_ns[name] = frame.at_ns
            fresh.append(frame)
        return fresh

    def _end(self, camera: str) -> None:
        reports = self._vision.end(camera)
        if reports:
            self._tell(Judged(reports=tuple(reports), sightings=(), captured_ns=None))
