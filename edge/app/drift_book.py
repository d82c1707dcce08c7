"""Where a camera's hours and what has changed at it are kept: sums of `security.db`, never a picture or a person.

Functions over one SQLite connection, for use inside a commit of the store (writing) or `Store.read` (reading).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from edge.ops.drift import HourFigures

__all__ = ["accept_camera", "accepted_hour", "forget_hours", "hours_of", "keep_hours"]


def keep_hours(connection: sqlite3.Connection, hours: Mapping[tuple[str, str], HourFigures]) -> None:
    """Add hours, by `(camera, setup)`, to what is known of them."""
    for (camera, setup), more in hours.items():
        row = connection.execute(
            "SELECT told FROM drift_hours WHERE camera = ? AND setup = ? AND hour = ?",
            (camera, setup, more.hour),
        ).fetchone()
        whole = more if row is None else HourFigures.from_json(more.hour, row[0]).plus(more)
        connection.execute(
            "INSERT INTO drift_hours (camera, setup, hour, told) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (camera, setup, hour) DO UPDATE SET told = excluded.told",
            (camera, setup, more.hour, whole.to_json()),
        )


def hours_of(connection: sqlite3.Connection, *, camera: str, setup: str, from_hour: int) -> list[HourFigures]:
    """A camera's hours under one setup, oldest first, from where it was accepted as it stands."""
    first = max(from_hour, accepted_hour(connection, camera))
    rows = connection.execute(
        "SELECT hour, told FROM drift_hours WHERE camera = ? AND setup = ? AND hour >= ? ORDER BY hour",
        (camera, setup, first),
    )
    return [HourFigures.from_json(hour, told) for hour, told in rows]


def accepted_hour(connection: sqlite3.Connection, camera: str) -> int:
    """The hour from which on a camera's place counts as wanted; 0 where nobody said so."""
    row = connection.execute("SELECT value FROM marks WHERE name = ?", (_mark(camera),)).fetchone()
    return int(row[0]) if row else 0


def accept_camera(connection: sqlite3.Connection, *, camera: str, hour: int) -> None:
    """As the camera stands now is how it shall stand: what was before no longer counts."""
    connection.execute(
        "INSERT INTO marks (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (_mark(camera), hour),
    )


def forget_hours(connection: sqlite3.Connection, *, before_hour: int) -> int:
    """Delete what is older; how many hours."""
    return connection.execute("DELETE FROM drift_hours WHERE hour < ?", (before_hour,)).rowcount


def _mark(camera: str) -> str:
    return f"drift accepted {camera}"
