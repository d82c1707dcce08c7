"""The demo off a terminal, and with cameras that are none."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def demo(*options: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge", "demo", *options],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_off_a_terminal_it_says_too_that_its_weights_are_for_research(tmp_path: Path) -> None:
    said = demo("--seconds", "0.5", "--detector", "mtcnn", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert "research weights: train on your own licensed faces before use in a shop" in said.stderr
    assert "\x1b" not in said.stdout + said.stderr


@pytest.mark.parametrize(
    ("camera", "words"),
    [
        ("none.mp4", "none.mp4: no such file"),
        ("", "no file but a folder"),
        ("note.mp4", "note.mp4: holds no video"),
        ("ftp://192.0.2.1/x", "rtsp://"),
    ],
)
def test_a_file_that_cannot_be_shown_is_refused_at_once(tmp_path: Path, camera: str, words: str) -> None:
    """It was shown as a camera that is down, for ever, with exit code 0."""
    (tmp_path / "note.mp4").write_text("this is no film\n" * 50)
    said = demo("--camera", camera, "--seconds", "0.5", cwd=tmp_path)
    assert said.returncode == 2
    assert words in said.stderr
    assert "--camera" in said.stderr
    assert "Traceback" not in said.stderr
