"""How far each till's clock seems to be off, from the newest receipts: for people to look at, never applied."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from sqlite3 import Connection
from typing import Any

from edge.config import Config
from edge.events import Store, parse_time
from edge.events.book import receipt_rows
from edge.events.types import AGE_ESTIMATED
from edge.rules import ClockOffset, estimate_offset

__all__ = ["clock_offsets"]

_EVENTS_MAX, _RECEIPTS_MAX = 5000, 200
"""So many of the newest are looked at: some hours of a busy lane, read in milliseconds."""

_GROSS_S, _GROSS_RECEIPTS, _GROSS_EVENTS, _GROSS_AMONG = 30.0, 10, 500, 20_000
"""An offset beyond what presences can show is told from when events come in: the quickest of a lane's newest 500, which
are looked for among the newest 20,000 of all lanes."""

Span = tuple[float, float]


def clock_offsets(store: Store, config: Config) -> Mapping[str, Mapping[str, Any]]:
    """By lane: `receipts`, `offset_s` to add to the till's times (None with `why` where it cannot be told), and what
    is `configured_s` now. Lanes with too few receipts say so in `why`. A clock that is off by more than half a minute
    is told from the till's events alone: whoever is blind for that finds nobody at any of its receipts. Raises
    StoreError, sqlite3.Error."""
    presences = store.read(_presences)
    found: dict[str, dict[str, Any]] = {}
    for lane in config.lanes:
        own = presences.get(lane.name, [])
        since_s = min((begin for begin, _ in own), default=None)
        receipts = [] if since_s is None else store.read(lambda c, n=lane.name, s=since_s: _receipts(c, n, s))  # type: ignore[misc]
        # Outside of the read: it may take a second, and a reader that stays keeps the WAL from shrinking.
        estimate = estimate_offset(receipts, own)
        if estimate.offset_s is None:
            estimate = store.read(lambda c, n=lane.name: _by_arrival(c, n)) or estimate  # type: ignore[misc]
        found[lane.name] = {
            "offset_s": estimate.offset_s,
            "receipts": estimate.receipts,
            "why": estimate.why,
            "configured_s": config.till.offset_s(lane.name),
        }
    return found


def _by_arrival(connection: Connection, lane: str) -> ClockOffset | None:
    """How far off the till's clock is by the event that came in quickest; None for less than half a minute."""
    ahead_ns, receipts = connection.execute(
        "SELECT max(at_ns - recorded_ms * 1000000), count(DISTINCT receipt) FROM (SELECT at_ns, recorded_ms, receipt"
        " FROM till_inbox WHERE position > (SELECT max(position) FROM till_inbox) - ? AND lane = ?"
        " AND door IN ('http', 'mqtt', 'file') ORDER BY position DESC LIMIT ?)",
        (_GROSS_AMONG, lane, _GROSS_EVENTS),
    ).fetchone()
    if receipts < _GROSS_RECEIPTS or abs(ahead_ns) < _GROSS_S * 1e9:
        return None
    return ClockOffset(
        offset_s=round(-ahead_ns / 1e9, 1), receipts=receipts, why="by when its events come in"
    )


def _presences(connection: Connection) -> dict[str, list[Span]]:
    newest = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()[0]
    rows = connection.execute(
        "SELECT json_extract(body, '$.data') FROM events WHERE position > ? AND type = ?",
        (newest - _EVENTS_MAX, AGE_ESTIMATED.name),
    )
    found: dict[str, list[Span]] = defaultdict(list)
    for (body,) in rows:
        data = json.loads(body)
        if data["zone"] == "customer" and data["role"] != "passer_by":
            found[data["lane"]].append((_seconds(data["from"]), _seconds(data["to"])))
    return found


def _receipts(connection: Connection, lane: str, since_s: float) -> list[Span]:
    """In the till's own time: what is configured to be added is taken off again."""
    rows = receipt_rows(connection, lane=lane, from_ns=round(since_s * 1e9))
    spans = []
    for row in rows[-_RECEIPTS_MAX:]:
        if row.outcome not in (None, "cancelled"):
            added_s = float(row.told.get("clock_offset_s") or 0.0)
            spans.append((_seconds(row.told["opened"]) - added_s, _seconds(row.told["closed"]) - added_s))
    return spans


def _seconds(text: str) -> float:
    return parse_time(text) / 1e9
