"""Numbered steps of a database's shape: expand first, contract a version later.

Version N of the program opens what version N + 1 left behind, so that an upgrade can be taken back:
a step that adds tables or columns says `opens_from` the version before it; only a later step may
take away what nobody reads any more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from edge.events.errors import StoreTooNew

__all__ = ["Migrated", "Migration", "migrate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step. `opens_from`: the oldest number whose program still works on the shape after it."""

    number: int
    name: str
    opens_from: int
    statements: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.number > 1 and self.opens_from >= self.number:
            raise ValueError(
                f"migration {self.number} ({self.name}) must leave version {self.number - 1} working"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """Where the file stood and where it stands; `after` may be higher than our own newest step."""

    before: int
    after: int


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration]) -> Migrated:
    """Bring the file to the newest step, each step and its record in one transaction.

    `connection` is in autocommit mode. Raises StoreTooNew, and changes nothing, where the file says
    that only newer versions may open it.
    """
    if [step.number for step in migrations] != list(range(1, len(migrations) + 1)):
        raise ValueError("migrations must be numbered 1, 2, 3 … in order")
    ours = len(migrations)
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_steps"
        " (number INTEGER PRIMARY KEY, name TEXT NOT NULL, opens_from INTEGER NOT NULL)"
    )
    before, opens_from = connection.execute(
        "SELECT coalesce(max(number), 0), coalesce(max(opens_from), 0) FROM schema_steps"
    ).fetchone()
    if opens_from > ours:
        raise StoreTooNew(
            f"the state was written by a newer version (its shape is {before}, it opens from {opens_from}; "
            f"this version knows {ours}): install that version again, or start with an empty state folder"
        )
    for step in migrations[before:]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in step.statements:
                connection.execute(statement)
            connection.execute(
                "INSERT INTO schema_steps (number, name, opens_from) VALUES (?, ?, ?)",
                (step.number, step.name, step.opens_from),
            )
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    return Migrated(before=before, after=max(before, ours))
