"""Tracks against the truth of a scene: who was lost, split in two, merged with somebody, or made up."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from edge.flow import Box, Face
from edge.track import Tracker, TrackState
from tests.scenes.film import Shot, Standing

__all__ = ["Followed", "Score", "actor_of", "follow", "score"]

_CUSTOMER_S = 1.0
_MERGED_SIGHTINGS, _MERGED_SHARE = 3, 0.2


@dataclass(slots=True)
class Followed:
    """One track at its end, and how often it sat on which actor (None: on nobody)."""

    state: TrackState
    actors: Counter[str | None]

    @property
    def actor(self) -> str | None:
        """Whom the track sat on most of the time."""
        return self.actors.most_common(1)[0][0]


@dataclass(slots=True, kw_only=True)
class Score:
    """Actors (or tracks) by what went wrong; all empty when all is well."""

    people: int = 0
    lost: list[str] = field(default_factory=list)
    split: list[str] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    made_up: list[str] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Take in another scene."""
        self.people += other.people
        for wrong in ("lost", "split", "merged", "made_up"):
            getattr(self, wrong).extend(getattr(other, wrong))

    def clean(self) -> bool:
        """Is nothing wrong?"""
        return not (self.lost or self.split or self.merged or self.made_up)

    def names(self) -> dict[str, list[str]]:
        """Who it was, by what went wrong."""
        wrongs = ("lost", "split", "merged", "made_up")
        return {wrong: getattr(self, wrong) for wrong in wrongs if getattr(self, wrong)}

    def __str__(self) -> str:
        counts = [f"{wrong} {len(getattr(self, wrong))}" for wrong in ("lost", "split", "merged", "made_up")]
        return f"{self.people} people: {', '.join(counts)}"


def actor_of(box_px: Box, truth: Iterable[Standing]) -> str | None:
    """Whose face a box shows, by middle and size; None for nobody's."""
    best: tuple[float, str | None] = (0.6, None)
    x, y, size = _place(box_px)
    for standing in truth:
        true_x, true_y, true_size = _place(standing.box_px)
        apart = math.hypot(x - true_x, y - true_y) / true_size
        if apart < best[0] and 0.5 < size / true_size < 1.8 and standing.visible > 0.15:
            best = (apart, standing.actor)
    return best[1]


def follow(tracker: Tracker, shots: Iterable[tuple[Shot, list[Face]]]) -> list[Followed]:
    """Drive a tracker through a scene; every track that it told of, in order of first sight."""
    actors: dict[int, Counter[str | None]] = {}
    ended: list[TrackState] = []
    for shot, faces in shots:
        update = tracker.update(shot.at_ns, faces, shot.image)
        ended.extend(update.ended)
        for state, face in update.seen:
            actors.setdefault(state.key, Counter())[actor_of(face.box_px, shot.truth)] += 1
    ended.extend(tracker.finish())
    return [Followed(state, actors[state.key]) for state in sorted(ended, key=lambda state: state.key)]


def score(tracks: Iterable[Followed], *, roles: dict[str, str]) -> Score:
    """Judge the tracks that count; `roles` names every actor's role. Customers and companions must be found."""
    wanted = [actor for actor, role in roles.items() if role in ("customer", "companion")]
    found, as_customer = Counter[str | None](), Counter[str | None]()
    result = Score(people=len(wanted))
    for track in tracks:
        if not track.state.counts:
            continue
        found[track.actor] += 1
        as_customer[track.actor] += track.state.customer_zone_s >= _CUSTOMER_S
        for other, sightings in track.actors.items():
            enough = sightings >= max(_MERGED_SIGHTINGS, _MERGED_SHARE * track.state.sightings)
            if enough and other not in (None, track.actor):
                result.merged.append(f"{track.actor}+{other}")
        if track.actor is None or roles[track.actor] in ("cashier", "poster"):
            result.made_up.append(f"{track.actor}@{track.state.first_ns / 1e9:.1f}")
    result.lost = [actor for actor in wanted if not as_customer[actor]]
    result.split = [actor for actor in roles if found[actor] > 1]
    return result


def _place(box_px: Box) -> tuple[float, float, float]:
    x, y, width, height = box_px
    return x + width / 2, y + height / 2, math.sqrt(max(width, 0.5 * height) * height)
