"""Who is the customer of a receipt: a written score over who stood at the till while goods were scanned.

For every track of the lane, over the span from the receipt's first item to its total:

    presence = share of the span in the customer zone (sightings, gaps up to `GAP_S` bridged)
    nearness = median face width there / the widest such median among the candidates
    score    = presence · nearness

Who was there for less than `PRESENCE_MIN_S` and less than half of the span is no candidate. A track left over from
the customer before is recognised by its leaving: it was gone in the later half of the span, so its presence is small,
and a receipt that closed before binds it (`served`). The best score is the payer, unless the second comes within
`AMBIGUOUS_RATIO` of it: then nobody is, because a guess would accuse somebody. The others are companions.

Everything is a function of event times; no order of arrival enters.
"""

from __future__ import annotations

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["AMBIGUOUS_RATIO", "Candidate", "PartyVerdict", "Standing", "choose_payer"]

GAP_S = 3.0
"""A face that looks away for so long has not left. On composed lanes 1 to 5 s give the same payers."""
_GAP_NS = round(GAP_S * 1e9)
PRESENCE_MIN_S = 0.6
"""Three sightings at five searches a second: less may be somebody who walks by. 0.2 to 1.5 give the same payers."""
SHORT_SPAN_S = 1.0
"""A receipt of one item has no span to speak of: it is widened to so much before its total."""
AMBIGUOUS_RATIO = 0.975
"""A second who stood there as long and as near: nobody can tell from outside who pays.

Measured on 24 composed lanes with YuNet (`python -m tests.rules.measure_party`): of 106 receipts of people alone 105
found their payer (one took a false face), of 38 with somebody beside them 37, one was ambiguous, none wrong. At 0.96
three are ambiguous, at 0.99 one is wrong. With MTCNN (18 lanes, its
boxes are less steady): of 108 receipts 104 right, three ambiguous, one companion taken for the payer.
"""
SERVED_FACTOR = 0.25
"""Who paid the receipt before rarely pays this one too, but may: the score is cut, not voided. Judgement, not a
measured number: on composed lanes, where everybody leaves, 0.1 to 1 give the same payers."""


@dataclass(slots=True)
class Standing:
    """When one track was in the customer zone and how near: times in nanoseconds, rising, and face widths in pixels."""

    at_ns: list[int] = field(default_factory=list)
    face_px: list[float] = field(default_factory=list)
    _there_ns: list[int] = field(default_factory=list)

    def add(self, at_ns: int, face_px: float) -> None:
        """One more sighting, usually the newest."""
        if not self.at_ns or at_ns > self.at_ns[-1]:
            self._append(at_ns, face_px)
            return
        place = bisect_left(self.at_ns, at_ns)
        if self.at_ns[place] == at_ns:
            return
        later = list(zip(self.at_ns[place:], self.face_px[place:], strict=True))
        del self.at_ns[place:], self.face_px[place:], self._there_ns[place:]
        for one in [(at_ns, face_px), *later]:
            self._append(*one)

    def within(self, from_ns: int, to_ns: int) -> bool:
        """Was there any sighting in the span?"""
        place = bisect_left(self.at_ns, from_ns)
        return place < len(self.at_ns) and self.at_ns[place] <= to_ns

    def seconds(self, from_ns: int, to_ns: int) -> float:
        """Seconds of presence within the span, gaps up to `GAP_S` bridged, knowing nothing of what comes after it."""
        last = bisect_right(self.at_ns, to_ns) - 1
        before = bisect_right(self.at_ns, from_ns) - 1
        if last < 0:
            return 0.0
        if before < 0:
            return self._there_ns[last] / 1e9
        there_ns = self._there_ns[last] - self._there_ns[before]
        if before < last and self._there_ns[before + 1] > self._there_ns[before]:
            there_ns -= from_ns - self.at_ns[before]
        return there_ns / 1e9

    def nearness_px(self, from_ns: int, to_ns: int) -> float:
        """Median face width within the span, in which there is at least one sighting."""
        first, past = bisect_left(self.at_ns, from_ns), bisect_right(self.at_ns, to_ns)
        return statistics.median(self.face_px[first:past])

    def _append(self, at_ns: int, face_px: float) -> None:
        there_ns = 0
        if self.at_ns:
            gap_ns = at_ns - self.at_ns[-1]
            there_ns = self._there_ns[-1] + (gap_ns if gap_ns <= _GAP_NS else 0)
        self.at_ns.append(at_ns)
        self.face_px.append(face_px)
        self._there_ns.append(there_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One track and its score for one receipt, for the record (`explain`)."""

    track: str
    presence: float
    face_px: float
    served_before: bool
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyVerdict:
    """Payer (None where nobody or nobody for sure), companions, and every candidate best first."""

    payer: str | None
    companions: tuple[str, ...]
    ambiguous: bool
    candidates: tuple[Candidate, ...]


def choose_payer(
    standing: Mapping[str, Standing], *, from_ns: int, to_ns: int, served: Collection[str] = ()
) -> PartyVerdict:
    """Judge who stood in the customer zone over the span `from_ns` to `to_ns` (first item to total).

    `standing` is by track and may hold more than the span. `served` are payers of receipts that closed before.
    """
    from_ns = min(from_ns, to_ns - round(SHORT_SPAN_S * 1e9))
    span_s = (to_ns - from_ns) / 1e9
    measured: list[tuple[str, float, float]] = []
    for track, own in sorted(standing.items()):
        if not own.within(from_ns, to_ns):
            continue
        present_s = own.seconds(from_ns, to_ns)
        if present_s >= PRESENCE_MIN_S or present_s >= span_s / 2:
            measured.append((track, present_s / span_s, own.nearness_px(from_ns, to_ns)))
    if not measured:
        return PartyVerdict(payer=None, companions=(), ambiguous=False, candidates=())
    return _rank(measured, served)


def _rank(measured: Sequence[tuple[str, float, float]], served: Collection[str]) -> PartyVerdict:
    nearest_px = max(face_px for _, _, face_px in measured)
    ranked = sorted(
        (
            Candidate(
                track=track,
                presence=presence,
                face_px=face_px,
                served_before=track in served,
                score=presence * face_px / nearest_px * (SERVED_FACTOR if track in served else 1.0),
            )
            for track, presence, face_px in measured
        ),
        key=lambda candidate: (-candidate.score, candidate.track),
    )
    ambiguous = len(ranked) > 1 and ranked[1].score >= AMBIGUOUS_RATIO * ranked[0].score
    payer = None if ambiguous else ranked[0].track
    return PartyVerdict(
        payer=payer,
        companions=tuple(candidate.track for candidate in ranked if candidate.track != payer),
        ambiguous=ambiguous,
        candidates=tuple(ranked),
    )
