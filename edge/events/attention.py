"""What people have to look after: alerts to pass on, sales to gather, deliveries that were refused.

Functions over one SQLite connection, for use inside a commit of the store (writing) or `Store.read` (reading).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge.events.store import StoredEvent, kept_here

__all__ = [
    "GATHERED",
    "ParkedAt",
    "Unacknowledged",
    "UnseenSale",
    "escalated_at",
    "forget_parked",
    "marked_tests",
    "note_escalated",
    "park",
    "parked_at",
    "parked_events",
    "restricted_sales",
    "unacknowledged",
    "unpark",
    "unseen_sales",
]

GATHERED = ("unseen_customer", "low")
"""Kind and severity of what is gathered into a digest a shift instead of calling people each time."""
_LATEST = 5000
"""So many of the newest events are looked through where no index helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unacknowledged:
    """An alert that nobody has looked at; `raised_ms` is when it was committed."""

    alert: str
    raised_ms: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnseenSale:
    """One restricted sale without a seen customer, and why."""

    lane: str
    receipt: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedAt:
    """What one sink's receiver refused for good, in sum; `reason` is the newest."""

    sink: str
    count: int
    oldest_ms: int
    reason: str


def unacknowledged(connection: sqlite3.Connection, *, from_ms: int, to_ms: int) -> list[Unacknowledged]:
    """Alerts raised within the span that nobody acknowledged and that were not passed on; not what is gathered."""
    rows = connection.execute(
        "SELECT alert, recorded_ms, body FROM alerts WHERE acknowledged IS NULL AND escalated_ms IS NULL"
        " AND recorded_ms >= ? AND recorded_ms <= ? AND NOT (kind = ? AND severity = ?) ORDER BY recorded_ms, alert",
        (from_ms, to_ms, *GATHERED),
    )
    return [Unacknowledged(alert=row[0], raised_ms=row[1], body=json.loads(row[2])) for row in rows]


def note_escalated(connection: sqlite3.Connection, alert: str, *, at_ms: int) -> bool:
    """The alert is passed on now; False where that was done, or where somebody has looked meanwhile."""
    changed = connection.execute(
        "UPDATE alerts SET escalated_ms = ? WHERE alert = ? AND escalated_ms IS NULL AND acknowledged IS NULL",
        (at_ms, alert),
    )
    return changed.rowcount == 1


def escalated_at(connection: sqlite3.Connection) -> dict[str, int]:
    """By alert, when it was passed on."""
    rows = connection.execute("SELECT alert, escalated_ms FROM alerts WHERE escalated_ms IS NOT NULL")
    return {str(alert): int(at_ms) for alert, at_ms in rows}


def unseen_sales(connection: sqlite3.Connection, *, from_ms: int, to_ms: int) -> list[UnseenSale]:
    """Isolated unseen sales that were committed within `[from_ms, to_ms)`, in order."""
    rows = connection.execute(
        "SELECT lane, receipt, (SELECT json_extract(told, '$.reason') FROM receipts"
        "  WHERE receipts.lane = alerts.lane AND receipts.receipt = alerts.receipt ORDER BY receipt_ns DESC LIMIT 1)"
        " FROM alerts WHERE kind = ? AND severity = ? AND recorded_ms >= ? AND recorded_ms < ?"
        " ORDER BY recorded_ms, alert",
        (*GATHERED, from_ms, to_ms),
    )
    return [
        UnseenSale(lane=lane, receipt=receipt, reason=reason or "unknown") for lane, receipt, reason in rows
    ]


def restricted_sales(connection: sqlite3.Connection, *, from_ns: int, to_ns: int) -> dict[str, int]:
    """By lane, how many sales of restricted goods ended within `[from_ns, to_ns)`."""
    rows = connection.execute(
        "SELECT lane, count(*) FROM receipts WHERE ended_ns >= ? AND ended_ns < ?"
        " AND outcome NOT IN ('cancelled', 'no_restricted_item') AND json_extract(told, '$.restricted') GROUP BY lane",
        (from_ns, to_ns),
    )
    return {str(lane): int(count) for lane, count in rows}


def park(
    connection: sqlite3.Connection, *, sink: str, position: int, type_: str, reason: str, at_ms: int
) -> None:
    """Set a delivery aside; one that was parked before keeps its time."""
    connection.execute(
        "INSERT INTO parked (sink, position, type, reason, parked_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (sink, position) DO UPDATE SET reason = excluded.reason",
        (sink, position, type_, reason, at_ms),
    )


def parked_at(connection: sqlite3.Connection) -> list[ParkedAt]:
    """Each sink with parked deliveries that can still be sent again."""
    rows = connection.execute(
        "SELECT sink, count(*), min(parked_ms), (SELECT reason FROM parked AS newest WHERE newest.sink = parked.sink"
        "  ORDER BY position DESC LIMIT 1) FROM parked JOIN events USING (position) GROUP BY sink ORDER BY sink"
    )
    return [ParkedAt(sink=row[0], count=row[1], oldest_ms=row[2], reason=row[3]) for row in rows]


def parked_events(connection: sqlite3.Connection, sink: str, *, limit: int) -> list[StoredEvent]:
    """The oldest parked events of a sink, in order."""
    rows = connection.execute(
        "SELECT position, events.type, recorded_ms, body FROM parked JOIN events USING (position)"
        " WHERE sink = ? ORDER BY position LIMIT ?",
        (sink, limit),
    )
    return [StoredEvent(position=row[0], type=row[1], recorded_ms=row[2], body=row[3]) for row in rows]


def unpark(connection: sqlite3.Connection, sink: str, positions: Sequence[int]) -> None:
    """The receiver has them after all."""
    connection.executemany(
        "DELETE FROM parked WHERE sink = ? AND position = ?", [(sink, position) for position in positions]
    )


def forget_parked(connection: sqlite3.Connection) -> int:
    """Drop notes of events that retention has deleted; how many."""
    gone = connection.execute("DELETE FROM parked WHERE position NOT IN (SELECT position FROM events)")
    return int(gone.rowcount)


def marked_tests(connection: sqlite3.Connection, *, limit: int) -> list[dict[str, Any]]:
    """Data of the newest test alerts, newest first."""
    newest = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()[0]
    rows = connection.execute(
        "SELECT json_extract(body, '$.data') FROM events WHERE position > ? AND type = ?"
        " AND json_extract(body, '$.data.test') ORDER BY position DESC LIMIT ?",
        (newest - _LATEST, kept_here("checkout.alert.raised.v1"), limit),
    )
    return [json.loads(row[0]) for row in rows]
