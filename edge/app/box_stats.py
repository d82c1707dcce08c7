"""A running daemon at one moment, as plain values."""

from __future__ import annotations

import time
from collections import Counter
from importlib.metadata import version
from typing import TYPE_CHECKING

from edge.app.beats import beats
from edge.app.cameras import decode_notes
from edge.camera import Camera
from edge.config.reminders import reminders
from edge.events import Courier, format_time
from edge.ops.process import clock_synchronised, file_descriptors, resident_bytes, threads
from edge.ops.stats import (
    BoxStats,
    CameraStats,
    CameraWarned,
    InferenceStats,
    LatencyStats,
    SinkStats,
)
from edge.ops.watchdog import standing_still

if TYPE_CHECKING:
    from edge.app.daemon import Daemon

__all__ = ["box_stats"]


def box_stats(daemon: Daemon) -> BoxStats:
    """Everything that health, metrics, the view and `status` show. Any thread; costs about a millisecond."""
    config = daemon.config
    ages = daemon.models.ages
    return BoxStats(
        store=config.site.store,
        box=config.site.box,
        version=version("checkout-age"),
        at=format_time(time.time_ns()),
        ready=daemon.web is not None,
        uptime_s=time.monotonic() - daemon.started_s,
        rss_bytes=resident_bytes(),
        threads=threads(),
        file_descriptors=file_descriptors(),
        cameras=tuple(_camera(camera, daemon) for camera in daemon.cameras),
        sinks=tuple(
            _sink(name, sink.kind, courier) for name, (sink, courier) in daemon.outbox.couriers.items()
        ),
        event_store=daemon.outbox.stats(),
        inference=InferenceStats(
            provider_wanted=config.inference.provider,
            provider=ages.provider,
            detector=daemon.models.choice.name,
            model=daemon.models.bundle.name,
            research_weights="research" in daemon.models.bundle.licence.lower(),
            degraded=ages.degraded if config.inference.provider == "auto" and ages.degraded else None,
        ),
        latency=LatencyStats(
            estimate_p50_s=daemon.estimates.quantile(0.5),
            estimate_p95_s=daemon.estimates.quantile(0.95),
            event_p50_s=daemon.outbox.commits.quantile(0.5),
            event_p95_s=daemon.outbox.commits.quantile(0.95),
        ),
        customers=daemon.counts["customers"],
        unknown=daemon.counts["unknown"],
        events=daemon.counts["events"],
        dropped=dict(daemon.outbox.dropped + (daemon.desk.dropped if daemon.desk is not None else Counter())),
        clock_synchronised=clock_synchronised(),
        stalled=standing_still(beats(daemon), time.monotonic()),
        notes=_notes(daemon),
        till=None if daemon.till_watch is None else daemon.till_watch.now(),
        last_good=daemon.last_good,
        alert_labels=daemon.labels.now(),
        reminders=reminders(config),
    )


def _camera(camera: Camera, daemon: Daemon) -> CameraStats:
    config, figures, status = daemon.config, camera.figures(), camera.status
    return CameraStats(
        camera=camera.name,
        lanes=tuple(lane.name for lane in config.lanes if lane.camera == camera.name),
        state=status.state.value,
        reason=status.reason.value,
        since_s=max(0.0, (time.time_ns() - status.since_ns) / 1e9),
        fps=figures.fps,
        detect_hz=config.camera(camera.name).detect_hz,
        size_px=figures.size_px,
        frame_age_s=figures.frame_age_s,
        frames=figures.frames,
        judged=daemon.vision.judged[camera.name],
        overwritten=figures.overwritten,
        too_old=figures.too_old,
        reconnects=figures.reconnects,
        decode=figures.decoder,
        warnings=tuple(
            CameraWarned(kind=one.kind, said=one.said, since=format_time(one.since_ns), figures=one.figures)
            for one in daemon.drift.standing()
            if one.camera == camera.name
        ),
    )


def _sink(name: str, kind: str, courier: Courier) -> SinkStats:
    stats = courier.stats()
    oldest_ms = stats.oldest_pending_ms
    return SinkStats(
        sink=name,
        kind=kind,
        purpose=stats.purpose,
        up=stats.last_error is None,
        pending=stats.pending,
        oldest_pending_s=0.0 if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1e3),
        delivered=stats.delivered,
        failures=stats.failures,
        last_error=stats.last_error,
    )


def _notes(daemon: Daemon) -> tuple[str, ...]:
    notes = [*daemon.notes, *decode_notes(daemon.cameras, daemon.config)]
    if daemon.vision.failures:
        notes.append(f"{daemon.vision.failures} batches of frames could not be judged: see the log")
    notes += daemon.outbox.notes
    for side in (daemon.sales, daemon.offers):
        notes += () if side is None else side.notes
    return tuple(notes)
