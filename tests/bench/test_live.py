"""The daemon's figures over real RTSP cameras, held to what was asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.bench.live import measure


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("detector", ["yunet", "mtcnn"])
def test_four_lanes_lose_nobody_and_one_stays_small_for_ten_minutes(
    shared: Path, monkeypatch: pytest.MonkeyPatch, detector: str
) -> None:
    monkeypatch.setenv("CHECKOUT_AGE_MODELS", str(shared / "models"))
    video = shared / "video"
    figures = measure(
        video / "lane_ages.mp4",
        zones_file=video / "lane_ages.zones.json",
        lanes=4,
        detector=detector,
        threads=2,
        soak_s=615,
    )
    print(figures)
    limits, one, four = figures["limits"], figures["one_lane"], figures["lanes"]
    assert one["rss_mb_max"] <= limits["one_lane_rss_mb"]
    assert one["growth_share"] <= limits["growth_share"]
    for phase in (one, four):
        assert phase["lost"] == limits["lost"]
        assert phase["event_ms"]["p95"] <= limits["event_ms_p95"]
        assert phase["first_frame_s"]["after_camera_answered"] <= limits["first_frame_s"]
