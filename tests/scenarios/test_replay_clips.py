"""The footage with known truth: everybody is found once, and the ages are worth something."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.clips import Printed, matches, people, replay

TRAINING_MEDIAN_YEARS = 29
"""Median age of the 29,024 training faces in the shared data."""


def replay_of(name: str, detector: str, shared: Path) -> Printed:
    video = shared / "video"
    return replay(
        video / f"{name}.mp4",
        "--zones",
        str(video / f"{name}.zones.json"),
        "--start",
        str(truth_of(name, shared)["clip_start"]),
        "--detector",
        detector,
        models=shared / "models",
    )


def truth_of(name: str, shared: Path) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((shared / "video" / f"{name}.truth.json").read_text())
    return truth


@pytest.fixture(scope="module")
def lane_ages(shared: Path) -> dict[str, Printed]:
    return {detector: replay_of("lane_ages", detector, shared) for detector in ("yunet", "mtcnn")}


def errors_years(printed: Printed, truth: dict[str, Any]) -> dict[str, float | None]:
    """By customer: estimated minus true age, None where it is unknown."""
    told = matches(printed.events, truth)
    return {
        one.name: None if (age := told[one.name][0]["data"]["age"]) is None else float(age["mean"]) - one.age
        for one in people(truth)
        if one.role == "customer"
    }


@pytest.mark.parametrize("detector", ["yunet", "mtcnn"])
def test_each_of_fourteen_customers_is_found_exactly_once(
    lane_ages: dict[str, Printed], shared: Path, detector: str
) -> None:
    printed, truth = lane_ages[detector], truth_of("lane_ages", shared)
    assert printed.code == 0, printed.stderr
    told = matches(printed.events, truth)
    assert told["nobody"] == []
    wanted = {one.name: 0 if one.role == "cashier" else 1 for one in people(truth)}
    assert {name: len(events) for name, events in told.items() if name != "nobody"} == wanted
    assert all(event["data"]["role"] == "customer" for event in printed.events)


@pytest.mark.parametrize("detector", ["yunet", "mtcnn"])
def test_at_most_one_customer_stays_unknown_and_the_error_is_half_of_guessing(
    lane_ages: dict[str, Printed], shared: Path, detector: str
) -> None:
    truth = truth_of("lane_ages", shared)
    errors = errors_years(lane_ages[detector], truth)
    known = {name: abs(error) for name, error in errors.items() if error is not None}
    assert len(known) >= len(errors) - 1
    ages = {one.name: one.age for one in people(truth)}
    guessing = statistics.mean(abs(TRAINING_MEDIAN_YEARS - ages[name]) for name in known)
    assert statistics.mean(known.values()) <= 0.5 * guessing


def test_the_two_detectors_agree_within_a_year(lane_ages: dict[str, Printed], shared: Path) -> None:
    truth = truth_of("lane_ages", shared)
    mae = [
        statistics.mean(abs(e) for e in errors_years(lane_ages[d], truth).values() if e is not None)
        for d in ("yunet", "mtcnn")
    ]
    assert abs(mae[0] - mae[1]) <= 1.0


@pytest.mark.parametrize("detector", ["yunet", "mtcnn"])
def test_in_the_rush_nobody_is_lost_and_only_who_returns_is_told_twice(shared: Path, detector: str) -> None:
    """Eight people queue, one looks away, one is dark, one blurred, a passer-by crosses twice; c03 comes back."""
    truth = truth_of("lane_rush", shared)
    printed = replay_of("lane_rush", detector, shared)
    assert printed.code == 0, printed.stderr
    told = matches(printed.events, truth)
    customers = {one.name for one in people(truth) if one.role == "customer"}
    assert {name: len(told[name]) for name in customers} == dict.fromkeys(customers, 1)
    assert told["k01"] == []
    assert told["nobody"] == []


def test_every_line_is_an_event_as_pinned_and_sequences_rise(lane_ages: dict[str, Printed]) -> None:
    events = lane_ages["yunet"].events
    assert [int(event["sequence"]) for event in events] == list(range(1, len(events) + 1))
    assert len({event["id"] for event in events}) == len(events)
    for event in events:
        assert event["specversion"] == "1.0"
        assert event["type"] == "checkout.age.estimated.v1"
        assert event["source"] == "/store-1/box-1/lane-1"
        assert event["subject"] == event["data"]["track"]
        assert event["time"] == event["data"]["to"]
        assert set(event["data"]["p_under"]) >= {"18", "25"}
        assert event["data"]["age"]["low"] <= event["data"]["age"]["median"] <= event["data"]["age"]["high"]
        assert event["data"]["crops"] <= 5


def test_two_runs_one_of_them_on_a_loaded_core_print_the_same_bytes(
    lane_ages: dict[str, Printed], shared: Path
) -> None:
    """The second run is pinned to one core that something else keeps busy."""
    import subprocess
    import sys

    with subprocess.Popen(["taskset", "-c", "0", sys.executable, "-c", "while True: pass"]) as load:
        try:
            video = shared / "video"
            again = replay(
                video / "lane_ages.mp4",
                "--zones",
                str(video / "lane_ages.zones.json"),
                "--detector",
                "yunet",
                models=shared / "models",
                prefix=("taskset", "-c", "0"),
            )
        finally:
            load.kill()
    assert again.stdout == lane_ages["yunet"].stdout
    assert again.stdout.count(b"\n") >= 14
