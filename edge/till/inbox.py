"""The inbox: what tills told is on disk before they are answered, once whatever they repeat.

Functions over one SQLite connection, for use inside a commit of the store; the tables are in its schema.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge.flow import TillEvent
from edge.till.body import from_body, to_body
from edge.till.refusal import Refusal, storable

__all__ = [
    "DeadLetter",
    "Kept",
    "count_dead_letters",
    "dead_letters",
    "events_of",
    "forget_before",
    "keep",
    "mark_done",
    "park",
    "till_ahead_ns",
    "waiting",
]

_DEAD_BODY_MAX = 4000
_DEAD_MAX = 10_000
"""More dead letters than anybody reads: the oldest go, their count stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The events of a batch that are new, in order, and how many of its events were known already."""

    new: tuple[TillEvent, ...]
    duplicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Something that was refused: where it came in and why; `document` without birth dates, None where unreadable."""

    door: str
    reason: Refusal
    detail: str
    event_id: str | None = None
    document: Any = None


def keep(connection: sqlite3.Connection, events: Sequence[TillEvent], *, door: str, recorded_ms: int) -> Kept:
    """Put events into the inbox; one whose lane and id are known is passed over, the first telling holds."""
    new = []
    for event in events:
        key = hashlib.blake2b(f"{event.lane}\0{event.id}".encode(), digest_size=16).digest()
        row = (key, event.lane, event.receipt, event.at_ns, recorded_ms, door, to_body(event))
        done = connection.execute(
            "INSERT INTO till_inbox (key, lane, receipt, at_ns, recorded_ms, door, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
            row,
        )
        if done.rowcount == 1:
            new.append(event)
    return Kept(new=tuple(new), duplicates=len(events) - len(new))


def waiting(connection: sqlite3.Connection) -> list[TillEvent]:
    """The events of receipts that have not ended, in the order in which they came: what a restart hears again."""
    rows = connection.execute("SELECT body FROM till_inbox WHERE done = 0 ORDER BY position")
    return [from_body(body) for (body,) in rows]


def mark_done(connection: sqlite3.Connection, *, lane: str, receipt: str) -> None:
    """The receipt has ended: nothing that came for it is waiting any more."""
    connection.execute(
        "UPDATE till_inbox SET done = 1 WHERE lane = ? AND receipt = ? AND done = 0", (lane, receipt)
    )


def events_of(connection: sqlite3.Connection, receipt: str, *, lane: str | None = None) -> list[TillEvent]:
    """Everything that was told of a receipt number, in the order in which it came; perhaps of several days."""
    rows = connection.execute(
        "SELECT body FROM till_inbox WHERE receipt = ? AND (? IS NULL OR lane = ?) ORDER BY position",
        (receipt, lane, lane),
    )
    return [from_body(body) for (body,) in rows]


def till_ahead_ns(connection: sqlite3.Connection, *, lane: str, receipt: str) -> int | None:
    """How far a lane's till is ahead of this box at least, by what it told of an open receipt; None: it told nothing.

    Now and so much is never later than the till's own clock shows, and not before anything that it has told.
    """
    row = connection.execute(
        "SELECT max(at_ns - (recorded_ms + 1) * 1000000) FROM till_inbox"
        " WHERE lane = ? AND receipt = ? AND done = 0 AND door != 'page'",
        (lane, receipt),
    ).fetchone()
    return None if row[0] is None else int(row[0])


def park(connection: sqlite3.Connection, letters: Sequence[DeadLetter], *, recorded_ms: int) -> None:
    """Keep what was refused for somebody to look at; the oldest beyond ten thousand are dropped."""
    for letter in letters:
        body = None
        if letter.document is not None:
            body = storable(json.dumps(letter.document, ensure_ascii=False, default=str))[:_DEAD_BODY_MAX]
        connection.execute(
            "INSERT INTO till_dead (recorded_ms, door, reason, detail, event_id, body) VALUES (?, ?, ?, ?, ?, ?)",
            (recorded_ms, letter.door, letter.reason.value, letter.detail[:500], letter.event_id, body),
        )
    connection.execute(
        "DELETE FROM till_dead WHERE position <= (SELECT max(position) FROM till_dead) - ?", (_DEAD_MAX,)
    )


def dead_letters(connection: sqlite3.Connection, *, limit: int = 100) -> list[dict[str, Any]]:
    """The newest dead letters, newest first."""
    rows = connection.execute(
        "SELECT recorded_ms, door, reason, detail, event_id, body FROM till_dead ORDER BY position DESC LIMIT ?",
        (limit,),
    )
    names = ("recorded_ms", "door", "reason", "detail", "event_id", "body")
    return [dict(zip(names, row, strict=True)) for row in rows]


def count_dead_letters(connection: sqlite3.Connection) -> dict[str, int]:
    """How many dead letters lie here now, by door."""
    return dict(connection.execute("SELECT door, count(*) FROM till_dead GROUP BY door").fetchall())


def forget_before(connection: sqlite3.Connection, before_ms: int, *, limit: int = 500) -> int:
    """Delete ended events and dead letters that were recorded before; at most `limit` of each, how many in all."""
    told = connection.execute(
        "DELETE FROM till_inbox WHERE position IN"
        " (SELECT position FROM till_inbox WHERE recorded_ms < ? AND done = 1 ORDER BY position LIMIT ?)",
        (before_ms, limit),
    ).rowcount
    dead = connection.execute(
        "DELETE FROM till_dead WHERE position IN"
        " (SELECT position FROM till_dead WHERE recorded_ms < ? ORDER BY position LIMIT ?)",
        (before_ms, limit),
    ).rowcount
    return told + dead
