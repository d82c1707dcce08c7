"""The loops of a running daemon, each with its last sign of life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.ops.watchdog import Beat

if TYPE_CHECKING:
    from edge.app.daemon import Daemon

__all__ = ["beats"]

# Longer than any turn of a loop that goes on: a commit on a slow disk is waited for half a minute, a delivery too,
# and retention deletes for a while. A capture thread is not among them: a camera that hangs counts as down, and a
# restart would not bring it back.
_PATIENCE_S = 60.0
_WAITS_FOR_DISK_S = 120.0
_DELIVERS_S = 180.0


def beats(daemon: Daemon) -> dict[str, Beat]:
    """Every loop that must go on, by the name that people read in `/health`. Any thread."""
    found = {
        "vision loop": Beat(at_s=daemon.vision.beat_s, patience_s=_PATIENCE_S),
        "housekeeping": Beat(at_s=daemon.beat_s, patience_s=_WAITS_FOR_DISK_S),
        "attention": Beat(at_s=daemon.page_side.attention.beat_s, patience_s=_WAITS_FOR_DISK_S),
    }
    if daemon.web is not None:
        found["web server"] = Beat(at_s=daemon.web.beat_s, patience_s=_PATIENCE_S)
    if daemon.desk is not None:
        found["desk"] = Beat(at_s=daemon.desk.beat_s, patience_s=_PATIENCE_S)
    if daemon.doors is not None:
        found["doors"] = Beat(at_s=daemon.doors.beat_s, patience_s=_WAITS_FOR_DISK_S)
    marketing = None if daemon.sales is None else daemon.sales.store
    if marketing is not None:
        found["marketing's store"] = Beat(at_s=marketing.stats().beat_s, patience_s=_WAITS_FOR_DISK_S)
    return found | daemon.outbox.beats(disk_s=_WAITS_FOR_DISK_S, delivery_s=_DELIVERS_S)
