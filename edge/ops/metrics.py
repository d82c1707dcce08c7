"""The same moment as Prometheus metrics: one prefix, base units, labels by camera, sink and reason only."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from edge.ops.stats import BoxStats
from edge.ops.till_stats import till_metrics

__all__ = ["CONTENT_TYPE", "MetricsPage"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_P = "checkout_age_"


class MetricsPage(Collector):
    """Turns a snapshot into text at each scrape; nothing is counted twice and nothing is kept here."""

    def __init__(self, snapshot: Callable[[], BoxStats]) -> None:
        self._snapshot = snapshot
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def render(self) -> bytes:
        """The page in the text format 0.0.4."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Nothing: names are known only from a snapshot, and none shall be taken at registration."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every metric of one snapshot."""
        stats = self._snapshot()
        yield from _box(stats)
        yield from _cameras(stats)
        yield from _sinks(stats)
        if stats.till is not None:
            yield from till_metrics(stats.till)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(_P + name, text, value=value)


def _box(stats: BoxStats) -> Iterator[Metric]:
    info = stats.inference
    yield InfoMetricFamily(_P + "build", "Version of the program.", value={"version": stats.version})
    yield InfoMetricFamily(
        _P + "inference_provider",
        "Execution provider in use, and the configured one.",
        value={
            "provider": info.provider,
            "wanted": info.provider_wanted,
            "detector": info.detector,
            "model": info.model,
        },
    )
    yield _gauge("ready", "1 after warm-up.", float(stats.ready))
    yield _gauge("stalled_loops", "Loops that stand still.", len(stats.stalled))
    yield _gauge("degraded", "1 where inference is not what was configured.", float(bool(info.degraded)))
    yield _gauge("config_last_good", "1 where the configuration file cannot be used.", float(stats.last_good))
    yield _gauge("notes", "Findings of /health that no other metric tells.", len(stats.notes))
    yield _gauge("uptime_seconds", "Seconds since the process started.", stats.uptime_s)
    yield _gauge("resident_memory_bytes", "Resident memory.", stats.rss_bytes)
    yield _gauge("threads", "Threads of the process.", stats.threads)
    yield _gauge("open_file_descriptors", "Open file descriptors.", stats.file_descriptors)
    yield CounterMetricFamily(_P + "customers", "Tracks told as customers.", value=stats.customers)
    yield CounterMetricFamily(_P + "unknown", "Tracks told without an age.", value=stats.unknown)
    yield CounterMetricFamily(_P + "events", "Events handed to the store.", value=stats.events)
    dropped = CounterMetricFamily(_P + "dropped", "What was dropped, by reason.", labels=["reason"])
    for reason, count in sorted(stats.dropped.items()):
        dropped.add_metric([reason], count)
    yield dropped
    store = stats.event_store
    yield _gauge("store_accepting", "1 where the store takes events.", float(store.accepting))
    yield CounterMetricFamily(_P + "store_refused", "Events refused by the store.", value=store.refused)
    yield _gauge("store_file_bytes", "Size of the store's file.", store.file_bytes)
    yield _gauge("store_wal_bytes", "Size of its write-ahead log.", store.wal_bytes)
    yield _gauge("disk_free_bytes", "Free space for state.", store.free_bytes)
    labels = GaugeMetricFamily(
        _P + "alerts_labelled", "Alerts in the store by what staff said of them.", labels=["reason"]
    )
    for reason in ("checked", "false_alarm", "escalated", "unlabelled"):
        labels.add_metric([reason], sum(getattr(one, reason) for one in stats.alert_labels))
    yield labels
    if stats.clock_synchronised is not None:
        yield _gauge("clock_synchronised", "1 where the clock is.", float(stats.clock_synchronised))
    for name, value in (
        ("estimate_latency_p95_seconds", stats.latency.estimate_p95_s),
        ("event_latency_p95_seconds", stats.latency.event_p95_s),
    ):
        if value is not None:
            yield _gauge(name, "Seconds from capture, 95th percentile of the last minutes.", value)


def _cameras(stats: BoxStats) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        _P + "camera_up", "1 where the camera gives pictures.", labels=["camera", "reason"]
    )
    age = GaugeMetricFamily(_P + "frame_age_seconds", "Age of the newest frame.", labels=["camera"])
    fps = GaugeMetricFamily(_P + "camera_fps", "Frames a second off the wire, decoded.", labels=["camera"])
    frames = CounterMetricFamily(_P + "frames", "Frames taken off the wire and decoded.", labels=["camera"])
    judged = CounterMetricFamily(_P + "frames_judged", "Frames that were judged.", labels=["camera"])
    dropped = CounterMetricFamily(_P + "frames_dropped", "Frames never judged.", labels=["camera", "reason"])
    reconnects = CounterMetricFamily(_P + "reconnects", "Connections opened anew.", labels=["camera"])
    warned = GaugeMetricFamily(
        _P + "camera_warning", "1 while the drift watch warns.", labels=["camera", "reason"]
    )
    for camera in stats.cameras:
        up.add_metric([camera.camera, camera.reason], float(camera.state == "up"))
        if camera.frame_age_s is not None:
            age.add_metric([camera.camera], camera.frame_age_s)
        fps.add_metric([camera.camera], camera.fps)
        frames.add_metric([camera.camera], camera.frames)
        judged.add_metric([camera.camera], camera.judged)
        dropped.add_metric([camera.camera, "overwritten"], camera.overwritten)
        dropped.add_metric([camera.camera, "too_old"], camera.too_old)
        reconnects.add_metric([camera.camera], camera.reconnects)
        kinds = {warning.kind for warning in camera.warnings}
        for kind in ("drift", "moved", "soiled"):
            warned.add_metric([camera.camera, kind], float(kind in kinds))
    yield from (up, age, fps, frames, judged, dropped, reconnects, warned)


def _sinks(stats: BoxStats) -> Iterator[Metric]:
    up = GaugeMetricFamily(_P + "sink_up", "1 where the sink takes events.", labels=["sink"])
    pending = GaugeMetricFamily(_P + "outbox_pending", "Events that wait for the sink.", labels=["sink"])
    oldest = GaugeMetricFamily(
        _P + "outbox_oldest_seconds", "Age of the oldest event that waits.", labels=["sink"]
    )
    delivered = CounterMetricFamily(_P + "delivered", "Events the sink has taken.", labels=["sink"])
    failures = CounterMetricFamily(_P + "sink_failures", "Deliveries that failed.", labels=["sink"])
    for sink in stats.sinks:
        up.add_metric([sink.sink], float(sink.up))
        pending.add_metric([sink.sink], sink.pending)
        oldest.add_metric([sink.sink], sink.oldest_pending_s)
        delivered.add_metric([sink.sink], sink.delivered)
        failures.add_metric([sink.sink], sink.failures)
    yield from (up, pending, oldest, delivered, failures)
