"""The book of sales: one row a receipt and one an alert, kept in the same commit as the events that tell of them.

Functions over one SQLite connection, for use inside a commit of the store (writing) or `Store.read` (reading).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "AlertRow",
    "ReceiptRow",
    "acknowledge_alert",
    "alert_rows",
    "begin_gap",
    "close_alert",
    "end_gap",
    "ended_since",
    "forget_book",
    "gaps",
    "keep_alert",
    "keep_end",
    "keep_prompt",
    "open_gaps",
    "prompted",
    "receipt_rows",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """A receipt that was prompted or has ended; `receipt_ns` tells numbers of different days apart."""

    lane: str
    receipt: str
    receipt_ns: int
    prompted_ns: int | None
    ended_ns: int | None
    outcome: str | None
    cashier: str | None
    told: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert as it stands now. `body` is the newest event's data; `acknowledged` the newest acknowledgement."""

    alert: str
    lane: str
    kind: str
    severity: str
    receipt: str | None
    from_ms: int
    count: int
    open: bool
    acknowledged: Mapping[str, Any] | None
    body: Mapping[str, Any]


def keep_prompt(connection: sqlite3.Connection, row: ReceiptRow, *, recorded_ms: int) -> None:
    """A check was asked for; the first prompt of a receipt holds."""
    connection.execute(
        "INSERT INTO receipts (lane, receipt, receipt_ns, recorded_ms, prompted_ns, cashier, told)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (lane, receipt, receipt_ns) DO NOTHING",
        (row.lane, row.receipt, row.receipt_ns, recorded_ms, row.prompted_ns, row.cashier, _text(row.told)),
    )


def keep_end(connection: sqlite3.Connection, row: ReceiptRow, *, recorded_ms: int) -> bool:
    """The receipt has ended; False where it had ended already, and nothing changes then."""
    changed = connection.execute(
        "INSERT INTO receipts (lane, receipt, receipt_ns, recorded_ms, ended_ns, outcome, cashier, told)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (lane, receipt, receipt_ns) DO UPDATE SET"
        " ended_ns = excluded.ended_ns, outcome = excluded.outcome, cashier = excluded.cashier, told = excluded.told"
        " WHERE ended_ns IS NULL",
        (
            row.lane,
            row.receipt,
            row.receipt_ns,
            recorded_ms,
            row.ended_ns,
            row.outcome,
            row.cashier,
            _text(row.told),
        ),
    )
    return changed.rowcount == 1


def receipt_rows(
    connection: sqlite3.Connection,
    *,
    receipt: str | None = None,
    lane: str | None = None,
    from_ns: int = 0,
    to_ns: int = 1 << 62,
) -> list[ReceiptRow]:
    """Receipts that ended within the span (or are open, where a number is given), oldest first."""
    rows = connection.execute(
        "SELECT lane, receipt, receipt_ns, prompted_ns, ended_ns, outcome, cashier, told FROM receipts"
        " WHERE (?1 IS NULL OR receipt = ?1) AND (?2 IS NULL OR lane = ?2)"
        " AND (ended_ns BETWEEN ?3 AND ?4 OR (ended_ns IS NULL AND ?1 IS NOT NULL))"
        " ORDER BY receipt_ns",
        (receipt, lane, from_ns, to_ns),
    )
    names = ("lane", "receipt", "receipt_ns", "prompted_ns", "ended_ns", "outcome", "cashier")
    return [ReceiptRow(**dict(zip(names, row[:7], strict=True)), told=json.loads(row[7])) for row in rows]


def ended_since(connection: sqlite3.Connection, from_ns: int) -> list[tuple[str, str, int]]:
    """`(lane, receipt, ended_ns)` of what ended lately, so that a restart knows it."""
    return connection.execute(
        "SELECT lane, receipt, ended_ns FROM receipts WHERE ended_ns >= ? ORDER BY ended_ns", (from_ns,)
    ).fetchall()


def prompted(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """`(lane, receipt, receipt_ns)` of open receipts whose cashier was asked already."""
    return connection.execute(
        "SELECT lane, receipt, receipt_ns FROM receipts WHERE ended_ns IS NULL AND prompted_ns IS NOT NULL"
    ).fetchall()


def keep_alert(connection: sqlite3.Connection, row: AlertRow, *, recorded_ms: int) -> None:
    """A new alert, or a known one with a new count: one row whatever its count, and one that is over stays over.

    An acknowledgement stays.
    """
    connection.execute(
        "INSERT INTO alerts (alert, lane, kind, severity, receipt, from_ms, recorded_ms, count, open, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (alert) DO UPDATE SET"
        " count = max(count, excluded.count), receipt = excluded.receipt, body = excluded.body,"
        " open = min(open, excluded.open)",
        (
            row.alert,
            row.lane,
            row.kind,
            row.severity,
            row.receipt,
            row.from_ms,
            recorded_ms,
            row.count,
            int(row.open),
            _text(row.body),
        ),
    )


def close_alert(connection: sqlite3.Connection, *, lane: str, kind: str) -> None:
    """What an alert of this kind stood for has passed: it no longer grows."""
    connection.execute("UPDATE alerts SET open = 0 WHERE lane = ? AND kind = ? AND open = 1", (lane, kind))


def acknowledge_alert(connection: sqlite3.Connection, alert: str, told: Mapping[str, Any]) -> str | None:
    """Note who looked and what came of it, over an earlier note; the alert's lane, None for no such alert."""
    row = connection.execute("SELECT lane FROM alerts WHERE alert = ?", (alert,)).fetchone()
    if row is None:
        return None
    connection.execute("UPDATE alerts SET acknowledged = ? WHERE alert = ?", (_text(told), alert))
    return str(row[0])


def alert_rows(
    connection: sqlite3.Connection,
    *,
    lanes: Sequence[str] | None = None,
    open_only: bool = False,
    unacknowledged_only: bool = False,
    limit: int = 200,
) -> list[AlertRow]:
    """The newest alerts, newest first."""
    rows = connection.execute(
        "SELECT alert, lane, kind, severity, receipt, from_ms, count, open, acknowledged, body FROM alerts"
        " WHERE (?1 IS NULL OR lane IN (SELECT value FROM json_each(?1))) AND (open = 1 OR NOT ?2)"
        " AND (acknowledged IS NULL OR NOT ?3) ORDER BY recorded_ms DESC, alert LIMIT ?4",
        (None if lanes is None else json.dumps(list(lanes)), open_only, unacknowledged_only, limit),
    )
    names = ("alert", "lane", "kind", "severity", "receipt", "from_ms", "count")
    return [
        AlertRow(
            **dict(zip(names, row[:7], strict=True)),
            open=bool(row[7]),
            acknowledged=None if row[8] is None else json.loads(row[8]),
            body=json.loads(row[9]),
        )
        for row in rows
    ]


def begin_gap(connection: sqlite3.Connection, *, lane: str, kind: str, from_ns: int) -> None:
    """A camera or a till went blind; kept once however often it is told."""
    connection.execute(
        "INSERT INTO gaps (lane, kind, from_ns) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (lane, kind, from_ns),
    )


def end_gap(connection: sqlite3.Connection, *, lane: str, kind: str, to_ns: int) -> None:
    """It is back."""
    connection.execute(
        "UPDATE gaps SET to_ns = ? WHERE lane = ? AND kind = ? AND to_ns IS NULL", (to_ns, lane, kind)
    )


def open_gaps(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """`(lane, kind, from_ns)` of gaps that have not ended."""
    return connection.execute("SELECT lane, kind, from_ns FROM gaps WHERE to_ns IS NULL").fetchall()


def gaps(
    connection: sqlite3.Connection, *, from_ns: int, to_ns: int
) -> list[tuple[str, str, int, int | None]]:
    """`(lane, kind, from_ns, to_ns or None)` of every gap that touches the span, oldest first."""
    return connection.execute(
        "SELECT lane, kind, from_ns, to_ns FROM gaps WHERE from_ns <= ? AND (to_ns IS NULL OR to_ns >= ?)"
        " ORDER BY from_ns",
        (to_ns, from_ns),
    ).fetchall()


def forget_book(connection: sqlite3.Connection, *, before_ms: int, limit: int = 500) -> int:
    """Delete receipts, alerts and gaps of before, at most `limit` of each; how many in all. Open ones stay."""
    told = connection.execute(
        "DELETE FROM receipts WHERE (lane, receipt, receipt_ns) IN (SELECT lane, receipt, receipt_ns FROM receipts"
        " WHERE recorded_ms < ? LIMIT ?)",
        (before_ms, limit),
    ).rowcount
    told += connection.execute(
        "DELETE FROM alerts WHERE alert IN (SELECT alert FROM alerts WHERE recorded_ms < ? AND open = 0 LIMIT ?)",
        (before_ms, limit),
    ).rowcount
    told += connection.execute("DELETE FROM gaps WHERE to_ns < ?", (before_ms * 1_000_000,)).rowcount
    return int(told)


def _text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
