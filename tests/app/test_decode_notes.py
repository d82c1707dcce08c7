"""A camera that is decoded elsewhere than configured degrades the box, with a way out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from edge.app.cameras import decode_notes
from edge.config import Camera, Config, Lane


@pytest.mark.parametrize(
    ("wanted", "decoder", "frames", "noted"),
    [
        ("vaapi", "cpu", 9, True),
        ("vaapi", "vaapi", 9, False),
        ("cpu", "cpu", 9, False),
        ("cuda", "cpu", 0, False),
    ],
)
def test_only_a_camera_that_shows_pictures_can_be_decoded_elsewhere(
    wanted: Any, decoder: str, frames: int, noted: bool
) -> None:
    config = Config(
        cameras=(Camera(name="cam-1", source="demo", decode=wanted),),
        lanes=(Lane(name="lane-1", camera="cam-1"),),
    )
    camera: Any = SimpleNamespace(
        name="cam-1", figures=lambda: SimpleNamespace(frames=frames, decoder=decoder)
    )
    notes = decode_notes([camera], config)
    assert bool(notes) == noted
    assert all("cam-1" in note and "decode: cpu" in note for note in notes)
