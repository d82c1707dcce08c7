"""What cannot be read is refused with the reason and the way out, and what was found before is not lost."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.scenarios.clips import Printed, replay


def refused(printed: Printed, *words: str) -> None:
    assert printed.code == 2, printed.stderr
    assert printed.stdout == b""
    for word in words:
        assert word in printed.stderr
    assert "Traceback" not in printed.stderr


@pytest.fixture
def models(shared: Path) -> Path:
    return shared / "models"


def test_a_clip_that_is_not_there(tmp_path: Path, models: Path) -> None:
    refused(replay(tmp_path / "none.mp4", models=models), "none.mp4")


def test_a_text_file_named_mp4(tmp_path: Path, models: Path) -> None:
    (tmp_path / "note.mp4").write_text("this is no film\n" * 50)
    refused(replay(tmp_path / "note.mp4", models=models), "note.mp4")


def test_a_detector_whose_file_is_not_there_names_the_command_that_gets_it(
    shared: Path, tmp_path: Path
) -> None:
    printed = replay(shared / "video" / "lane_rush.mp4", "--detector", "yunet", models=tmp_path)
    refused(printed, "checkout-age models fetch yunet")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1, 2]",
        '{"zones_px": {"customer": [[1], [2], [3]]}}',
        '{"zones_px": {"customer": [[1, 2]]}}',
        '{"zones_px": {"cashier": [[1, 2], [3, 4], [1, 2]]}}',
        '{"zones_px": {"customer": [[NaN, 2], [3, 4], [5, 1]]}}',
        '{"zones_px": {"costumer": [[0, 0], [9, 0], [9, 9]]}}',
        "not json",
    ],
)
def test_zones_that_are_none(shared: Path, tmp_path: Path, models: Path, text: str) -> None:
    (tmp_path / "zones.json").write_text(text)
    clip = shared / "video" / "lane_rush.mp4"
    refused(replay(clip, "--zones", str(tmp_path / "zones.json"), models=models), "--zones", "zones.json")


@pytest.mark.parametrize("name", ["", "a/b", "lane\n1"])
def test_a_lane_that_no_event_could_come_from(shared: Path, models: Path, name: str) -> None:
    """It came out as a traceback at the first customer; now nothing is begun."""
    refused(replay(shared / "video" / "lane_rush.mp4", "--lane", name, models=models), "--lane", "'/'")


def test_a_time_that_is_none(shared: Path, models: Path) -> None:
    clip = shared / "video" / "lane_rush.mp4"
    refused(replay(clip, "--start", "yesterday", models=models), "--start", "2026-01-05T10:00:00Z")


def test_a_configuration_with_an_unknown_key_names_its_line(
    shared: Path, tmp_path: Path, models: Path
) -> None:
    config = tmp_path / "lane.yaml"
    config.write_text(
        "cameras:\n  - name: c\n    source: demo\n    detekt_hz: 5\nlanes:\n  - {name: l, camera: c}\n"
    )
    printed = replay(shared / "video" / "lane_rush.mp4", "--config", str(config), models=models)
    refused(printed, "lane.yaml:4", "detect_hz")


def test_a_lane_that_the_configuration_does_not_have(shared: Path, tmp_path: Path, models: Path) -> None:
    config = tmp_path / "lane.yaml"
    config.write_text("cameras:\n  - {name: c, source: demo}\nlanes:\n  - {name: till-7, camera: c}\n")
    clip = shared / "video" / "lane_rush.mp4"
    refused(replay(clip, "--config", str(config), "--lane", "till-9", models=models), "till-9", "till-7")


def test_a_bundle_with_a_changed_byte_is_refused(shared: Path, tmp_path: Path, models: Path) -> None:
    from edge.app import SHIPPED_BUNDLE

    altered = tmp_path / "age"
    shutil.copytree(SHIPPED_BUNDLE, altered)
    model = altered / "model_int8.onnx"
    raw = bytearray(model.read_bytes())
    raw[len(raw) // 2] ^= 1
    model.write_bytes(raw)
    config = tmp_path / "lane.yaml"
    config.write_text(
        "cameras:\n  - {name: c, source: demo}\nlanes:\n  - {name: lane-1, camera: c}\n"
        f"inference: {{age_bundle: {json.dumps(str(altered))}}}\n"
    )
    printed = replay(shared / "video" / "lane_rush.mp4", "--config", str(config), models=models)
    refused(printed, "model_int8.onnx")


def test_a_bundle_of_another_crop_contract_is_refused(shared: Path, tmp_path: Path, models: Path) -> None:
    from edge.app import SHIPPED_BUNDLE

    other = tmp_path / "age"
    shutil.copytree(SHIPPED_BUNDLE, other)
    manifest = json.loads((other / "bundle.json").read_text())
    manifest["contract"]["digest"] = "0" * 64
    (other / "bundle.json").write_text(json.dumps(manifest))
    config = tmp_path / "lane.yaml"
    config.write_text(
        "cameras:\n  - {name: c, source: demo}\nlanes:\n  - {name: lane-1, camera: c}\n"
        f"inference: {{age_bundle: {json.dumps(str(other))}}}\n"
    )
    printed = replay(shared / "video" / "lane_rush.mp4", "--config", str(config), models=models)
    refused(printed, "contract")


def test_the_events_before_a_damaged_tail_are_printed_and_the_exit_code_says_so(
    shared: Path, tmp_path: Path, models: Path
) -> None:
    """The same film in a container that can be cut: half of it is left, and its customers are all told."""
    whole, half = tmp_path / "whole.mkv", tmp_path / "half.mkv"
    source = shared / "video" / "lane_rush.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", source, "-c", "copy", whole], check=True, capture_output=True
    )
    raw = whole.read_bytes()
    half.write_bytes(raw[: len(raw) // 2])
    zones = str(shared / "video" / "lane_rush.zones.json")
    printed = replay(half, "--zones", zones, "--out", str(tmp_path / "events.jsonl"), models=models)
    assert printed.code == 2
    assert "half.mkv" in printed.stderr
    assert len(printed.events) >= 3
    assert (tmp_path / "events.jsonl").read_bytes() == printed.stdout


@pytest.mark.parametrize("out", ["missing/events.jsonl", "."])
def test_an_output_file_that_cannot_be_written_is_named(
    shared: Path, tmp_path: Path, models: Path, out: str
) -> None:
    clip = shared / "video" / "lane_rush.mp4"
    refused(replay(clip, "--out", str(tmp_path / out), models=models), "--out", str(tmp_path), "folder")
