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
    Migration(
        number=2,
        name="tills",
        opens_from=1,
        statements=(
            # What tills told, before they were answered; `key` is a digest of lane and event id, `done` is set with
            # the outcome of the receipt, so that what is not done is what a restart has to hear again.
            "CREATE TABLE till_inbox (position INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, lane TEXT NOT NULL,"
            " receipt TEXT NOT NULL, at_ns INTEGER NOT NULL, recorded_ms INTEGER NOT NULL, door TEXT NOT NULL,"
            " done INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL)",
            "CREATE INDEX till_inbox_waiting ON till_inbox (lane, receipt) WHERE done = 0",
            "CREATE INDEX till_inbox_receipt ON till_inbox (receipt)",
            # What was refused; `body` never holds a birth date and is empty where nothing could be parsed.
            "CREATE TABLE till_dead (position INTEGER PRIMARY KEY, recorded_ms INTEGER NOT NULL, door TEXT NOT NULL,"
            " reason TEXT NOT NULL, detail TEXT NOT NULL, event_id TEXT, body TEXT)",
            # How far files of the till were read: `name` is the door's, `told` a JSON object of its own.
            "CREATE TABLE till_files (name TEXT PRIMARY KEY, told TEXT NOT NULL) WITHOUT ROWID",
            # One row a receipt that was prompted or has ended; `told` is all that `explain` shows.
            "CREATE TABLE receipts (lane TEXT NOT NULL, receipt TEXT NOT NULL, receipt_ns INTEGER NOT NULL,"
            " recorded_ms INTEGER NOT NULL, prompted_ns INTEGER, ended_ns INTEGER, outcome TEXT, cashier TEXT,"
            " told TEXT NOT NULL, PRIMARY KEY (lane, receipt, receipt_ns)) WITHOUT ROWID",
            "CREATE INDEX receipts_ended ON receipts (ended_ns)",
            # One row an alert, whatever its count.
            "CREATE TABLE alerts (alert TEXT PRIMARY KEY, lane TEXT NOT NULL, kind TEXT NOT NULL,"
            " severity TEXT NOT NULL, receipt TEXT, from_ms INTEGER NOT NULL, recorded_ms INTEGER NOT NULL,"
            " count INTEGER NOT NULL, open INTEGER NOT NULL, acknowledged TEXT, body TEXT NOT NULL) WITHOUT ROWID",
            # The register: `chain` runs over `commitment`s, so that salt and payload of one entry can be forgotten.
            "CREATE TABLE register (number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,"
            " commitment BLOB NOT NULL, chain BLOB NOT NULL, salt BLOB, payload TEXT)",
            # Spans in which a camera or a till was blind; a gap is evidence too.
            "CREATE TABLE gaps (lane TEXT NOT NULL, kind TEXT NOT NULL, from_ns INTEGER NOT NULL, to_ns INTEGER,"
            " PRIMARY KEY (lane, kind, from_ns)) WITHOUT ROWID",
        ),
    ),
    Migration(
        number=3,
        name="attention",
        opens_from=2,
        statements=(
            # When an alert that nobody had acknowledged was passed on, so that this happens once.
            "ALTER TABLE alerts ADD COLUMN escalated_ms INTEGER",
            # What a sink's receiver refused for good; the event itself lies in `events` until retention.
            "CREATE TABLE parked (sink TEXT NOT NULL, position INTEGER NOT NULL, type TEXT NOT NULL,"
            " reason TEXT NOT NULL, parked_ms INTEGER NOT NULL, PRIMARY KEY (sink, position)) WITHOUT ROWID",
            # What a hub knows of other boxes. Their alerts have a table of their own, since lanes, receipts and alerts
            # of two boxes may share a name, and no rule of this box may stumble over another's.
            "CREATE TABLE hub_boxes (box TEXT PRIMARY KEY, heard_ms INTEGER NOT NULL, told TEXT NOT NULL)"
            " WITHOUT ROWID",
            "CREATE TABLE hub_alerts (box TEXT NOT NULL, alert TEXT NOT NULL, recorded_ms INTEGER NOT NULL,"
            " acknowledged TEXT, body TEXT NOT NULL, PRIMARY KEY (box, alert)) WITHOUT ROWID",
        ),
    ),
    Migration(
        number=4,
        name="drift",
        opens_from=2,
        statements=(
            # Sums of a camera's customers by hour since 1970: ages by band, place, size, blur and light of faces.
            # `setup` is a digest of source, zones and model: with another one the usual begins anew.
            "CREATE TABLE drift_hours (camera TEXT NOT NULL, setup TEXT NOT NULL, hour INTEGER NOT NULL,"
            " told TEXT NOT NULL, PRIMARY KEY (camera, setup, hour)) WITHOUT ROWID",
        ),
    ),
)
