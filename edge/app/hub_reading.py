"""What other boxes say over MQTT, checked: a broker may carry anything, and a page shows only what fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edge.events import EVENT_TYPES, CloudEvent, EventError, source_parts
from edge.events.types import ALERT_ACKNOWLEDGED, ALERT_ESCALATED, ALERT_RAISED, CAMERA_STATUS, SHIFT_DIGEST

__all__ = ["KINDS", "Place", "Unreadable", "place_of", "read_event", "read_heartbeat"]

KINDS = (ALERT_RAISED, ALERT_ACKNOWLEDGED, ALERT_ESCALATED, CAMERA_STATUS, SHIFT_DIGEST)
"""What a hub takes. Ages, checks and outcomes stay on the box where they were made."""
_BODY_MAX = 65_536
_LANES_MAX = 64
_TEXT_MAX = 200
_WARNINGS = ("drift", "moved", "soiled")
_NEEDED = {
    ALERT_RAISED.name: ("alert", "kind", "severity", "from", "to"),
    ALERT_ACKNOWLEDGED.name: ("alert", "by", "outcome"),
    ALERT_ESCALATED.name: ("alert", "kind"),
    CAMERA_STATUS.name: ("camera", "state", "reason"),
    SHIFT_DIGEST.name: ("from", "to"),
}


class Unreadable(ValueError):  # noqa: N818 - told to nobody but a counter
    """A message that is none of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whom a topic speaks of: `word` is `status`, `heartbeat`, or an event's word with its `lane`."""

    box: str
    lane: str | None
    word: str


def place_of(topic: str, *, prefix: str, store: str) -> Place:
    """Raises Unreadable for a topic of another store or shape."""
    parts = topic.removeprefix(f"{prefix}/").split("/")
    if not topic.startswith(f"{prefix}/{store}/") or len(parts) not in (3, 4) or not all(parts):
        raise Unreadable(f"topic {topic[:_TEXT_MAX]}")
    return Place(box=parts[1], lane=parts[2] if len(parts) == 4 else None, word=parts[-1])


def read_event(body: bytes, *, place: Place, store: str) -> CloudEvent:
    """The event; it must come from the place that its topic names. Raises Unreadable."""
    if len(body) > _BODY_MAX:
        raise Unreadable(f"{len(body)} bytes are too many for an event")
    try:
        event = CloudEvent.from_json(body)
        event.to_json().encode()  # half a surrogate pair can be neither kept nor shown
    except (EventError, UnicodeEncodeError) as error:
        raise Unreadable(str(error)) from error
    if source_parts(event.source) != (store, place.box, place.lane) or event.data.get("lane") != place.lane:
        raise Unreadable(f"{event.source} spoke under the topic of {place.box}/{place.lane}")
    kind = EVENT_TYPES.get(event.type)
    if kind is None or kind not in KINDS or kind.word != place.word:
        raise Unreadable(f"{event.type} under '{place.word}'")
    if not all(isinstance(event.data.get(name), str) for name in _NEEDED[event.type]):
        raise Unreadable(f"{event.type} without {', '.join(_NEEDED[event.type])}")
    return event


def read_heartbeat(body: bytes) -> list[dict[str, Any]]:
    """The lanes of a box as a page shows them, in a shape that is known. Raises Unreadable."""
    try:
        told = json.loads(body[: _BODY_MAX + 1])
        lanes = told["lanes"]
        found = [_lane(lane) for lane in lanes[:_LANES_MAX]]
        # It goes to every browser as it is: no Infinity, no half of a surrogate pair.
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise Unreadable(f"a heartbeat that nobody can read ({type(error).__name__})") from error
    return found


def _lane(told: Mapping[str, Any]) -> dict[str, Any]:
    camera, till = told["camera"], told["till"]
    fps = camera.get("fps")
    return {
        "lane": _word(told["lane"]),
        "camera": {
            "name": _word(camera["name"]),
            "state": _word(camera["state"]),
            "reason": _word(camera.get("reason") or ""),
            "fps": float(fps) if isinstance(fps, int | float) else None,
            "warnings": [kind for kind in _WARNINGS if kind in (camera.get("warnings") or ())],
        },
        "till": {"state": _word(till["state"]), "last": _word_or_none(till.get("last"))},
        "last_customer": _word_or_none(told.get("last_customer")),
        "checks": _word(told.get("checks") or ""),
        "asks": told.get("asks") is True,
    }


def _word(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _TEXT_MAX:
        raise Unreadable("a word of a heartbeat is none")
    return value


def _word_or_none(value: Any) -> str | None:
    return None if value is None else _word(value)
