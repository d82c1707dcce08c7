"""One sale taken out of a box: till events, events, the book, alerts, what the register says of it, and its basket.

What stays is a tombstone in the register, which names entries and nothing that they said. What sinks were given is
theirs to forget; files in the state folder that still name the receipt are told.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.events import StoreError, StoreTooNew, open_beside, open_for_reading, parse_time
from edge.events.book import alert_rows, receipt_rows
from edge.events.register import entries, forget_entries
from edge.events.sales_store import BasketForgotten, forget_basket
from edge.events.schema import SECURITY_MIGRATIONS
from edge.till import events_of

__all__ = ["ForgetError", "Forgotten", "Sale", "find_sales", "forget_sale", "still_named"]

_APART_NS = 6 * 3600 * 10**9
"""A number that comes again later than this is another sale; within it, both go."""
_AROUND_NS = 300 * 10**9
_BASKET_SPAN_NS = 6 * 86_400 * 10**9
_AGE = "checkout.age.estimated.v1"
_OF_A_SALE = ("unchecked_sale", "unseen_customer")
"""Alerts of these kinds stand for one sale; one of a blind camera only counts sales and names the newest."""


class ForgetError(ValueError):
    """The sale cannot be forgotten now, or it is not clear which is meant; says the way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What the box knows of one sale: where it stands. Times in ns since 1970; `to_ns` is not part of it."""

    lane: str
    receipt: str
    from_ns: int
    to_ns: int
    last_ns: int
    """The last moment that is known of it."""
    tracks: frozenset[str]
    alerts: frozenset[str]
    open: bool

    @property
    def day(self) -> str:
        """The UTC day of its first fact."""
        return datetime.fromtimestamp((self.from_ns + _AROUND_NS) / 1e9, UTC).date().isoformat()

    def holds(self, at_ns: int) -> bool:
        """Is this a moment of the sale?"""
        return self.from_ns <= at_ns < self.to_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How much went: rows of each kind, and the number of the tombstone."""

    till_events: int
    events: int
    receipts: int
    alerts: int
    basket: BasketForgotten
    register_entries: int
    tombstone: int


def find_sales(folder: Path, receipt: str, *, lane: str | None = None) -> list[Sale]:
    """Every sale of that receipt number that the store still knows anything of, oldest first.

    Raises FileNotFoundError where there is no state, sqlite3.Error where it cannot be read.
    """
    file = folder / "security.db"
    if not file.is_file():
        raise FileNotFoundError(2, "no state of a box is there (security.db)", str(folder))
    with closing(open_for_reading(file)) as connection:
        connection.execute("BEGIN")
        moments = sorted(set(_moments(connection, receipt)))
        lanes = sorted({where for where, _ in moments if lane is None or where == lane})
        found = [
            _sale(connection, where, receipt, span)
            for where in lanes
            for span in _spans([at_ns for one, at_ns in moments if one == where])
        ]
    return sorted(found, key=lambda sale: sale.from_ns)


def forget_sale(folder: Path, sale: Sale, *, at_ms: int | None = None) -> Forgotten:
    """Take the sale out of `security.db`, beside a running daemon too, and leave a tombstone.

    Deleted content is overwritten. Raises ForgetError for an open receipt, StoreError where the store is of a newer
    version or stays locked.
    """
    if sale.open:
        raise ForgetError(
            f"receipt {sale.receipt} of {sale.lane} is still open: it can be forgotten once it has ended"
        )
    now_ms = time.time_ns() // 10**6 if at_ms is None else at_ms
    # Marketing's side first: once security's has gone, nothing could find the basket after a crash in between.
    basket = _forget_basket(folder, sale)
    with closing(open_beside(folder / "security.db")) as connection:
        _check_shape(connection)
        # Looked for before the lock is taken: a daemon beside must not wait for a long search.
        positions = [(position,) for position in _event_positions(connection, sale)]
        numbers = _register_numbers(connection, sale)
        try:
            connection.execute("BEGIN IMMEDIATE")
            done = Forgotten(
                till_events=_forget_till(connection, sale),
                events=_forget_events(connection, positions),
                receipts=_forget_receipts(connection, sale),
                alerts=_forget_alerts(connection, sale),
                basket=basket,
                register_entries=len(numbers),
                tombstone=forget_entries(connection, numbers, at_ms=now_ms),
            )
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreError(f"{folder / 'security.db'} could not be written ({error}): try again") from error
        # What the WAL still holds of before is overwritten too; where somebody reads just now, the daemon does it
        # within a minute.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return done


def still_named(
    folder: Path, receipt: str, *, beside: Iterable[str] = ("security.db", "sales.db")
) -> list[Path]:
    """Files below the state folder that hold the receipt's number as a word of JSON: delivered or set aside."""
    word = json.dumps(receipt, ensure_ascii=False).encode()
    live = {f"{name}{end}" for name in beside for end in ("", "-wal", "-shm", ".lock")}
    return [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name not in live and word in file.read_bytes()
    ]


def _moments(connection: sqlite3.Connection, receipt: str) -> Iterable[tuple[str, int]]:
    for row in receipt_rows(connection, receipt=receipt):
        yield row.lane, row.receipt_ns
        yield row.lane, row.ended_ns or row.receipt_ns
    for event in events_of(connection, receipt):
        yield event.lane, event.at_ns
    for alert in alert_rows(connection, limit=1 << 40):
        if alert.receipt == receipt and alert.kind in _OF_A_SALE:
            yield alert.lane, alert.from_ms * 10**6
    for entry in entries(connection):
        if entry.payload is not None and entry.payload.get("receipt") == receipt:
            yield str(entry.payload.get("lane")), entry.at_ms * 10**6
    for _, told in _events(connection, receipt):
        yield str(told["data"].get("lane")), parse_time(told["time"])


def _spans(moments: Sequence[int]) -> list[tuple[int, int, int]]:
    """Where the number was in use: begin, end (the beginning of the next one) and last moment of each."""
    begins = [
        at_ns
        for before, at_ns in zip([-_APART_NS * 2, *moments], moments, strict=False)
        if at_ns - before > _APART_NS
    ]
    ends = [*(begin - _AROUND_NS for begin in begins[1:]), 1 << 62]
    spans = zip(begins, ends, strict=True)
    return [(begin - _AROUND_NS, end, max(at for at in moments if at < end)) for begin, end in spans]


def _sale(connection: sqlite3.Connection, lane: str, receipt: str, span: tuple[int, int, int]) -> Sale:
    from_ns, to_ns, last_ns = span
    rows = [
        row
        for row in receipt_rows(connection, receipt=receipt, lane=lane)
        if from_ns <= row.receipt_ns < to_ns
    ]
    told = [event for event in events_of(connection, receipt, lane=lane) if from_ns <= event.at_ns < to_ns]
    tracks = {row.told.get("track") for row in rows} | {
        (row.told.get("prompt") or {}).get("track") for row in rows
    }
    alerts = {
        row.alert
        for row in alert_rows(connection, lanes=[lane], limit=1 << 40)
        if row.receipt == receipt and row.kind in _OF_A_SALE and from_ns <= row.from_ms * 10**6 < to_ns
    }
    for entry in entries(connection):
        named = entry.payload or {}
        if (named.get("receipt"), named.get("lane")) == (receipt, lane) and named.get("alert"):
            alerts |= {str(named["alert"])} if from_ns <= entry.at_ms * 10**6 < to_ns else set()
    return Sale(
        lane=lane,
        receipt=receipt,
        from_ns=from_ns,
        to_ns=to_ns,
        last_ns=last_ns,
        tracks=frozenset(str(track) for track in tracks if track),
        alerts=frozenset(alerts),
        open=bool(told) and not any(row.ended_ns is not None for row in rows),
    )


def _events(connection: sqlite3.Connection, receipt: str) -> Iterable[tuple[int, dict[str, Any]]]:
    rows = connection.execute(
        "SELECT position, body FROM events WHERE json_extract(body, '$.data.receipt') = ?", (receipt,)
    )
    return [(position, json.loads(body)) for position, body in rows]


def _event_positions(connection: sqlite3.Connection, sale: Sale) -> list[int]:
    """Prompt, outcome, alerts with their acknowledgements, suggestion, and the payer's age event."""
    own = [
        position
        for position, told in _events(connection, sale.receipt)
        if told["data"].get("lane") == sale.lane and sale.holds(parse_time(told["time"]))
    ]
    related = connection.execute(
        "SELECT position FROM events WHERE json_extract(body, '$.data.alert') IN (SELECT value FROM json_each(?))"
        " AND json_extract(body, '$.data.receipt') IS NULL"
        " OR type = ? AND json_extract(body, '$.subject') IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(sale.alerts)), _AGE, json.dumps(sorted(sale.tracks))),
    )
    return sorted({*own, *(position for (position,) in related)})


def _register_numbers(connection: sqlite3.Connection, sale: Sale) -> list[int]:
    found = []
    for entry in entries(connection):
        told = entry.payload or {}
        own = (told.get("receipt"), told.get("lane")) == (sale.receipt, sale.lane)
        if (own and sale.holds(entry.at_ms * 10**6)) or told.get("alert") in sale.alerts:
            found.append(entry.number)
    return found


def _forget_till(connection: sqlite3.Connection, sale: Sale) -> int:
    told = connection.execute(
        "DELETE FROM till_inbox WHERE lane = ? AND receipt = ? AND at_ns >= ? AND at_ns < ?",
        (sale.lane, sale.receipt, sale.from_ns, sale.to_ns),
    ).rowcount
    # A refused event may name the receipt anywhere, and may be no whole JSON.
    dead = connection.execute(
        "DELETE FROM till_dead WHERE instr(body, ?) > 0", (json.dumps(sale.receipt, ensure_ascii=False),)
    ).rowcount
    return told + dead


def _forget_events(connection: sqlite3.Connection, positions: Sequence[tuple[int]]) -> int:
    if positions:
        # The newest place is never given again, see Transaction.last_position.
        connection.execute(
            "INSERT INTO marks (name, value) VALUES ('purged', ?) ON CONFLICT (name) DO UPDATE"
            " SET value = max(value, excluded.value)",
            positions[-1],
        )
    connection.executemany("DELETE FROM events WHERE position = ?", positions)
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'parked'").fetchone():
        connection.executemany("DELETE FROM parked WHERE position = ?", positions)
    return len(positions)


def _forget_receipts(connection: sqlite3.Connection, sale: Sale) -> int:
    return connection.execute(
        "DELETE FROM receipts WHERE lane = ? AND receipt = ? AND receipt_ns >= ? AND receipt_ns < ?",
        (sale.lane, sale.receipt, sale.from_ns, sale.to_ns),
    ).rowcount


def _forget_alerts(connection: sqlite3.Connection, sale: Sale) -> int:
    connection.execute(
        "UPDATE alerts SET receipt = NULL, body = json_set(body, '$.receipt', NULL, '$.items', json('[]'))"
        " WHERE lane = ? AND receipt = ? AND kind = 'camera_blind'",
        (sale.lane, sale.receipt),
    )
    return connection.execute(
        "DELETE FROM alerts WHERE alert IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(sale.alerts)),),
    ).rowcount


def _forget_basket(folder: Path, sale: Sale) -> BasketForgotten:
    """Empty where this box keeps no baskets. What is known of the sale's time says where to look."""
    ends_ns = min(sale.last_ns, sale.from_ns + _BASKET_SPAN_NS)
    return forget_basket(folder, lane=sale.lane, receipt=sale.receipt, from_ns=sale.from_ns, to_ns=ends_ns)


def _check_shape(connection: sqlite3.Connection) -> None:
    (needs,) = connection.execute("SELECT coalesce(max(opens_from), 0) FROM schema_steps").fetchone()
    if needs > len(SECURITY_MIGRATIONS):
        raise StoreTooNew("the state was written by a newer version: forget with that version")
