"""How a box is doing at one moment: plain values that health, metrics, the view and `status` are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from edge.ops.till_stats import TillStats

__all__ = [
    "AlertLabels",
    "BoxStats",
    "CameraStats",
    "CameraWarned",
    "InferenceStats",
    "LatencyStats",
    "SinkStats",
    "StoreStats",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraWarned:
    """What the drift watch found at a camera: `kind` drift, moved or soiled, in words, and the figures behind it."""

    kind: str
    said: str
    since: str
    figures: Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraStats:
    """One camera. Counters run from the start of the process; ages in seconds, None before the first frame."""

    camera: str
    lanes: tuple[str, ...]
    state: str
    reason: str
    since_s: float
    fps: float
    detect_hz: float
    size_px: tuple[int, int] | None
    frame_age_s: float | None
    frames: int
    judged: int
    overwritten: int
    too_old: int
    reconnects: int
    decode: str
    warnings: tuple[CameraWarned, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkStats:
    """One sink: what waits for it, since when, and what it said last."""

    sink: str
    kind: str
    purpose: str
    up: bool
    pending: int
    oldest_pending_s: float
    delivered: int
    failures: int
    last_error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStats:
    """The store on disk: events accepted and refused, sizes in bytes."""

    accepting: bool
    reason: str | None
    appended: int
    refused: int
    file_bytes: int
    wal_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceStats:
    """Which detector and model run where, and whether that is what was configured."""

    provider_wanted: str
    provider: str
    detector: str
    model: str
    research_weights: bool
    degraded: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyStats:
    """Seconds from the capture of a frame to what followed from it, over the last minutes; None without any.

    `event`: to the committed age event; on a box with a till to the committed prompt, from the later of face and item.
    """

    estimate_p50_s: float | None
    estimate_p95_s: float | None
    event_p50_s: float | None
    event_p95_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLabels:
    """What staff said of the alerts of one kind. `precision` is checked / (checked + false alarms), None without any;
    `low` and `high` are its 95 % Wilson interval.
    """

    kind: str
    checked: int
    false_alarm: int
    escalated: int
    unlabelled: int
    precision: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxStats:
    """Everything at one moment. `clock_synchronised` is None where the system does not say; `stalled`
    names loops that stand still; `reminders` are duties of the shop that do not change how the box works.
    """

    store: str
    box: str
    version: str
    at: str
    ready: bool
    uptime_s: float
    rss_bytes: int
    threads: int
    file_descriptors: int
    cameras: tuple[CameraStats, ...]
    sinks: tuple[SinkStats, ...]
    event_store: StoreStats
    inference: InferenceStats
    latency: LatencyStats
    customers: int
    unknown: int
    events: int
    dropped: Mapping[str, int]
    clock_synchronised: bool | None
    stalled: tuple[str, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())
    last_good: bool = False
    """The configuration file cannot be used; the one with which the service last started is."""
    alert_labels: tuple[AlertLabels, ...] = field(default=())
    reminders: tuple[str, ...] = field(default=())

    till: TillStats | None = None
    """None where no till can reach this box."""

    def as_json(self) -> dict[str, Any]:
        """The same as plain values for `/api/stats`."""
        return asdict(self)
