"""How tills and sales of a box are doing: a part of `BoxStats`, and its metrics and findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

__all__ = ["DoorStats", "TillStats", "till_findings", "till_metrics"]

_P = "checkout_age_"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorStats:
    """One way in (`http mqtt file poslog page`), counted since the process began.

    `refused`: events, files and requests by reason. `dead_letters`: refused events that lie in the store now for
    somebody to look at. `fault`: why nothing can come in, None while the door is open.
    """

    door: str
    fault: str | None
    accepted: int
    duplicate: int
    refused: Mapping[str, int]
    dead_letters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TillStats:
    """Counted since the process began, but `backlog`, `open_receipts` and `unsaved`, which are of this moment.

    `backlog`: events on disk at which no rule has looked yet. `too_late`: events of receipts that had ended.
    `unsaved`: decisions that wait for the store. `outcomes` and `alerts` by kind; an alert that grows counts once.
    """

    doors: tuple[DoorStats, ...]
    birth_dates: int
    backlog: int
    too_late: int
    open_receipts: int
    unsaved: int
    prompts: int
    outcomes: Mapping[str, int]
    alerts: Mapping[str, int]


def till_findings(stats: TillStats) -> list[str]:
    """What somebody should look at, one sentence each."""
    found = [
        f"the till's door {one.door} is shut: {one.fault}" for one in stats.doors if one.fault is not None
    ]
    if stats.unsaved:
        found.append(f"{stats.unsaved} decisions wait in memory for the store")
    return found


def till_metrics(stats: TillStats) -> Iterator[Metric]:
    """The same for Prometheus."""
    up = GaugeMetricFamily(_P + "till_door_up", "1 where till events can come in.", labels=["door"])
    accepted = CounterMetricFamily(_P + "till_events", "Till events taken.", labels=["door"])
    duplicate = CounterMetricFamily(_P + "till_duplicates", "Till events known already.", labels=["door"])
    refused = CounterMetricFamily(
        _P + "till_refused", "Till events, files and requests refused.", labels=["door", "reason"]
    )
    dead = GaugeMetricFamily(_P + "till_dead_letters", "Refused events kept in the store.", labels=["door"])
    for door in stats.doors:
        up.add_metric([door.door], float(door.fault is None))
        accepted.add_metric([door.door], door.accepted)
        duplicate.add_metric([door.door], door.duplicate)
        dead.add_metric([door.door], door.dead_letters)
        for reason, count in sorted(door.refused.items()):
            refused.add_metric([door.door, reason], count)
    yield from (up, accepted, duplicate, refused, dead)
    yield CounterMetricFamily(_P + "birth_dates_dropped", "Birth dates thrown away.", value=stats.birth_dates)
    yield GaugeMetricFamily(_P + "till_backlog", "Events on disk, not judged yet.", value=stats.backlog)
    yield CounterMetricFamily(
        _P + "till_too_late", "Events of receipts that had ended.", value=stats.too_late
    )
    yield GaugeMetricFamily(_P + "open_receipts", "Receipts that have not ended.", value=stats.open_receipts)
    yield CounterMetricFamily(_P + "prompts", "ID checks asked for.", value=stats.prompts)
    for name, text, counts in (
        ("outcomes", "Receipts by their end.", stats.outcomes),
        ("alerts", "Alerts raised.", stats.alerts),
    ):
        family = CounterMetricFamily(_P + name, text, labels=["kind"])
        for kind, count in sorted(counts.items()):
            family.add_metric([kind], count)
        yield family
