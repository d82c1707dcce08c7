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
from edge.rules import estimate_offset

__all__ = ["clock_offsets"]

_EVENTS_MAX, _RECEIPTS_MAX = 5000, 200
"""So many of the newest are looked at: some hours of a busy lane, read in milliseconds."""

Span = tuple[float, float]


def clock_offsets(store: Store, config: Config) -> Mapping[str, Mapping[str, Any]]:
    """By lane: `receipts`, `offset_s` to add to the till's times (None with `why` where it cannot be told), and what
    is `configured_s` now. Lanes with too few receipts say so in `why`. Raises StoreError, sqlite3.Error."""
    presences = store.read(_presences)
    found: dict[str, dict[str, Any]] = {}
    for lane in config.lanes:
        own = presences.get(lane.name, [])
        since_s = min((begin for begin, _ in own), default=None)
        receipts = [] if since_s is None else store.read(lambda c, n=lane.name, s=since_s: _receipts(c, n, s))  # type: ignore[misc]
        # Outside of the read: it may take a second, and a reader that stays keeps the WAL from shrinking.
        estimate = estimate_offset(receipts, own)
        found[lane.name] = {
            "offset_s": estimate.offset_s,
            "receipts": estimate.receipts,
            "why": estimate.why,
            "configured_s": config.till.offset_s(lane.name),
        }
    return found


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
