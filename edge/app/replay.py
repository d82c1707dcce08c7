"""`replay`: a clip through the same parts as the daemon, from one thread, in the clip's own time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from edge.app.sale_events import SaleEvents
from edge.camera import Clip, ClipDamaged
from edge.events import CloudEvent, Sequencer, age_event
from edge.flow import Sighting, TillEvent, TrackReport
from edge.rules import Decision, LaneRules, in_till_order
from edge.vision import STAGES, Vision

__all__ = ["Replay", "Site", "TillReplay"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where events come from: the first two parts of their `source`."""

    store: str = "store-1"
    box: str = "box-1"


class TillReplay:
    """The till's side of a replayed lane: its events come when the clip has reached their time.

    Prompts are told at once, outcomes and alerts after the policy's lateness, all in the clip's time. At the clip's
    end a receipt that is still open is abandoned; what the till tells after it no longer counts, except that a
    receipt which begins there is abandoned too.
    """

    def __init__(self, *, rules: LaneRules, events: Sequence[TillEvent], sales: SaleEvents) -> None:
        self._rules = rules
        self._sales = sales
        self._offset_ns = rules.policy.clock_offset_ns
        self._waiting = deque(in_till_order(events))
        self._known: set[str] = set()

    def until(self, now_ns: int) -> Iterator[CloudEvent]:
        """The till's events before this moment, each at its own time."""
        while self._waiting and self._waiting[0].at_ns + self._offset_ns < now_ns:
            event = self._waiting.popleft()
            self._known.add(event.receipt)
            yield from self._events(self._rules.tick(event.at_ns + self._offset_ns))
            yield from self._events(self._rules.on_till(event))

    def seen(
        self, now_ns: int, reports: Iterable[TrackReport], sightings: Iterable[Sighting]
    ) -> Iterator[CloudEvent]:
        """One judged frame."""
        self._rules.on_sightings(sightings)
        for report in reports:
            yield from self._events(self._rules.on_age(report))
        yield from self._events(self._rules.tick(now_ns))

    def end(self, now_ns: int) -> Iterator[CloudEvent]:
        """The clip is over."""
        yield from self.until(now_ns + 1)
        for event in self._waiting:
            if event.receipt not in self._known:
                self._known.add(event.receipt)
                yield from self._events(self._rules.on_till(event))
        yield from self._events(self._rules.finish(now_ns))

    def _events(self, decisions: Iterable[Decision]) -> Iterator[CloudEvent]:
        return map(self._sales.event, decisions)


class Replay:
    """The events of one clip, in order; the same ones at every run on any machine load."""

    def __init__(
        self,
        *,
        clip: Clip,
        vision: Vision,
        site: Site,
        camera: str,
        detector_name: str,
        detect_hz: float,
        till: TillReplay | None = None,
        start_ns: int = 0,
    ) -> None:
        """Without `till` only ages are told."""
        self.clip = clip
        self.detector_name = detector_name
        self.detect_hz = detect_hz
        self._vision = vision
        self._site = site
        self._camera = camera
        self._till = till
        self._start_ns = self._now_ns = start_ns
        self._sequencer = Sequencer()
        self._events_ns = 0
        self._decode_ns = 0

    def events(self, *, progress: Callable[[float], None] = lambda _s: None) -> Iterator[CloudEvent]:
        """Every event of the clip; `progress` hears the clip time in seconds after each frame.

        Raises `ClipDamaged` after the last event that a damaged clip still tells.
        """
        for event in self._unnumbered(progress):
            yield self._sequencer.number(event)

    def stage_ns(self) -> dict[str, int]:
        """Nanoseconds by stage so far: waiting for the decoder, the stages of `Vision`, making events."""
        spent = {"decode": self._decode_ns}
        spent.update({stage: self._vision.stages.total_ns[stage] for stage in STAGES})
        spent["events"] = self._events_ns
        return spent

    def _unnumbered(self, progress: Callable[[float], None]) -> Iterator[CloudEvent]:
        damage: ClipDamaged | None = None
        try:
            yield from self._frames(progress)
        except ClipDamaged as error:
            damage = error
        yield from self._timed(self._judged(self._vision.end(self._camera), ()))
        if self._till is not None:
            yield from self._timed(self._till.end(self._end_ns(damage)))
        if damage is not None:
            raise damage

    def _frames(self, progress: Callable[[float], None]) -> Iterator[CloudEvent]:
        frames = iter(self.clip)
        while True:
            began_ns = time.perf_counter_ns()
            frame = next(frames, None)
            self._decode_ns += time.perf_counter_ns() - began_ns
            if frame is None:
                return
            if self._till is not None:
                yield from self._timed(self._till.until(frame.at_ns))
            self._now_ns = frame.at_ns
            reports = self._vision.step([frame])
            yield from self._timed(self._judged(reports, self._vision.sightings))
            progress(self.clip.position_s)

    def _judged(self, reports: Iterable[TrackReport], sightings: Iterable[Sighting]) -> Iterator[CloudEvent]:
        if self._till is not None:
            return self._till.seen(self._now_ns, reports, sightings)
        ended = (report for report in reports if report.ended)
        return (age_event(report, store=self._site.store, box=self._site.box) for report in ended)

    def _end_ns(self, damage: ClipDamaged | None) -> int:
        """The clip's end: what its length says, where it was read to the end."""
        length_s = None if damage is not None else self.clip.duration_s
        if length_s is None:
            return self._now_ns
        return max(self._now_ns, self._start_ns + round(length_s * 1e9))

    def _timed(self, events: Iterator[CloudEvent]) -> Iterator[CloudEvent]:
        while True:
            began_ns = time.perf_counter_ns()
            event = next(events, None)
            self._events_ns += time.perf_counter_ns() - began_ns
            if event is None:
                return
            yield event
