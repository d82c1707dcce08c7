"""A marked test alert through every sink: what keeps people sure that silence means that nothing happened."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge.app.couriers import build_receiver
from edge.config import Config, SecretError
from edge.events import CloudEvent, SinkDown, StoredEvent, allowed_types, build_event, format_time
from edge.events.types import ALERT_RAISED

__all__ = ["SinkResult", "marked_alert", "send_test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkResult:
    """What one sink said; `skipped`: it gets no alerts."""

    sink: str
    taken: bool
    skipped: bool
    detail: str


def marked_alert(config: Config, *, at_ns: int) -> CloudEvent:
    """An alert of the usual shape whose data says `"test": true`; it is no sale's and stands in no register."""
    lane, at = config.lanes[0], format_time(at_ns)
    told: dict[str, Any] = {
        "alert": f"a-test-{at_ns // 10**6}",
        "kind": "unchecked_sale",
        "severity": "low",
        "receipt": None,
        "items": [],
        "camera": lane.camera,
        "from": at,
        "to": at,
        "age": None,
        "p_under": None,
        "count": 0,
        "vms_url": None,
        "model": None,
        "policy": None,
        "clock_offset_s": config.till.offset_s(lane.name),
        "test": True,
    }
    return build_event(
        ALERT_RAISED,
        store=config.site.store,
        box=config.site.box,
        lane=lane.name,
        subject=str(told["alert"]),
        at_ns=at_ns,
        identity=("test", at),
        data=told,
    )


def send_test(
    config: Config, *, event: CloudEvent | None = None, clock_ns: Callable[[], int] = time.time_ns
) -> list[SinkResult]:
    """Hand one test alert (`event`, or a new one) to each sink's receiver, past the outbox; what came of it."""
    event = event or marked_alert(config, at_ns=clock_ns())
    stored = StoredEvent(
        position=0, type=event.type, recorded_ms=clock_ns() // 10**6, body=event.numbered(1).to_json()
    )
    results = []
    for sink in config.sinks:
        if event.type not in allowed_types(sink.purpose, sink.types or None):
            detail = f"gets no alerts (purpose {sink.purpose})"
            results.append(SinkResult(sink=sink.name, taken=False, skipped=True, detail=detail))
            continue
        try:
            receiver = build_receiver(sink, config)
            try:
                taken = receiver.deliver([stored]) == 1
            finally:
                receiver.close()
            results.append(SinkResult(sink=sink.name, taken=taken, skipped=False, detail=""))
        except (SinkDown, SecretError, ValueError, OSError) as error:
            results.append(SinkResult(sink=sink.name, taken=False, skipped=False, detail=str(error)))
    return results
