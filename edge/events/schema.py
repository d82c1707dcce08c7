"""The shape of `security.db`, step by step. A step that was released is never changed: add one."""

from __future__ import annotations

from edge.events.migrations import Migration

__all__ = ["SECURITY_MIGRATIONS"]

SECURITY_MIGRATIONS = (
    Migration(
        number=1,
        name="outbox",
        opens_from=1,
        statements=(
            # `position` is the order of commits and is never given twice; `key` is a digest of source and id;
            # `recorded_ms` is the wall clock at commit and serves retention only, never order.
            "CREATE TABLE events (position INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, type TEXT NOT NULL,"
            " recorded_ms INTEGER NOT NULL, body TEXT NOT NULL)",
            # Cursors, sequences and flags share one page, so that a commit touches no page more for them.
            "CREATE TABLE marks (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
        ),
    ),
)
