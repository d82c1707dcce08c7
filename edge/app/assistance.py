"""A cashier's quiet call for help: an alert like any other, through every sink, on the page at once."""

from __future__ import annotations

from typing import Any

from edge.config import Config
from edge.events import Transaction, build_event, format_time
from edge.events.book import AlertRow, keep_alert
from edge.events.register import add_entry
from edge.events.types import ALERT_RAISED

__all__ = ["KIND", "call_for_help"]

KIND = "assistance"


def call_for_help(transaction: Transaction, config: Config, *, lane: str, by: str, at_ns: int) -> str:
    """Commit the alert; its name. `by` is who pressed the button, told to those who may see a cashier's name."""
    at, at_ms = format_time(at_ns), at_ns // 10**6
    camera = next((one.camera for one in config.lanes if one.name == lane), None)
    told: dict[str, Any] = {
        "alert": f"a-help-{lane}-{at_ms}",
        "kind": KIND,
        "severity": "high",
        "receipt": None,
        "items": [],
        "camera": camera,
        "from": at,
        "to": at,
        "age": None,
        "p_under": None,
        "count": 1,
        "vms_url": None,
        "model": None,
        "policy": None,
        "clock_offset_s": config.till.offset_s(lane),
        "cashier": by,
    }
    event = build_event(
        ALERT_RAISED,
        store=config.site.store,
        box=config.site.box,
        lane=lane,
        subject=str(told["alert"]),
        at_ns=at_ns,
        identity=(str(told["alert"]),),
        data=told,
    )
    if transaction.append([event]).sequences:
        row = AlertRow(
            alert=str(told["alert"]),
            lane=lane,
            kind=KIND,
            severity="high",
            receipt=None,
            from_ms=at_ms,
            count=1,
            open=False,
            acknowledged=None,
            body=event.data,
        )
        keep_alert(transaction.connection, row, recorded_ms=at_ms)
        payload = {"lane": lane, "alert": told["alert"], "kind": KIND, "at": at}
        add_entry(transaction.connection, kind="alert", at_ms=at_ms, payload=payload)
    return str(told["alert"])
