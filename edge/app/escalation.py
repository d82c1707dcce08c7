"""An alert that nobody acknowledged in time goes to the security sinks once more, as an event of its own."""

from __future__ import annotations

from edge.config import Config
from edge.events import CloudEvent, Transaction, build_event, format_time
from edge.events.attention import Unacknowledged, note_escalated, unacknowledged
from edge.events.types import ALERT_ESCALATED

__all__ = ["escalate", "escalation_event"]

_LOOK_BACK_MS = 86_400_000
"""Alerts older than a day are history: a box that was off for a week does not call people for each of them."""
_TOLD = ("camera", "from", "to", "items", "count", "vms_url")


def escalate(transaction: Transaction, config: Config, *, at_ns: int) -> int:
    """Pass on what has waited longer than `http.escalate_minutes`; how many. Each alert once, over restarts too.

    What is gathered into the shift's digest is not passed on.
    """
    minutes, at_ms = config.http.escalate_minutes, at_ns // 10**6
    if not minutes:
        return 0
    due = unacknowledged(
        transaction.connection, from_ms=at_ms - _LOOK_BACK_MS, to_ms=at_ms - round(minutes * 60_000)
    )
    for alert in due:
        if note_escalated(transaction.connection, alert.alert, at_ms=at_ms):
            transaction.append([escalation_event(config, alert, at_ns=at_ns)])
    return len(due)


def escalation_event(config: Config, alert: Unacknowledged, *, at_ns: int) -> CloudEvent:
    """The event; its id follows from the alert alone."""
    body = alert.body
    return build_event(
        ALERT_ESCALATED,
        store=config.site.store,
        box=config.site.box,
        lane=str(body["lane"]),
        subject=alert.alert,
        at_ns=at_ns,
        data={
            "alert": alert.alert,
            "kind": body["kind"],
            "severity": body["severity"],
            "receipt": body.get("receipt"),
            "raised": format_time(alert.raised_ms * 10**6),
            "minutes": config.http.escalate_minutes,
            **{name: body.get(name) for name in _TOLD},
        },
    )
