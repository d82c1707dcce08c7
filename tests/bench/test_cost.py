"""What a camera and a customer cost: the arithmetic, and the drawing."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest

from edge.bench import cost
from edge.bench.chart import Panel, svg


def row(lanes: int, per_minute: float, *, daemon: float, decode: float) -> dict[str, Any]:
    told = {
        "cpu_cores": {"daemon": daemon, "daemon_decode": decode},
        "taken_fps_min": 15.0,
        "detect_rate_min": 5.0,
        "stages_ms_per_lane_second": {},
    }
    alone = {"cpu_cores": {"players": 0.06}, "throughput": 1.0}
    return cost.cost_row(told, alone, lanes=lanes, per_minute=per_minute)


def test_seconds_are_for_an_hour_of_one_camera() -> None:
    told = row(2, 6, daemon=0.1, decode=0.06)
    assert told["cpu_s_per_camera_hour"] == pytest.approx(180)
    assert told["above_decode_s_per_camera_hour"] == pytest.approx(72)
    assert told["decode_only_s_per_camera_hour"] == pytest.approx(216)


def test_a_customer_costs_what_the_line_rises_by(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """30 ms of processor time a second when empty, 1 ms more for each customer a minute: 60 ms a customer."""
    made = {
        "a.mp4": row(1, 4, daemon=0.034, decode=0.02),
        "0.mp4": row(1, 0, daemon=0.030, decode=0.02),
        "12.mp4": row(1, 12, daemon=0.042, decode=0.02),
    }
    monkeypatch.setattr(cost, "_row", lambda film, _count, **_: made[film.name])
    told = cost.measure(
        tmp_path / "a.mp4",
        films=[tmp_path / name for name in ("12.mp4", "0.mp4", "a.mp4")],
        zones_file=None,
        detector="yunet",
        lanes=[1],
        window_s=1,
    )
    assert told["by_customers"]["cpu_ms_per_customer"] == pytest.approx(60)
    assert told["by_customers"]["intercept"] == pytest.approx(108)
    assert told["empty_to_busy"] == pytest.approx(10 / 22)
    assert told["by_lanes"] == {"rows": [made["a.mp4"]], "slope": None, "intercept": None}


def test_the_drawing_holds_every_point_within_its_frame() -> None:
    points = [(1.0, 60.0), (16.0, 900.0)]
    drawn = ET.fromstring(  # noqa: S314 - our own
        svg([Panel(title="a < b", x_name="lanes", y_name="ms", points=points, line=(56.0, 4.0))])
    )
    circles = drawn.findall("{http://www.w3.org/2000/svg}circle")
    assert len(circles) == 2
    assert all(0 < float(c.attrib["cx"]) < 420 and 0 < float(c.attrib["cy"]) < 320 for c in circles)
