"""Each camera's picture is reduced to its own `detect_size`: a far face needs more pixels than a near one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.app import build_vision, open_models
from edge.config import Camera, Inference, Lane, Tracking
from edge.flow import Frame

PORTRAITS = Path(__file__).resolve().parents[2] / "edge" / "camera" / "portraits"


def far_face() -> np.ndarray:
    """A grey 720p picture with one portrait of 60 pixels in height, far away."""
    portrait = cv2.imread(str(PORTRAITS / "hopper.jpg"))
    height = 60
    width = round(portrait.shape[1] * height / portrait.shape[0])
    picture = np.full((720, 1280, 3), 128, np.uint8)
    picture[300 : 300 + height, 600 : 600 + width] = cv2.resize(
        portrait, (width, height), interpolation=cv2.INTER_AREA
    )
    return picture


@pytest.mark.parametrize("detector", ["mtcnn", "yunet"])
def test_cameras_of_different_sizes_are_searched_each_at_its_own(shared: Path, detector: str) -> None:
    sizes = {"near": (320, 192), "far": (1280, 720), "far-too": (1280, 720)}
    cameras = [Camera(name=name, source="demo", detect_size=size) for name, size in sizes.items()]
    models = open_models(Inference(detector=detector, models_dir=shared / "models", threads=2))
    vision = build_vision(
        models,
        lanes=[Lane(name=f"lane-{name}", camera=name) for name in sizes],
        cameras=cameras,
        tracking=Tracking(),
    )
    seen = set()
    for turn in range(3):
        picture = np.roll(far_face(), turn * 3, axis=1)
        vision.step([Frame(camera=name, at_ns=turn * 200_000_000, image=picture) for name in sizes])
        seen |= {sighting.camera for sighting in vision.sightings}
    assert seen == {"far", "far-too"}
