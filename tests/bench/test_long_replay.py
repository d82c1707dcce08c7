"""An hour of film through `replay`: memory stays flat."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.bench.long_replay import LIMITS, measure


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_an_hour_of_replay_keeps_memory_flat(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHECKOUT_AGE_MODELS", str(shared / "models"))
    video = shared / "video"
    told = measure(
        video / "lane_1080p15.mp4",
        zones=video / "lane_1080p15.zones.json",
        minutes=60,
        detector="yunet",
    )
    print(told)
    assert told["clip_s"] >= 3590
    assert told["customers"] == pytest.approx(240, abs=4)
    assert told["growth_share"] <= LIMITS["growth_share"]
