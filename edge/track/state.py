"""What a tracker tells: who is seen in a frame, and who has gone."""

from __future__ import annotations

from dataclasses import dataclass

from edge.flow import Box, Face, Zone

__all__ = ["TrackState", "TrackUpdate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackState:
    """One person as tracked until now, or until the end.

    `key` counts the tracks of one tracker from 1, in order of first sight. Seconds are event time from first to last
    sight, gaps included, shared out over the zones in which the face was before and after; `zone` is where most of
    them were spent. `box_px` is the latest box, `largest_box_px` the largest. `still_s`: for so long the face has
    not moved beyond the detector's jitter.

    `counts`: this is a person in front of the till who deserves an age event. Not so: a face that never moved (a
    poster), somebody mostly in the cashier zone, and a sight too short to be a person at all.
    """

    key: int
    first_ns: int
    last_ns: int
    sightings: int
    zone: Zone
    customer_zone_s: float
    cashier_zone_s: float
    box_px: Box
    largest_box_px: Box
    still_s: float
    is_still: bool
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackUpdate:
    """One frame's news: tracks with their face in it, in order of `key`, and tracks that ended, likewise."""

    seen: tuple[tuple[TrackState, Face], ...] = ()
    ended: tuple[TrackState, ...] = ()
