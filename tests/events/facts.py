"""Facts that scenes are made of: a person at the till and the events about her."""

from __future__ import annotations

from edge.events import CloudEvent, age_event
from edge.flow import AgeEstimate, Role, TrackReport, UnknownReason, Zone

TEN_O_CLOCK_NS = 1_767_607_200_000_000_000  # 2026-01-05T10:00:00Z
SECOND_NS = 1_000_000_000

ADULT = AgeEstimate(
    mean_years=31.2345,
    median_years=31,
    low_years=24.1,
    high_years=39.456,
    p_under={25: 0.18004, 18: 0.01},
    crops=5,
    quality=0.8234,
)
BLURRED = AgeEstimate(reason=UnknownReason.BLURRED, quality=0.1)


def track_report(
    *,
    track: str = "cam-1-7",
    lane: str = "lane-1",
    from_s: float = 3.2,
    to_s: float = 9.876543,
    estimate: AgeEstimate = ADULT,
    ended: bool = True,
    model: str = "age-resnet50/1.0.0+ab12cd34",
) -> TrackReport:
    """What is known of one person who stood at the till from `from_s` to `to_s` after ten o'clock."""
    return TrackReport(
        lane=lane,
        camera="cam-1",
        track=track,
        from_ns=TEN_O_CLOCK_NS + round(from_s * SECOND_NS),
        to_ns=TEN_O_CLOCK_NS + round(to_s * SECOND_NS),
        zone=Zone.CUSTOMER,
        role=Role.CUSTOMER,
        estimate=estimate,
        seen_ns=TEN_O_CLOCK_NS + round(from_s * SECOND_NS) + 2 * SECOND_NS,
        seen_box_px=(411.6, 180.2, 96.0, 121.3),
        face_px=112,
        customer_zone_s=4.0,
        box_px=(411.6, 180.2, 96.0, 121.3),
        model=model,
        ended=ended,
    )


def person(number: int, *, lane: str = "lane-1") -> CloudEvent:
    """The age event of the person with this number: a new one every ten seconds."""
    report = track_report(track=f"cam-1-{number}", lane=lane, from_s=number * 10, to_s=number * 10 + 6)
    return age_event(report, store="store-1", box="box-1")
