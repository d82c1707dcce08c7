"""The register of checks: a hash chain of salted commitments, so that no entry can be changed, moved or taken out.

Entry n holds `commitment = H(salt, payload)` and `chain = H(chain of n-1, n, time, kind, commitment)`. The chain does
not run over the payload itself: salt and payload of one entry can be forgotten (retention, a person's right) and the
chain still holds. Whoever noted a chain value earlier (it stands in every export) can prove the end as well.

What is forgotten is accounted for by an entry of its own, a tombstone: it names numbers and nothing of what they said.
An entry that is empty although no tombstone names it was emptied by somebody else.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edge.events.rfc3339 import format_time

__all__ = [
    "Emptied",
    "Entry",
    "Fault",
    "add_entry",
    "emptied",
    "entries",
    "export_csv",
    "forget_entries",
    "forget_entry",
    "retire_before",
    "verify",
]

_START = bytes(32)
_LENGTH = "register entries"
_SALT_BYTES = 16
_FORGOTTEN, _RETIRED = "forgotten", "retention"
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry; `payload` is None where it was forgotten."""

    number: int
    at_ms: int
    kind: str
    payload: Mapping[str, Any] | None
    chain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Where the register does not hold: the entry's number and what is wrong."""

    number: int
    what: str


def add_entry(
    connection: sqlite3.Connection,
    *,
    kind: str,
    at_ms: int,
    payload: Mapping[str, Any],
    new_salt: Callable[[int], bytes] = secrets.token_bytes,
) -> int:
    """Append an entry within the caller's commit; its number. `kind`: challenge, refusal, alert, acknowledgement …"""
    number, chain = connection.execute(
        "SELECT coalesce(max(number), 0), (SELECT chain FROM register ORDER BY number DESC LIMIT 1) FROM register"
    ).fetchone()
    number += 1
    text = json.dumps(payload, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    salt = new_salt(_SALT_BYTES)
    commitment = _commitment(salt, text)
    connection.execute(
        "INSERT INTO register (number, at_ms, kind, commitment, chain, salt, payload) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            at_ms,
            kind,
            commitment,
            _link(chain or _START, number, at_ms, kind, commitment),
            salt,
            text,
        ),
    )
    connection.execute(
        "INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_LENGTH, number),
    )
    return int(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptied:
    """What the register no longer says, as its tombstones account for it.

    `requests` sales were forgotten, `forgotten` entries with them; `retired` entries went with retention.
    """

    requests: int
    forgotten: frozenset[int]
    retired: int
    """Every entry up to this number is past retention; 0 where none is."""


def forget_entry(connection: sqlite3.Connection, number: int) -> bool:
    """Forget what one entry said; that there was one, when and of what kind stays. False where there is none.

    Alone it leaves an empty entry that `verify` asks about: see `forget_entries`.
    """
    changed = connection.execute(
        "UPDATE register SET salt = NULL, payload = NULL WHERE number = ?", (number,)
    )
    return changed.rowcount == 1


def forget_entries(connection: sqlite3.Connection, numbers: Iterable[int], *, at_ms: int) -> int:
    """Forget these entries, perhaps none, and leave a tombstone; its number. One call a sale."""
    gone = sorted(number for number in set(numbers) if forget_entry(connection, number))
    return add_entry(connection, kind=_FORGOTTEN, at_ms=at_ms, payload={"entries": gone})


def retire_before(connection: sqlite3.Connection, *, before_ms: int, at_ms: int, limit: int = 500) -> int:
    """Retention: forget what entries of before said, at most `limit`, with a tombstone; how many were forgotten.

    Tombstones stay, so that the register goes on accounting for itself. The cut moves by whole days (UTC), so that
    an hourly call leaves one tombstone a day.
    """
    before_ms -= before_ms % _DAY_MS
    rows = connection.execute(
        "SELECT number FROM register WHERE payload IS NOT NULL AND kind NOT IN (?, ?) AND at_ms < ?"
        " ORDER BY number LIMIT ?",
        (_FORGOTTEN, _RETIRED, before_ms, limit),
    ).fetchall()
    for (number,) in rows:
        forget_entry(connection, number)
    if rows:
        told = {"up_to": rows[-1][0], "before": format_time(before_ms * 1_000_000)}
        add_entry(connection, kind=_RETIRED, at_ms=at_ms, payload=told)
    return len(rows)


def emptied(connection: sqlite3.Connection) -> Emptied:
    """What the tombstones account for. One that was tampered with counts for nothing; `verify` names it."""
    requests, retired = 0, 0
    forgotten: set[int] = set()
    for kind, payload in connection.execute(
        "SELECT kind, payload FROM register WHERE kind IN (?, ?) AND payload IS NOT NULL",
        (_FORGOTTEN, _RETIRED),
    ):
        try:
            told = json.loads(payload)
            if kind == _FORGOTTEN:
                forgotten |= {int(number) for number in told["entries"]}
                requests += 1
            else:
                retired = max(retired, int(told["up_to"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    return Emptied(requests=requests, forgotten=frozenset(forgotten), retired=retired)


def verify(connection: sqlite3.Connection, *, noted: Iterable[tuple[int, str]] = ()) -> list[Fault]:
    """Every entry that was changed, emptied, is missing or stands elsewhere; an empty list where the register holds.

    `noted`: numbers with chain values that somebody wrote down earlier.
    """
    faults: list[Fault] = []
    before: bytes | None = _START
    expected = 1
    wanted = dict(noted)
    accounted = emptied(connection)
    for number, at_ms, kind, commitment, chain, salt, payload in connection.execute(
        "SELECT number, at_ms, kind, commitment, chain, salt, payload FROM register ORDER BY number"
    ):
        if number != expected:
            gap = f"{expected} to {number - 1}" if number - expected > 1 else str(expected)
            faults.append(Fault(number=expected, what=f"missing: entry {gap}"))
            # What follows is judged from its own chain on; the gap itself is told once.
            before = None
        if before is not None and chain != _link(before, number, at_ms, kind, commitment):
            faults.append(
                Fault(number=number, what="changed or moved: its link to the entry before does not hold")
            )
        if payload is not None and (salt is None or commitment != _commitment(salt, payload)):
            faults.append(Fault(number=number, what="changed: its text is not what was committed to"))
        if payload is None and number > accounted.retired and number not in accounted.forgotten:
            faults.append(Fault(number=number, what="emptied: no tombstone tells that it was forgotten"))
        if number in wanted and wanted.pop(number) != chain.hex():
            faults.append(
                Fault(number=number, what="replaced: its chain value is not the one that was noted")
            )
        before, expected = chain, number + 1
    length = connection.execute("SELECT value FROM marks WHERE name = ?", (_LENGTH,)).fetchone()
    last = max([length[0] if length else 0, *wanted], default=0)
    if last >= expected:
        faults.append(Fault(number=expected, what=f"missing: the end, entries {expected} to {last}"))
    return faults


def entries(connection: sqlite3.Connection, *, from_ms: int = 0, to_ms: int = 1 << 62) -> Iterator[Entry]:
    """The entries of a span of time, in order."""
    for number, at_ms, kind, chain, payload in connection.execute(
        "SELECT number, at_ms, kind, chain, payload FROM register WHERE at_ms >= ? AND at_ms < ? ORDER BY number",
        (from_ms, to_ms),
    ):
        told = None if payload is None else json.loads(payload)
        yield Entry(number=number, at_ms=at_ms, kind=kind, payload=told, chain=chain.hex())


_COLUMNS = (
    *("lane", "receipt", "alert", "outcome", "reason", "severity", "items", "product"),
    *("challenge_age", "legal_age", "tau", "miss_rate", "policy", "config_hash", "model", "p_under"),
    *("camera", "clock_offset_s", "by", "note"),
)


def export_csv(found: Iterable[Entry]) -> str:
    """For an inspector: one row an entry, with the chain value that lets the paper be held against the box later.

    A value that a spreadsheet would take for a formula is written with an apostrophe before it.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(["number", "time", "kind", *_COLUMNS, "forgotten", "chain"])
    for entry in found:
        payload = entry.payload or {}
        writer.writerow(
            [
                entry.number,
                format_time(entry.at_ms * 1_000_000),
                entry.kind,
                *(_cell(payload.get(name)) for name in _COLUMNS),
                "yes" if entry.payload is None else "",
                entry.chain,
            ]
        )
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        value = " ".join(str(one) for one in value)
    elif isinstance(value, dict):
        value = " ".join(f"{name}={one}" for name, one in value.items())
    text = str(value)
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _commitment(salt: bytes, text: str) -> bytes:
    return hashlib.sha256(salt + text.encode()).digest()


def _link(before: bytes, number: int, at_ms: int, kind: str, commitment: bytes) -> bytes:
    return hashlib.sha256(before + f"{number}|{at_ms}|{kind}|".encode() + commitment).digest()
