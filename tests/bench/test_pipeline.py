"""The pipeline's bench: what it cannot measure, and that it says how it measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.cli import main


def test_what_is_no_film_and_a_detector_that_is_not_there_are_refused(
    tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Both came out as the traceback of a child process."""
    (tmp_path / "note.mp4").write_text("this is no film\n" * 50)
    monkeypatch.setenv("CHECKOUT_AGE_MODELS", str(tmp_path))
    for clip, way_out in (
        (tmp_path / "note.mp4", "holds no video"),
        (shared / "video" / "lane_rush.mp4", "checkout-age models fetch yunet"),
    ):
        assert main(["bench", "pipeline", str(clip), "--detector", "yunet", "--turns", "1", "--json"]) == 2
        said = capfd.readouterr()
        assert said.out == ""
        assert way_out in said.err
        assert "Traceback" not in said.err


def test_the_json_lists_every_setting_and_nothing_unmeasured_is_zero(
    tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHECKOUT_AGE_MODELS", str(tmp_path))
    clip = shared / "video" / "lane_rush.mp4"
    assert main(["bench", "pipeline", str(clip), "--detector", "mtcnn", "--turns", "1", "--json"]) == 0
    figures = json.loads(capfd.readouterr().out)
    assert {
        "clip",
        "detector",
        "detect_hz",
        "detect_size",
        "crops_per_track",
        "model",
        "threads",
        "zones",
    } <= set(figures["settings"])
    stages = {"decode", "motion", "detect", "track", "gate", "age", "events", "other"}
    assert set(figures["stages_ms"]) == stages
    assert figures["naive"]["realtime_factor"] is None
    assert figures["ratio_to_naive"] is None
    assert figures["realtime_factor"] > 0
