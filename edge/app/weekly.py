"""The manager's week: challenges made of challenges due, refusals, delays; signed off into the register."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from sqlite3 import Connection
from statistics import median, quantiles
from typing import Any
from zoneinfo import ZoneInfo

from edge.app.recorded import challenge_of, was_refused
from edge.config import Config
from edge.events import Transaction, format_time
from edge.events.book import ReceiptRow, gaps, receipt_rows
from edge.events.register import add_entry
from edge.rules import honesty
from edge.rules.honesty import ENOUGH_DUE

__all__ = [
    "SignatureRefused",
    "sign_week",
    "signatures",
    "week_bounds",
    "week_of",
    "week_report",
    "weeks_kept",
]

_KIND = "week_signed"
_OUTCOMES = ("checked", "refused", "unchecked", "unseen", "not_prompted")
_TENTHS = 10


class SignatureRefused(ValueError):  # noqa: N818 - an answer, not a fault
    """A week that cannot be signed now; the text is a word for the page."""


def week_of(at_ns: int, zone: str) -> str:
    """The ISO week of a moment by the store's clock, such as `2026-W47`."""
    year, week, _ = datetime.fromtimestamp(at_ns // 10**9, UTC).astimezone(ZoneInfo(zone)).isocalendar()
    return f"{year}-W{week:02d}"


def week_bounds(week: str, zone: str) -> tuple[int, int]:
    """`(from_ns, to_ns)`, Monday to Monday by the store's clock. Raises ValueError for no week."""
    year, found, number = week.partition("-W")
    if not found or not (year.isdecimal() and number.isdecimal() and len(week) == 8):
        raise ValueError(f"{week!r} is no week; such as 2026-W47")
    monday = date.fromisocalendar(int(year), int(number), 1)
    here = ZoneInfo(zone)
    begin, end = (datetime.combine(day, time(), here) for day in (monday, monday + timedelta(days=7)))
    return round(begin.timestamp() * 1e9), round(end.timestamp() * 1e9)


def weeks_kept(config: Config, *, now_ns: int) -> list[str]:
    """Weeks of which everything is still kept, newest first, with the running one."""
    zone = config.site.time_zone
    oldest_ns = now_ns - config.state.security_days * 86_400 * 10**9
    weeks = [week_of(now_ns, zone)]
    while True:
        before = week_of(week_bounds(weeks[-1], zone)[0] - 86_400 * 10**9, zone)
        if week_bounds(before, zone)[0] < oldest_ns:
            return weeks
        weeks.append(before)


def week_report(connection: Connection, config: Config, week: str, *, now_ns: int) -> dict[str, Any]:
    """The figures of a week: all together, by lane, by cashier. Raises ValueError for no week.

    Lanes whose checks nobody reports, and receipts without restricted goods, are left out; one whose goods were refused
    counts, though they were struck or the receipt was cancelled afterwards. A share and its 95 % Wilson
    interval are None where there are too few challenges to say anything (`needed`).
    """
    from_ns, to_ns = week_bounds(week, config.site.time_zone)
    rows = [
        row
        for row in receipt_rows(connection, from_ns=from_ns, to_ns=to_ns - 1)
        if ((row.told.get("restricted") and row.outcome != "cancelled") or was_refused(row))
        and row.told["policy"].get("reports_id_checks") != "none"
    ]
    hasty_s = config.policy.min_check_seconds
    lanes = sorted({row.lane for row in rows} | {lane.name for lane in config.lanes})
    names = sorted({row.cashier for row in rows if row.cashier is not None})
    return {
        "week": week,
        "from": format_time(from_ns),
        "to": format_time(to_ns),
        "over": now_ns >= to_ns,
        "min_check_seconds": hasty_s,
        "all": _figures(rows, hasty_s),
        "lanes": [
            {"lane": lane, **_figures([row for row in rows if row.lane == lane], hasty_s)} for lane in lanes
        ],
        "unreported": [lane.name for lane in config.lanes if lane.reports_id_checks == "none"],
        "cashiers": [
            {"cashier": name, **_figures([row for row in rows if row.cashier == name], hasty_s)}
            for name in names
        ],
        "blind": _blind(connection, from_ns, min(to_ns, now_ns)),
        "signed": [one for one in signatures(connection) if one["week"] == week],
    }


def sign_week(transaction: Transaction, config: Config, week: str, *, by: str, at_ns: int) -> dict[str, Any]:
    """Enter into the register that somebody has seen the figures of a week; what was entered.

    The figures stand in the entry as they were. Raises SignatureRefused for a week that is not over, is no longer
    kept, or was signed by the same person; ValueError for no week.
    """
    if at_ns < week_bounds(week, config.site.time_zone)[1]:
        raise SignatureRefused("not_over")
    if week not in weeks_kept(config, now_ns=at_ns):
        raise SignatureRefused("not_kept")
    if any(one["week"] == week and one["by"] == by for one in signatures(transaction.connection)):
        raise SignatureRefused("signed_already")
    figures = week_report(transaction.connection, config, week, now_ns=at_ns)["all"]
    kept = {name: figures[name] for name in ("sales", "due", "made", "refused", "hasty")}
    note = f"{week}: {kept['made']} of {kept['due']} challenges made, {kept['refused']} refusals"
    payload = {"week": week, "by": by, "note": note, **kept}
    number = add_entry(transaction.connection, kind=_KIND, at_ms=at_ns // 10**6, payload=payload)
    return {"week": week, "by": by, "at": format_time(at_ns), "number": number}


def signatures(connection: Connection) -> list[dict[str, Any]]:
    """Who signed which week, newest first: `week`, `by`, `at` and the register's `number`. Forgotten ones are gone."""
    rows = connection.execute(
        "SELECT number, at_ms, payload FROM register WHERE kind = ? AND payload IS NOT NULL ORDER BY number DESC",
        (_KIND,),
    ).fetchall()
    told = [(number, at_ms, json.loads(payload)) for number, at_ms, payload in rows]
    return [
        {"week": one["week"], "by": one["by"], "at": format_time(at_ms * 10**6), "number": number}
        for number, at_ms, one in told
    ]


def _figures(rows: Sequence[ReceiptRow], hasty_s: float) -> dict[str, Any]:
    due = [one for row in rows if (one := challenge_of(row)) is not None]
    told = honesty(due, cashier=None, sales=len(rows), min_check_seconds=hasty_s)
    delays = sorted(one.delay_s for one in due if one.delay_s is not None)
    outcomes = Counter(row.outcome for row in rows)
    return {
        "sales": told.sales,
        "due": told.due,
        "made": told.made,
        "hasty": told.hasty,
        "share": told.share,
        "interval": None if told.interval is None else [round(end, 4) for end in told.interval],
        "needed": ENOUGH_DUE,
        "refused": sum(was_refused(row) for row in rows),
        "known": sum(row.told.get("reason") == "customer_known" for row in rows),
        "outcomes": {name: outcomes[name] for name in _OUTCOMES},
        "delay_s": None
        if len(delays) < _TENTHS
        else {"median": round(median(delays), 1), "p90": round(quantiles(delays, n=_TENTHS)[-1], 1)},
    }


def _blind(connection: Connection, from_ns: int, to_ns: int) -> list[dict[str, Any]]:
    """By lane and kind, for how long a camera or a till told nothing within the week."""
    minutes: Counter[tuple[str, str]] = Counter()
    for lane, kind, begun, ended in gaps(connection, from_ns=from_ns, to_ns=to_ns):
        minutes[lane, kind] += max(0, min(ended or to_ns, to_ns) - max(begun, from_ns)) // 60_000_000_000
    return [{"lane": lane, "kind": kind, "minutes": count} for (lane, kind), count in sorted(minutes.items())]
