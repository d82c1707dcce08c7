"""Is this box all right? One pure judgement for `/health`, `status`, the page and the service's notifications."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge.ops.stats import BoxStats
from edge.ops.till_stats import till_findings

__all__ = ["Health", "HealthState", "judge"]

_SINK_LATE_S = 300.0
_DISK_LOW_BYTES = 500_000_000


class HealthState(StrEnum):
    """`ok`: all lanes see. `degraded`: works, but somebody should look. `down`: a lane is blind."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"


EXIT_CODES = {HealthState.OK: 0, HealthState.DEGRADED: 1, HealthState.DOWN: 2}
"""What `checkout-age status` exits with, as monitoring plug-ins expect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The judgement and, for each thing that is not well, one sentence a technician can act on."""

    state: HealthState
    reasons: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 ok, 1 degraded, 2 down."""
        return EXIT_CODES[self.state]


def judge(stats: BoxStats) -> Health:
    """Judge one moment; the worst finding decides the state, all findings are told, reminders last."""
    down = [
        f"camera {camera.camera} ({', '.join(camera.lanes)}) is {camera.state} "
        f"for {camera.since_s:.0f} s: {camera.reason}"
        for camera in stats.cameras
        if camera.state == "down"
    ]
    if not stats.event_store.accepting:
        down.append(f"the store takes no events: {stats.event_store.reason}")
    down += [f"the {loop} stands still: restart the service" for loop in stats.stalled]
    if not stats.ready:
        down.append("not ready yet: models are warming up")
    uneasy = [
        f"camera {camera.camera} is degraded: {camera.reason}"
        for camera in stats.cameras
        if camera.state == "degraded"
    ]
    uneasy += [warning.said for camera in stats.cameras for warning in camera.warnings]
    uneasy += [
        f"sink {sink.sink}: {sink.pending} events wait, the oldest for {sink.oldest_pending_s:.0f} s"
        + (f" ({sink.last_error})" if sink.last_error else "")
        for sink in stats.sinks
        if sink.pending and sink.oldest_pending_s > _SINK_LATE_S
    ]
    uneasy += [
        f"sink {sink.sink} cannot be reached: {sink.last_error}"
        for sink in stats.sinks
        if not sink.up and sink.last_error
    ]
    uneasy += [] if stats.till is None else till_findings(stats.till)
    if stats.inference.degraded:
        uneasy.append(stats.inference.degraded)
    if stats.event_store.free_bytes < _DISK_LOW_BYTES:
        uneasy.append(f"{stats.event_store.free_bytes / 1e6:.0f} MB are left on the disk of the state folder")
    if stats.clock_synchronised is False:
        uneasy.append("the clock is not synchronised: receipts and faces cannot be matched reliably")
    uneasy += stats.notes
    state = HealthState.DOWN if down else HealthState.DEGRADED if uneasy else HealthState.OK
    return Health(state=state, reasons=(*down, *uneasy, *stats.reminders))
