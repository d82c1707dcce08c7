"""`replay`: a clip through the same parts as the daemon, from one thread, in the clip's own time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edge.camera import Clip, ClipDamaged
from edge.events import CloudEvent, Sequencer, age_event
from edge.flow import TrackReport
from edge.vision import STAGES, Vision

__all__ = ["Replay", "Site"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where events come from: the first two parts of their `source`."""

    store: str = "store-1"
    box: str = "box-1"


class Replay:
    """The events of one clip, in order; the same ones at every run on any machine load."""

    def __init__(
        self, *, clip: Clip, vision: Vision, site: Site, camera: str, detector_name: str, detect_hz: float
    ) -> None:
        self.clip = clip
        self.detector_name = detector_name
        self.detect_hz = detect_hz
        self._vision = vision
        self._site = site
        self._camera = camera
        self._sequencer = Sequencer()
        self._events_ns = 0
        self._decode_ns = 0

    def events(self, *, progress: Callable[[float], None] = lambda _s: None) -> Iterator[CloudEvent]:
        """Every event of the clip; `progress` hears the clip time in seconds after each frame.

        Raises `ClipDamaged` after the last event that a damaged clip still tells.
        """
        damage: ClipDamaged | None = None
        try:
            for report in self._reports(progress):
                if report.ended:
                    yield self._event(report)
        except ClipDamaged as error:
            damage = error
        for report in self._vision.end(self._camera):
            if report.ended:
                yield self._event(report)
        if damage is not None:
            raise damage

    def stage_ns(self) -> dict[str, int]:
        """Nanoseconds by stage so far: waiting for the decoder, the stages of `Vision`, making events."""
        spent = {"decode": self._decode_ns}
        spent.update({stage: self._vision.stages.total_ns[stage] for stage in STAGES})
        spent["events"] = self._events_ns
        return spent

    def _reports(self, progress: Callable[[float], None]) -> Iterator[TrackReport]:
        frames = iter(self.clip)
        while True:
            began_ns = time.perf_counter_ns()
            frame = next(frames, None)
            self._decode_ns += time.perf_counter_ns() - began_ns
            if frame is None:
                return
            yield from self._vision.step([frame])
            progress(self.clip.position_s)

    def _event(self, report: TrackReport) -> CloudEvent:
        began_ns = time.perf_counter_ns()
        event = self._sequencer.number(age_event(report, store=self._site.store, box=self._site.box))
        self._events_ns += time.perf_counter_ns() - began_ns
        return event
