"""Every event type there is: its data, its topic word and who may have it; and how to build one.

This table is the one place that knows them; `schemas.md` pins the names and a test compares the two. Types of our own
beside the pinned ones are told in docs/pages.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from edge.events.cloudevent import CloudEvent, EventError, event_id, lane_source
from edge.events.rfc3339 import format_time
from edge.flow import AgeEstimate, CameraReason, CameraState, TrackReport

__all__ = [
    "AGE_ESTIMATED",
    "ALERT_ACKNOWLEDGED",
    "ALERT_ESCALATED",
    "ALERT_RAISED",
    "CAMERA_STATUS",
    "CHECK_REQUESTED",
    "EVENT_TYPES",
    "MODEL_WARNING",
    "OFFER_SUGGESTED",
    "SALE_OUTCOME",
    "SHIFT_DIGEST",
    "WHOLE_BOX",
    "CameraReason",
    "CameraState",
    "EventType",
    "Purpose",
    "age_event",
    "age_figures",
    "build_event",
    "camera_status_event",
    "p_under_figures",
]


class Purpose(StrEnum):
    """What a sink is for; it decides which event types may ever reach it."""

    SECURITY = "security"
    MARKETING = "marketing"
    OPERATIONS = "operations"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """One type: `word` ends its MQTT topic, `fields` must all stand in its data, in this order."""

    name: str
    word: str
    purposes: frozenset[Purpose]
    fields: tuple[str, ...]


_SECURITY = frozenset({Purpose.SECURITY})
_MARKETING = frozenset({Purpose.MARKETING})
# A blind camera is the technician's work and a gap in the evidence of security.
_HEALTH = frozenset({Purpose.OPERATIONS, Purpose.SECURITY})


def _type(name: str, word: str, purposes: frozenset[Purpose], fields: str) -> EventType:
    return EventType(name=name, word=word, purposes=purposes, fields=tuple(fields.split()))


AGE_ESTIMATED = _type(
    "checkout.age.estimated.v1",
    "age",
    _SECURITY,
    "lane camera track zone role from to age p_under seen crops quality face_px reason model",
)
CAMERA_STATUS = _type("checkout.camera.status.v1", "camera", _HEALTH, "lane camera state reason since")
CHECK_REQUESTED = _type(
    "checkout.check.requested.v1",
    "check",
    _SECURITY,
    "lane receipt track p_under challenge_age items policy",
)
SALE_OUTCOME = _type(
    "checkout.sale.outcome.v1",
    "outcome",
    _SECURITY,
    "lane receipt outcome reason track age p_under check_delay_s model policy",
)
ALERT_RAISED = _type(
    "checkout.alert.raised.v1",
    "alert",
    _SECURITY,
    "lane alert kind severity receipt items camera from to age p_under count vms_url model policy "
    "clock_offset_s",
)
ALERT_ACKNOWLEDGED = _type("checkout.alert.acknowledged.v1", "ack", _SECURITY, "lane alert by outcome note")
OFFER_SUGGESTED = _type("checkout.offer.suggested.v1", "offer", _MARKETING, "lane receipt items band")
MODEL_WARNING = _type("checkout.model.warning.v1", "warning", _HEALTH, "lane kind figures")

# Beside the pinned types, for people who look after alerts; `lane` of the digest is `WHOLE_BOX`.
ALERT_ESCALATED = _type(
    "checkout.alert.escalated.v1", "escalation", _SECURITY, "lane alert kind severity receipt raised minutes"
)
SHIFT_DIGEST = _type("checkout.shift.digest.v1", "digest", _SECURITY, "lane from to count sales lanes")

WHOLE_BOX = "-"
"""Stands for the lane where an event is about the whole box; no lane can be called so."""

EVENT_TYPES: Mapping[str, EventType] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            AGE_ESTIMATED,
            CAMERA_STATUS,
            CHECK_REQUESTED,
            SALE_OUTCOME,
            ALERT_RAISED,
            ALERT_ACKNOWLEDGED,
            OFFER_SUGGESTED,
            MODEL_WARNING,
            ALERT_ESCALATED,
            SHIFT_DIGEST,
        )
    }
)
"""By name. A type that is not here is delivered to nobody."""


def build_event(
    kind: EventType,
    *,
    store: str,
    box: str,
    lane: str,
    subject: str,
    at_ns: int,
    data: Mapping[str, Any],
    identity: Sequence[str | int] = (),
) -> CloudEvent:
    """Build an event without a sequence; `lane` is added to `data`, `identity` as in `event_id`.

    The fields of the type come first and in their order, others after them. Raises EventError with
    the field that is missing.
    """
    source = lane_source(store, box, lane)
    complete = {"lane": lane, **data}
    missing = [name for name in kind.fields if name not in complete]
    if missing:
        raise EventError(f"{kind.name} of {subject!r}: data lacks {', '.join(missing)}")
    ordered = {name: complete.pop(name) for name in kind.fields}
    return CloudEvent(
        id=event_id(source, kind.name, subject, identity),
        source=source,
        type=kind.name,
        subject=subject,
        time=format_time(at_ns),
        data={**ordered, **complete},
    )


def age_figures(estimate: AgeEstimate) -> dict[str, float] | None:
    """`age` as events carry it: years to 2 decimals, or None where the age is unknown.

    Raises EventError where an estimate has a mean but lacks one of the other figures.
    """
    if estimate.mean_years is None:
        return None
    if estimate.median_years is None or estimate.low_years is None or estimate.high_years is None:
        raise EventError(f"age: an estimate with a mean needs median, low and high too; got {estimate}")
    return {
        "mean": round(float(estimate.mean_years), 2),
        "median": round(float(estimate.median_years), 2),
        "low": round(float(estimate.low_years), 2),
        "high": round(float(estimate.high_years), 2),
        "coverage": round(float(estimate.coverage), 4),
    }


def p_under_figures(estimate: AgeEstimate) -> dict[str, float] | None:
    """`p_under` as events carry it: by age in rising order, to 4 decimals; None where the age is unknown."""
    if estimate.mean_years is None:
        return None
    return {str(age): round(float(p), 4) for age, p in sorted(estimate.p_under.items())}


def age_event(report: TrackReport, *, store: str, box: str) -> CloudEvent:
    """Tell what is known of one person when the track has ended; without a sequence yet.

    The track and its first sight are the fact: another model or one crop more leaves the id as it is.
    Raises EventError for a report that has not ended, since there is one event a track.
    """
    if not report.ended:
        raise EventError(f"track {report.track}: only a track that has ended gives an age event")
    estimate = report.estimate
    return build_event(
        AGE_ESTIMATED,
        store=store,
        box=box,
        lane=report.lane,
        subject=report.track,
        at_ns=report.to_ns,
        identity=(report.camera, format_time(report.from_ns)),
        data={
            "camera": report.camera,
            "track": report.track,
            "zone": report.zone.value,
            "role": report.role.value,
            "from": format_time(report.from_ns),
            "to": format_time(report.to_ns),
            "age": age_figures(estimate),
            "p_under": p_under_figures(estimate),
            "seen": {
                "at": format_time(report.seen_ns),
                "box_px": [round(float(side)) for side in report.seen_box_px],
            },
            "crops": int(estimate.crops),
            "quality": round(float(estimate.quality), 3),
            "face_px": round(float(report.face_px)),
            "reason": None if estimate.reason is None else estimate.reason.value,
            "model": report.model,
        },
    )


def camera_status_event(
    *,
    store: str,
    box: str,
    lane: str,
    camera: str,
    state: str,
    reason: str,
    since_ns: int,
    at_ns: int | None = None,
) -> CloudEvent:
    """Tell that a camera went down, came back or is degraded; without a sequence yet.

    `since_ns` is when the state began, `at_ns` (the same where left out) when it was noticed.
    Raises EventError for a state or reason that `schemas.md` does not name.
    """
    try:
        known_state, known_reason = CameraState(state), CameraReason(reason)
    except ValueError as error:
        raise EventError(f"camera {camera!r}: {error}") from error
    since = format_time(since_ns)
    return build_event(
        CAMERA_STATUS,
        store=store,
        box=box,
        lane=lane,
        subject=camera,
        at_ns=since_ns if at_ns is None else at_ns,
        identity=(known_state.value, known_reason.value, since),
        data={"camera": camera, "state": known_state.value, "reason": known_reason.value, "since": since},
    )
