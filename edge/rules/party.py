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
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from edge.flow import Sighting, Zone

__all__ = ["AMBIGUOUS_RATIO", "Candidate", "PartyVerdict", "choose_payer", "presence_s"]

GAP_S = 3.0
"""A face that looks away for so long has not left (tracks bridge the same gap)."""
PRESENCE_MIN_S = 0.6
"""Three sightings at five searches a second: less may be somebody who walks by."""
SHORT_SPAN_S = 1.0
"""A receipt of one item has no span to speak of: it is widened to so much before its total."""
AMBIGUOUS_RATIO = 0.96
"""A second who stood there as long and as near: nobody can tell from outside who pays."""
SERVED_FACTOR = 0.25
"""Who paid the receipt before rarely pays this one too, but may: the score is cut, not voided."""


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
    sightings: Iterable[Sighting], *, from_ns: int, to_ns: int, served: Collection[str] = ()
) -> PartyVerdict:
    """Judge the sightings of one lane over the span `from_ns` to `to_ns` (first item to total).

    `served` are payers of receipts that closed before. Sightings may come in any order.
    """
    from_ns = min(from_ns, to_ns - round(SHORT_SPAN_S * 1e9))
    by_track: dict[str, list[Sighting]] = {}
    for seen in sightings:
        if seen.zone is Zone.CUSTOMER:
            by_track.setdefault(seen.track, []).append(seen)
    span_s = (to_ns - from_ns) / 1e9
    measured: list[tuple[str, float, float]] = []
    for track, own in sorted(by_track.items()):
        inside = [seen for seen in own if from_ns <= seen.at_ns <= to_ns]
        if not inside:
            continue
        present_s = presence_s(sorted(seen.at_ns for seen in own), from_ns=from_ns, to_ns=to_ns)
        if present_s >= PRESENCE_MIN_S or present_s >= span_s / 2:
            measured.append((track, present_s / span_s, statistics.median(seen.face_px for seen in inside)))
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


def presence_s(at_ns: Sequence[int], *, from_ns: int, to_ns: int) -> float:
    """Seconds of presence within the span: rising times of sightings, gaps of at most `GAP_S` bridged."""
    gap_ns = round(GAP_S * 1e9)
    total_ns = 0
    for before, after in pairwise(at_ns):
        if after - before <= gap_ns:
            total_ns += max(0, min(after, to_ns) - max(before, from_ns))
    return total_ns / 1e9
