"""Density: what counts as holding, what gave way, what is refused; the whole of it only where there is time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.bench import density
from edge.bench.films import Film, moments
from edge.bench.passing import failing, room, saturated_by
from edge.bench.row import Row
from edge.cli import main

GOOD: dict[str, Any] = {
    "streams": 8,
    "taken_fps_min": 14.9,
    "detect_rate_min": 4.9,
    "latency_ms_p95": 80.0,
    "rss_growth": 0.01,
    "customers_expected": 32,
    "customers_found": 31,
    "cpu_cores": {
        "daemon": 0.8,
        "daemon_decode": 0.5,
        "daemon_vision": 0.2,
        "camera_server": 0.1,
        "others": 0.1,
    },
    "passed": True,
}


def test_a_window_that_holds_everything_fails_nowhere() -> None:
    assert failing(GOOD, target_fps=15) == []


@pytest.mark.parametrize(
    ("changed", "fails"),
    [
        ({"taken_fps_min": 14.2}, ["taken_fps"]),
        ({"detect_rate_min": 4.7}, ["detect_rate"]),
        ({"latency_ms_p95": 501.0}, ["latency"]),
        ({"latency_ms_p95": None}, ["latency"]),
        ({"rss_growth": 0.06}, ["memory"]),
        ({"customers_found": 30}, ["customers"]),
        ({"customers_expected": 0, "customers_found": 0}, ["customers"]),
        ({"taken_fps_min": 9.0, "latency_ms_p95": 900.0}, ["taken_fps", "latency"]),
    ],
)
def test_each_condition_fails_alone_and_nothing_unmeasured_passes(
    changed: dict[str, Any], fails: list[str]
) -> None:
    assert failing(GOOD | changed, target_fps=15) == fails


def test_room_is_the_machine_over_what_is_taken_and_less_where_streams_fall_behind() -> None:
    assert room(GOOD, target_fps=15, cores=2) == pytest.approx(2 / 0.9)
    behind = GOOD | {"passed": False, "taken_fps_min": 7.5}
    assert room(behind, target_fps=15, cores=2) == pytest.approx(0.5)


def test_what_gave_way_first_is_told_of_the_smallest_number_that_failed() -> None:
    full = {"daemon": 1.7, "daemon_decode": 1.0, "daemon_vision": 0.5, "camera_server": 0.2, "others": 0.05}
    failed = GOOD | {"streams": 9, "passed": False, "fails": ["latency"]}
    busy = failed | {"streams": 12, "cpu_cores": full}
    assert saturated_by([GOOD, busy, failed], 8, cores=2) == "latency"
    assert saturated_by([GOOD, busy], 8, cores=2) == "cpu (decode)"
    assert saturated_by([GOOD], 8, cores=2) is None


def test_cameras_begin_where_nobody_stands() -> None:
    stays = [(3.6, 10.4), (17.2, 23.2), (24.0, 30.0), (47.2, 53.6)]
    assert moments(stays, 60.0, 9) == [0.0, 13.8, pytest.approx(38.6)]
    assert moments(stays, 60.0, 1) == [0.0]


def test_customers_of_a_film_that_starts_elsewhere_and_over_are_expected_at_their_time() -> None:
    films = [Film(file=Path("a.mp4"), begins_s=0.0), Film(file=Path("b.mp4"), begins_s=20.0)]
    truth = {"clip_s": 60.0, "fps": 15.0, "customers": [(5.0, 10.0), (30.0, 36.0)]}
    row = Row(films, None, truth, target_fps=15, folder=Path())
    assert row.expected(0, 0.0, 60.0) == [(5.0, 10.0), (30.0, 36.0)]
    assert row.expected(1, 0.0, 60.0) == [(10.0, 16.0), (45.0, 50.0)]
    assert row.expected(0, 60.0, 80.0) == [(65.0, 70.0)]


def test_a_missing_film_or_detector_is_an_error_and_no_density(
    tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHECKOUT_AGE_MODELS", str(tmp_path))
    film = shared / "video" / "lane_1080p15.mp4"
    for source, way_out in ((tmp_path / "none.mp4", "no film at"), (film, "checkout-age models fetch yunet")):
        assert main(["bench", "density", "--source", str(source), "--detector", "yunet", "--json"]) == 2
        said = capfd.readouterr()
        assert said.out == ""
        assert way_out in said.err
        assert "Traceback" not in said.err


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("via", ["rtsp", "file"])
def test_two_cameras_are_held_and_everything_is_told(
    shared: Path, monkeypatch: pytest.MonkeyPatch, via: density.Via
) -> None:
    monkeypatch.setenv("CHECKOUT_AGE_MODELS", str(shared / "models"))
    video = shared / "video"
    told = density.measure(
        video / "lane_1080p15.mp4",
        via=via,
        target_fps=15,
        detector="yunet",
        zones_file=video / "lane_1080p15.zones.json",
        window_s=None,
        start=1,
        most=2,
    )
    print(json.dumps(told))
    assert told["level"] == 2
    assert told["replay_customers"] == 4
    assert told["decode_only"]["level"] == 2
    assert told["naive"]["throughput"] > 0
    assert told["ratio_to_naive"] > 0
    assert told["mb_per_lane"] < 60
