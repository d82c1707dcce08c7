"""Moments of a made-up box, for the terminal view."""

from __future__ import annotations

from dataclasses import replace

from edge.flow import AgeEstimate, Role, TrackReport, UnknownReason, Zone
from edge.ops.stats import BoxStats, CameraStats, InferenceStats, LatencyStats, SinkStats, StoreStats
from edge.ops.terminal import LaneNow, Moment
from edge.ops.till_stats import DoorStats, TillStats

START_NS = 1_767_607_200_000_000_000  # 2026-01-05T10:00:00Z

LOOKS_57 = AgeEstimate(
    mean_years=57.2, median_years=57.0, low_years=49.0, high_years=66.1, p_under={18: 0.0, 25: 0.01}, crops=5
)
LOOKS_20 = AgeEstimate(
    mean_years=20.1, median_years=20.0, low_years=15.2, high_years=26.4, p_under={18: 0.3, 25: 0.91}, crops=3
)
TURNED_AWAY = AgeEstimate(reason=UnknownReason.TURNED_AWAY)


def report(track: str = "lane-1-7", estimate: AgeEstimate = LOOKS_57, *, ended: bool = False) -> TrackReport:
    """Somebody at the till of lane-1."""
    return TrackReport(
        lane="lane-1",
        camera="cam-1",
        track=track,
        from_ns=START_NS,
        to_ns=START_NS + 4_000_000_000,
        zone=Zone.CUSTOMER,
        role=Role.CUSTOMER,
        estimate=estimate,
        seen_ns=START_NS,
        seen_box_px=(400.0, 200.0, 96.0, 121.0),
        face_px=96,
        customer_zone_s=4.0,
        box_px=(400.0, 200.0, 96.0, 121.0),
        model="age-resnet50/1.0.0+ab12cd34",
        ended=ended,
    )


def camera(name: str = "cam-1", *, state: str = "up", reason: str = "ok") -> CameraStats:
    """A camera in that state."""
    return CameraStats(
        camera=name,
        lanes=("lane-1",),
        state=state,
        reason=reason,
        since_s=10.0,
        fps=14.9 if state == "up" else 0.0,
        detect_hz=5.0,
        size_px=(1280, 720),
        frame_age_s=0.02,
        frames=1000,
        judged=300,
        overwritten=3,
        too_old=0,
        reconnects=0,
        decode="software",
    )


def sink(
    name: str, *, up: bool = True, pending: int = 0, oldest_s: float = 0.0, error: str | None = None
) -> SinkStats:
    """A sink with that much waiting."""
    return SinkStats(
        sink=name,
        kind="mqtt",
        purpose="security",
        up=up,
        pending=pending,
        oldest_pending_s=oldest_s,
        delivered=100,
        failures=0,
        last_error=error,
    )


TILL = TillStats(
    doors=(
        DoorStats(
            door="http",
            fault=None,
            accepted=90,
            duplicate=2,
            refused={"bad_time": 1, "no_token": 4},
            dead_letters=1,
        ),
        DoorStats(door="file", fault=None, accepted=3, duplicate=0, refused={}, dead_letters=0),
    ),
    birth_dates=2,
    backlog=0,
    too_late=1,
    open_receipts=1,
    unsaved=0,
    prompts=5,
    outcomes={"checked": 3, "unchecked": 1, "not_prompted": 20},
    alerts={"unchecked_sale": 1},
)

STATS = BoxStats(
    store="store-1",
    box="box-1",
    version="0.1.0",
    at="2026-01-05T10:00:04.000Z",
    ready=True,
    uptime_s=3723.0,
    rss_bytes=300_000_000,
    threads=9,
    file_descriptors=30,
    cameras=(camera(),),
    sinks=(sink("events"),),
    event_store=StoreStats(
        accepting=True,
        reason=None,
        appended=100,
        refused=0,
        file_bytes=1_200_000,
        wal_bytes=40_000,
        free_bytes=20_000_000_000,
    ),
    inference=InferenceStats(
        provider_wanted="auto",
        provider="CPUExecutionProvider",
        detector="yunet",
        model="age-resnet50/1.0.0+ab12cd34",
        research_weights=True,
        degraded=None,
    ),
    latency=LatencyStats(estimate_p50_s=0.08, estimate_p95_s=0.142, event_p50_s=0.2, event_p95_s=0.3),
    customers=14,
    unknown=1,
    events=20,
    dropped={},
    clock_synchronised=True,
    till=TILL,
)

QUIET = Moment(stats=STATS, lanes=(LaneNow(lane="lane-1", camera="cam-1"),))


def with_tracks(*tracks: TrackReport) -> Moment:
    """A moment at which these people stand at the till."""
    return replace(QUIET, lanes=(LaneNow(lane="lane-1", camera="cam-1", tracks=tracks),))
