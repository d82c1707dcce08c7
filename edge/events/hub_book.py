"""What a hub keeps of the store's other boxes: their alerts, and which boxes there are.

Functions over one SQLite connection, for use inside a commit of the store (writing) or `Store.read` (reading).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

__all__ = [
    "acknowledge_hub_alert",
    "forget_hub",
    "hub_alerts",
    "hub_boxes",
    "keep_hub_alert",
    "keep_hub_box",
    "lane_of_hub_alert",
]


def keep_hub_alert(
    connection: sqlite3.Connection, box: str, body: Mapping[str, Any], *, recorded_ms: int
) -> None:
    """A new alert of another box, or a known one with a higher count. An acknowledgement stays."""
    connection.execute(
        "INSERT INTO hub_alerts (box, alert, recorded_ms, body) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (box, alert) DO UPDATE SET body = excluded.body"
        " WHERE json_extract(excluded.body, '$.count') >= json_extract(body, '$.count')",
        (box, str(body["alert"]), recorded_ms, _text(body)),
    )


def lane_of_hub_alert(connection: sqlite3.Connection, box: str, alert: str) -> str | None:
    """The lane of another box's alert; None for no such alert."""
    row = connection.execute(
        "SELECT json_extract(body, '$.lane') FROM hub_alerts WHERE box = ? AND alert = ?", (box, alert)
    ).fetchone()
    return None if row is None else str(row[0])


def acknowledge_hub_alert(
    connection: sqlite3.Connection, box: str, alert: str, told: Mapping[str, Any]
) -> None:
    """Note who looked; a later word replaces an earlier one, whichever came here first."""
    connection.execute(
        "UPDATE hub_alerts SET acknowledged = ?1 WHERE box = ?2 AND alert = ?3 AND"
        " (acknowledged IS NULL OR json_extract(acknowledged, '$.at') <= json_extract(?1, '$.at'))",
        (_text(told), box, alert),
    )


def hub_alerts(connection: sqlite3.Connection, *, limit: int) -> list[dict[str, Any]]:
    """The newest alerts of other boxes, newest first: the event's data with `box` and `acknowledged` beside it."""
    rows = connection.execute(
        "SELECT box, acknowledged, body FROM hub_alerts ORDER BY recorded_ms DESC, alert LIMIT ?", (limit,)
    )
    return [
        {
            **json.loads(body),
            "box": box,
            "acknowledged": None if acknowledged is None else json.loads(acknowledged),
        }
        for box, acknowledged, body in rows
    ]


def keep_hub_box(connection: sqlite3.Connection, box: str, told: Mapping[str, Any], *, heard_ms: int) -> None:
    """A box was heard; `told` is what its tiles need."""
    connection.execute(
        "INSERT INTO hub_boxes (box, heard_ms, told) VALUES (?, ?, ?)"
        " ON CONFLICT (box) DO UPDATE SET heard_ms = excluded.heard_ms, told = excluded.told",
        (box, heard_ms, _text(told)),
    )


def hub_boxes(connection: sqlite3.Connection) -> list[tuple[str, int, dict[str, Any]]]:
    """`(box, heard_ms, told)` of every box that was ever heard."""
    rows = connection.execute("SELECT box, heard_ms, told FROM hub_boxes ORDER BY box")
    return [(box, heard_ms, json.loads(told)) for box, heard_ms, told in rows]


def forget_hub(connection: sqlite3.Connection, *, before_ms: int) -> int:
    """Drop alerts, and boxes that were not heard since; how many in all."""
    gone = connection.execute("DELETE FROM hub_alerts WHERE recorded_ms < ?", (before_ms,)).rowcount
    gone += connection.execute("DELETE FROM hub_boxes WHERE heard_ms < ?", (before_ms,)).rowcount
    return int(gone)


def _text(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))
