"""What one lane has seen: who stood where and what was known of whom, in event time; forgotten in time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from edge.flow import AgeEstimate, Sighting, TrackReport, UnknownReason, Zone
from edge.rules.party import Standing

__all__ = ["UNREAD", "LaneMemory"]

UNREAD = AgeEstimate(reason=UnknownReason.TOO_SHORT)
"""What is known of somebody of whom no face was read yet."""


@dataclass(slots=True)
class _Person:
    standing: Standing = field(default_factory=Standing)
    known: list[TrackReport] = field(default_factory=list)
    frozen_ns: int | None = None
    last_ns: int = 0


class LaneMemory:
    """Sightings and reports of one lane's tracks. Order of arrival does not matter.

    Bounded by `forget`: the lane's rules say up to which moment nothing is needed any more.
    """

    def __init__(self) -> None:
        self._people: dict[str, _Person] = {}

    def see(self, sightings: Iterable[Sighting]) -> None:
        """Take in who stood where."""
        for seen in sightings:
            person = self._people.setdefault(seen.track, _Person())
            person.last_ns = max(person.last_ns, seen.at_ns)
            if seen.zone is Zone.CUSTOMER:
                person.standing.add(seen.at_ns, seen.face_px)

    def learn(self, report: TrackReport) -> None:
        """Take in an estimate, true from the report's last sight on."""
        person = self._people.setdefault(report.track, _Person())
        person.last_ns = max(person.last_ns, report.to_ns)
        known = person.known
        if not known or known[-1].estimate != report.estimate:
            known.append(report)
            if len(known) > 1 and known[-2].to_ns > report.to_ns:
                known.sort(key=lambda one: one.to_ns)

    def standing(self, from_ns: int, to_ns: int) -> dict[str, Standing]:
        """Everybody who was in the customer zone within the span."""
        return {
            track: person.standing
            for track, person in self._people.items()
            if person.standing.within(from_ns, to_ns)
        }

    def report(self, track: str, at_ns: int) -> TrackReport | None:
        """The newest report of a track up to a moment, and up to where it was frozen; None before its first."""
        person = self._people.get(track)
        if person is None:
            return None
        if person.frozen_ns is not None:
            at_ns = min(at_ns, person.frozen_ns)
        number = bisect_right(person.known, at_ns, key=lambda one: one.to_ns)
        return person.known[number - 1] if number else None

    def estimate(self, track: str, at_ns: int) -> AgeEstimate:
        """What was known of a track's age at a moment; `UNREAD` before its first report."""
        report = self.report(track, at_ns)
        return UNREAD if report is None else report.estimate

    def freeze(self, track: str, at_ns: int) -> None:
        """What is learnt after this moment no longer counts. The first call for a track holds."""
        person = self._people.get(track)
        if person is not None and person.frozen_ns is None:
            person.frozen_ns = at_ns

    def changes(self, from_ns: int, to_ns: int) -> list[int]:
        """The moments within the span at which any estimate changed."""
        return sorted(
            {
                one.to_ns
                for person in self._people.values()
                for one in person.known
                if from_ns <= one.to_ns <= to_ns
            }
        )

    def model(self, track: str | None) -> str:
        """The model that read a track; empty where nothing was read."""
        person = self._people.get(track) if track is not None else None
        return person.known[-1].model if person is not None and person.known else ""

    def forget(self, before_ns: int) -> None:
        """Drop every track that was seen last before this moment."""
        for track in [own for own, person in self._people.items() if person.last_ns < before_ns]:
            del self._people[track]
