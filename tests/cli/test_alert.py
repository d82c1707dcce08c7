"""`alert test`: every sink is tried and its answer shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.cli import main

CONFIG = """
cameras: [{name: cam-1, source: demo}]
lanes: [{name: lane-1, camera: cam-1}]
state: {dir: state}
sinks:
  - {kind: file, name: lines, purpose: security, path: events.jsonl}
  - {kind: file, name: offers, purpose: marketing, path: offers.jsonl}
"""
AWAY = "  - {kind: webhook, name: hook, purpose: security, url: 'http://127.0.0.1:9/'}\n"


def test_a_marked_test_reaches_the_sinks_of_security_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "box.yaml"
    (tmp_path / "state").mkdir()
    file.write_text(CONFIG)
    assert main(["alert", "test", "--config", str(file)]) == 0
    told = json.loads((tmp_path / "state" / "events.jsonl").read_text())
    assert (told["type"], told["data"]["test"]) == ("checkout.alert.raised.v1", True)
    assert not (tmp_path / "state" / "offers.jsonl").exists()
    assert "gets no alerts" in capsys.readouterr().out


def test_a_sink_that_is_away_is_named_and_the_others_still_get_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "box.yaml"
    (tmp_path / "state").mkdir()
    file.write_text(CONFIG + AWAY)
    assert main(["alert", "test", "--config", str(file)]) == 1
    out = capsys.readouterr().out
    assert "hook" in out
    assert "FAILED" in out
    assert (tmp_path / "state" / "events.jsonl").exists()
