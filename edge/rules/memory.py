"""What one lane has seen: sightings and estimates in event time, forgotten when no receipt can need them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from edge.flow import AgeEstimate, Sighting, TrackReport

__all__ = ["LaneMemory"]


class LaneMemory:
    """Sightings and the history of estimates of one lane's tracks. Order of arrival does not matter.

    Bounded by `forget`: the lane's rules say up to which moment nothing is needed any more.
    """

    def __init__(self) -> None:
        self._sightings: dict[str, list[Sighting]] = {}
        self._history: dict[str, list[tuple[int, AgeEstimate]]] = {}
        self._model: dict[str, str] = {}

    def see(self, sightings: Iterable[Sighting]) -> None:
        """Take in who stood where."""
        for seen in sightings:
            self._sightings.setdefault(seen.track, []).append(seen)

    def learn(self, report: TrackReport) -> None:
        """Take in an estimate, true from the report's last sight on."""
        history = self._history.setdefault(report.track, [])
        entry = (report.to_ns, report.estimate)
        if not history or history[-1][1] != report.estimate:
            history.append(entry)
            history.sort(key=lambda known: known[0])
        self._model[report.track] = report.model

    def sightings(self, from_ns: int, to_ns: int) -> list[Sighting]:
        """All sightings of the span, and what is needed on either side of it to bridge gaps: the tracks' whole ones."""
        return [
            seen
            for own in self._sightings.values()
            if any(from_ns <= seen.at_ns <= to_ns for seen in own)
            for seen in own
        ]

    def estimate(self, track: str, at_ns: int) -> AgeEstimate | None:
        """What was known of a track's age at a moment; None before its first report."""
        history = self._history.get(track, [])
        number = bisect_right(history, at_ns, key=lambda known: known[0])
        return history[number - 1][1] if number else None

    def changes(self, from_ns: int, to_ns: int) -> list[int]:
        """The moments within the span at which any estimate changed."""
        return sorted(
            {at_ns for own in self._history.values() for at_ns, _ in own if from_ns <= at_ns <= to_ns}
        )

    def model(self, track: str | None) -> str:
        """The model that read a track; empty where nothing was read."""
        return self._model.get(track, "") if track is not None else ""

    def forget(self, before_ns: int) -> None:
        """Drop every track that was seen last before this moment."""
        for track in [own for own, seen in self._sightings.items() if seen[-1].at_ns < before_ns]:
            del self._sightings[track]
        for track in [own for own, known in self._history.items() if known[-1][0] < before_ns]:
            if track not in self._sightings:
                del self._history[track]
                self._model.pop(track, None)
