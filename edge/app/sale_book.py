"""What the rules decided, into the store: events, the book of sales, the register and the inbox in one commit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from edge.app.sale_events import SaleEvents
from edge.events import CloudEvent, Transaction, build_event, format_time
from edge.events.book import (
    AlertRow,
    ReceiptRow,
    acknowledge_alert,
    begin_gap,
    keep_alert,
    keep_end,
    keep_prompt,
)
from edge.events.register import add_entry
from edge.events.types import ALERT_ACKNOWLEDGED
from edge.rules import AlertKind, AlertRaised, CheckRequested, Decision, SaleEnded
from edge.till import mark_done

__all__ = ["acknowledge", "keeping", "kept"]


def keeping(
    decisions: Sequence[Decision],
    sales: SaleEvents,
    *,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 10**6,
) -> Callable[[Transaction], None]:
    """A piece of work for `Store.submit`: all that these decisions of one lane leave behind, or nothing."""
    events = [(decision, sales.event(decision)) for decision in decisions]
    return lambda transaction: kept(transaction, events, recorded_ms=now_ms())


def kept(
    transaction: Transaction, events: Iterable[tuple[Decision, CloudEvent]], *, recorded_ms: int
) -> None:
    """Within a commit. A decision whose event is known already leaves nothing twice."""
    connection = transaction.connection
    for decision, event in events:
        new = bool(transaction.append([event]).sequences)
        if isinstance(decision, CheckRequested):
            row = _receipt(decision, prompted_ns=decision.at_ns, told={"prompt": dict(event.data)})
            keep_prompt(connection, row, recorded_ms=recorded_ms)
            if new:
                add_entry(
                    connection, kind="challenge", at_ms=event.time_ns // 10**6, payload=_entry(event.data)
                )
        elif isinstance(decision, SaleEnded):
            row = _receipt(
                decision, ended_ns=decision.at_ns, outcome=decision.outcome.value, told=_sale(decision, event)
            )
            keep_end(connection, row, recorded_ms=recorded_ms)
            mark_done(connection, lane=decision.lane, receipt=decision.receipt)
            if new and decision.refused:
                add_entry(
                    connection, kind="refusal", at_ms=event.time_ns // 10**6, payload=_entry(event.data)
                )
        elif isinstance(decision, AlertRaised):
            keep_alert(connection, _alert(decision, event.data), recorded_ms=recorded_ms)
            if decision.kind is AlertKind.CAMERA_BLIND:
                begin_gap(connection, lane=decision.lane, kind="camera", from_ns=decision.from_ns)
            elif decision.kind is AlertKind.TILL_SILENT:
                begin_gap(connection, lane=decision.lane, kind="till", from_ns=decision.from_ns)
            # A blind lane is one fact, however many sales it counts.
            if new and (decision.kind is not AlertKind.CAMERA_BLIND or decision.count == 0):
                add_entry(connection, kind="alert", at_ms=event.time_ns // 10**6, payload=_entry(event.data))


def acknowledge(
    transaction: Transaction,
    *,
    store: str,
    box: str,
    alert: str,
    by: str,
    outcome: str,
    note: str,
    at_ns: int,
) -> bool:
    """Somebody looked at an alert; a later word corrects an earlier one, and both stay in the register.

    `outcome`: checked, false_alarm or escalated. False where there is no such alert. Raises ValueError for another
    outcome.
    """
    if outcome not in ("checked", "false_alarm", "escalated"):
        raise ValueError(f"an alert ends as checked, false_alarm or escalated; got {outcome!r}")
    told = {"by": by, "outcome": outcome, "note": note, "at": format_time(at_ns)}
    lane = acknowledge_alert(transaction.connection, alert, told)
    if lane is None:
        return False
    event = build_event(
        ALERT_ACKNOWLEDGED,
        store=store,
        box=box,
        lane=lane,
        subject=alert,
        at_ns=at_ns,
        identity=(by, outcome, note, format_time(at_ns)),
        data={"alert": alert, "by": by, "outcome": outcome, "note": note},
    )
    if transaction.append([event]).sequences:
        payload = {"lane": lane, "alert": alert, "by": by, "outcome": outcome, "note": note}
        add_entry(transaction.connection, kind="acknowledgement", at_ms=at_ns // 10**6, payload=payload)
    return True


def _receipt(decision: CheckRequested | SaleEnded, *, told: Mapping[str, Any], **more: Any) -> ReceiptRow:
    known: dict[str, Any] = {"prompted_ns": None, "ended_ns": None, "outcome": None, **more}
    return ReceiptRow(
        lane=decision.lane,
        receipt=decision.receipt,
        receipt_ns=decision.receipt_ns,
        cashier=decision.cashier,
        told=told,
        **known,
    )


def _sale(decision: SaleEnded, event: CloudEvent) -> dict[str, Any]:
    """All that `explain`, statistics and `policy whatif` need of a sale."""
    return {
        **event.data,
        "opened": format_time(decision.opened_ns),
        "closed": format_time(decision.at_ns),
        "due": None if decision.due_ns is None else format_time(decision.due_ns),
        "restricted": decision.restricted,
        "refused": decision.refused,
        "candidates": [asdict(candidate) for candidate in decision.candidates],
        "unknown": None
        if decision.estimate is None or decision.estimate.reason is None
        else decision.estimate.reason.value,
        "crops": None if decision.estimate is None else decision.estimate.crops,
    }


def _alert(decision: AlertRaised, data: Mapping[str, Any]) -> AlertRow:
    return AlertRow(
        alert=decision.alert,
        lane=decision.lane,
        kind=decision.kind.value,
        severity=decision.severity.value,
        receipt=decision.receipt,
        from_ms=decision.from_ns // 10**6,
        count=decision.count,
        open=decision.kind in (AlertKind.CAMERA_BLIND, AlertKind.TILL_SILENT),
        acknowledged=None,
        body=data,
    )


def _entry(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the register keeps of an event: flat, without the cashier, who is nobody's business there."""
    policy = data.get("policy") or {}
    flat = {name: value for name, value in data.items() if name not in ("policy", "cashier", "vms_url")}
    named = {"policy": policy.get("name")}
    named |= {
        name: policy.get(name) for name in ("challenge_age", "legal_age", "tau", "miss_rate", "config_hash")
    }
    return {**flat, **named}
