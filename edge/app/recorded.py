"""What a state folder holds of past sales, for people: one receipt explained, honesty, clocks, another policy tried."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.age import AgeBundle
from edge.events import format_time, open_for_reading, parse_time
from edge.events.book import ReceiptRow, alert_rows, gaps, receipt_rows
from edge.rules import Challenge, ClockOffset, Honesty, estimate_offset, honesty
from edge.till import events_of

__all__ = [
    "WhatIf",
    "cashiers",
    "challenge_of",
    "clock_offset",
    "explain",
    "open_state",
    "was_refused",
    "whatif",
]

_DAY_NS = 86_400 * 10**9
_AROUND_NS = 300 * 10**9
_DONE = ("checked", "refused")


def open_state(folder: Path) -> sqlite3.Connection:
    """The state folder's `security.db`, for reading, also while a daemon runs. Raises OSError where there is none."""
    file = folder / "security.db"
    if not file.is_file():
        raise FileNotFoundError(2, "no state of a box is there (security.db)", str(folder))
    return open_for_reading(file)


def explain(connection: sqlite3.Connection, receipt: str, *, lane: str | None = None) -> list[dict[str, Any]]:
    """Everything that led to how a receipt ended, newest last; several where its number was given again.

    Till events, candidates with their scores, estimate, policy with configuration hash, reason, alerts, and spans
    without sight around it. Of an open receipt what is known so far. No cashier: that is the role manager's.
    """
    told = events_of(connection, receipt, lane=lane)
    alerts = [row for row in alert_rows(connection, limit=10_000) if row.receipt == receipt]
    found = []
    rows = receipt_rows(connection, receipt=receipt, lane=lane)
    for number, row in enumerate(rows):
        next_ns = rows[number + 1].receipt_ns if number + 1 < len(rows) else 1 << 62
        own = [
            event
            for event in told
            if event.lane == row.lane and row.receipt_ns - _AROUND_NS <= event.at_ns < next_ns
        ]
        end_ns = row.ended_ns or row.receipt_ns
        found.append(
            {
                "lane": row.lane,
                "receipt": receipt,
                "state": "open" if row.ended_ns is None else "ended",
                "prompted": None if row.prompted_ns is None else format_time(row.prompted_ns),
                "till_events": [_event(event) for event in own],
                **row.told,
                "alerts": [
                    {
                        "alert": one.alert,
                        "kind": one.kind,
                        "severity": one.severity,
                        "acknowledged": one.acknowledged,
                    }
                    for one in alerts
                    if one.lane == row.lane and one.from_ms * 10**6 <= end_ns
                ],
                "blind": [
                    {"what": kind, "from": format_time(began), "to": None if to is None else format_time(to)}
                    for gap_lane, kind, began, to in gaps(
                        connection, from_ns=row.receipt_ns - _AROUND_NS, to_ns=end_ns + _AROUND_NS
                    )
                    if gap_lane == row.lane
                ],
            }
        )
    if not rows and told:
        lanes = sorted({event.lane for event in told})
        found = [
            {
                "lane": name,
                "receipt": receipt,
                "state": "open",
                "till_events": [_event(event) for event in told if event.lane == name],
            }
            for name in lanes
        ]
    return found


def cashiers(
    connection: sqlite3.Connection, *, from_ns: int, to_ns: int, min_check_seconds: float
) -> list[Honesty]:
    """Challenges made of challenges due: all together first (cashier None), then each cashier. For the role manager.

    Lanes whose checks nobody reports are left out, and so are receipts nobody asked about.
    """
    rows = [
        row
        for row in receipt_rows(connection, from_ns=from_ns, to_ns=to_ns)
        if (row.told.get("restricted") or was_refused(row))
        and row.told["policy"].get("reports_id_checks") != "none"
    ]
    due = [(row.cashier, one) for row in rows if (one := challenge_of(row)) is not None]
    names: list[str | None] = [None, *sorted({row.cashier for row in rows if row.cashier is not None})]
    return [
        honesty(
            [one for cashier, one in due if name is None or cashier == name],
            cashier=name,
            sales=sum(name is None or row.cashier == name for row in rows),
            min_check_seconds=min_check_seconds,
        )
        for name in names
    ]


def clock_offset(connection: sqlite3.Connection, lane: str, *, from_ns: int, to_ns: int) -> ClockOffset:
    """What the till's clock of a lane seems to be off, beside what is configured; only for people to look at."""
    receipts = [
        (_seconds(row.told["opened"]) - _configured(row), _seconds(row.told["closed"]) - _configured(row))
        for row in receipt_rows(connection, lane=lane, from_ns=from_ns, to_ns=to_ns)
        if row.outcome != "cancelled"
    ]
    presences = connection.execute(
        "SELECT json_extract(body, '$.data.from'), json_extract(body, '$.data.to') FROM events"
        " WHERE type = 'checkout.age.estimated.v1' AND json_extract(body, '$.data.lane') = ?"
        " AND json_extract(body, '$.data.zone') = 'customer' AND json_extract(body, '$.data.role') != 'passer_by'",
        (lane,),
    ).fetchall()
    return estimate_offset(receipts[-500:], [(_seconds(begin), _seconds(to)) for begin, to in presences])


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """Another policy over recorded sales: counts, and what they are per 100 restricted sales and per day."""

    challenge_age: int
    miss_rate: float
    tau: float
    sales: int
    unseen: int
    prompts: int
    alerts: int
    days: float

    def per_hundred(self, count: int) -> float:
        """A count per 100 restricted sales."""
        return 100 * count / self.sales if self.sales else 0.0

    def per_day(self, count: int) -> float:
        """A count per day of the record."""
        return count / self.days


def whatif(
    connection: sqlite3.Connection,
    bundle: AgeBundle,
    *,
    challenge_ages: Sequence[int],
    miss_rates: Sequence[float],
) -> list[WhatIf]:
    """Replay recorded restricted sales under each pair of challenge age and miss rate.

    A prompt is counted where the payer's estimate at the close reaches the pair's τ (an early prompt that later crops
    withdrew is not), an alert where besides nobody reported a check or refusal. What cashiers would have done under
    another policy is not known: a check that was made stays made. Raises ThresholdError for a pair without τ.
    """
    rows = [
        row
        for row in receipt_rows(connection)
        if row.told.get("restricted") and row.outcome not in (None, "cancelled", "no_restricted_item")
    ]
    seen = [row for row in rows if row.told.get("p_under") is not None]
    ends = [row.ended_ns for row in rows if row.ended_ns is not None]
    days = max(1.0, (max(ends) - min(ends)) / _DAY_NS) if ends else 1.0
    found = []
    for age in challenge_ages:
        for rate in miss_rates:
            tau = bundle.threshold(under_age=age, miss_rate=rate).tau
            young = [row for row in seen if row.told["p_under"].get(str(age), 0.0) >= tau]
            found.append(
                WhatIf(
                    challenge_age=age,
                    miss_rate=rate,
                    tau=tau,
                    sales=len(rows),
                    unseen=len(rows) - len(seen),
                    prompts=len(young),
                    alerts=sum(
                        row.outcome not in _DONE and row.told["policy"].get("reports_id_checks") != "none"
                        for row in young
                    ),
                    days=days,
                )
            )
    return found


def challenge_of(row: ReceiptRow) -> Challenge | None:
    """A check that was due on this receipt, None where none was; a known customer counts for nobody.

    A restart forgets the face, takes the prompt off the screen, and leaves only the book to say that there was one: who
    checked all the same is credited, and who did not is not charged with what the box forgot.
    """
    due = row.told.get("due")
    if (due is None and row.prompted_ns is None) or row.told.get("reason") == "customer_known":
        return None
    if row.outcome not in ("checked", "refused", "unchecked") and not was_refused(row):
        return None
    return Challenge(
        cashier=row.cashier,
        made=row.outcome in _DONE or was_refused(row),
        chance_s=_seconds(row.told["closed"])
        - ((row.prompted_ns or 0) / 1e9 if due is None else _seconds(due)),
        delay_s=row.told.get("check_delay_s"),
    )


def was_refused(row: ReceiptRow) -> bool:
    """Was the sale of restricted goods refused? Afterwards they are struck, or the whole receipt is cancelled."""
    return row.outcome == "refused" or bool(row.told.get("refused"))


def _configured(row: ReceiptRow) -> float:
    return float(row.told.get("clock_offset_s") or 0.0)


def _event(event: Any) -> dict[str, Any]:
    shown = {"at": format_time(event.at_ns), "type": event.type.value}
    for name in ("line", "sku", "name", "category"):
        if getattr(event, name) is not None:
            shown[name] = getattr(event, name)
    if event.sku is not None:
        shown["quantity"] = str(event.quantity)
    return {**shown, "restricted": True, "min_age": event.min_age} if event.restricted else shown


def _seconds(text: str) -> float:
    return parse_time(text) / 1e9
