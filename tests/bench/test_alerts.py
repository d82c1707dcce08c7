"""Figures of a box under till events and watchers: held to what was asked for, honest where nothing was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.bench.alerts import page_figures, spread
from edge.cli import main


def test_without_a_browser_the_page_was_not_measured_and_the_reason_stands_there() -> None:
    arrived = {"a-1": [1030.0, 1050.0], "a-unknown": [9.0]}
    told = page_figures({}, arrived, {"a-1": 1000}, clients=50, reason="no browser")
    assert (told["p95"], told["clients"], told["reason"]) == (None, 50, "no browser")
    assert told["stream"] == {"p50": 50.0, "p95": 50.0, "n": 2}


def test_an_alert_that_never_came_to_the_screen_is_missed_and_not_fast() -> None:
    told = page_figures({"a-1": 1040}, {}, {"a-1": 1000, "a-2": 1000}, clients=1, reason=None)
    assert (told["p95"], told["n"], told["missed"]) == (None, 1, 1)


def test_what_never_came_is_slower_than_all_that_did() -> None:
    """One of a hundred leaves the 95th percentile, six of a hundred have none."""
    waits = [float(wait) for wait in range(100)]
    assert spread(waits[:99], missed=1) == {"p50": 50.0, "p95": 95.0, "n": 99}
    assert spread(waits[:94], missed=6) == {"p50": 50.0, "p95": None, "n": 94}
    assert spread([]) == {"p50": None, "p95": None, "n": 0}


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_prompts_pages_and_calls_for_help_keep_up(
    shared: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHECKOUT_AGE_MODELS", str(shared / "models"))
    assert main(["bench", "alerts", "--json"]) == 0
    told: dict[str, Any] = json.loads(capfd.readouterr().out)
    print(told)
    assert told["prompt_ms"]["n"] >= 20
    assert told["prompt_ms"]["missed"] == 0
    assert told["prompt_ms"]["p95"] <= 1000
    assert told["till_events"]["lost"] == 0
    assert told["till_events"]["offered_per_s"] >= 990
    assert told["page_ms"]["p95"] <= 300
    assert told["page_ms"]["clients"] == 50
    assert told["page_ms"]["missed"] == 0
    assert told["assistance_ms"]["p95"] <= 1000
    assert told["lane"]["taken_fps"] >= 14.5
