"""Faces to look at: the portraits that the project carries and frames of the clips beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.flow import Face

PORTRAITS = Path(__file__).resolve().parents[2] / "edge" / "camera" / "portraits"


@pytest.fixture(scope="session")
def collins() -> NDArray[np.uint8]:
    """A portrait in the public domain, BGR."""
    return read(PORTRAITS / "collins.jpg")


@pytest.fixture(scope="session")
def hopper() -> NDArray[np.uint8]:
    """Another one."""
    return read(PORTRAITS / "hopper.jpg")


@pytest.fixture(scope="session")
def yunet_file(shared: Path) -> Path:
    """The network that `models fetch yunet` brings."""
    return shared / "models" / "yunet_n_dynamic.onnx"


@pytest.fixture(scope="session")
def frames(shared: Path) -> Callable[[str, float], list[NDArray[np.uint8]]]:
    """Frames of a clip, one every so many seconds."""

    def every(clip: str, seconds: float) -> list[NDArray[np.uint8]]:
        capture = cv2.VideoCapture(str(shared / "video" / f"{clip}.mp4"))
        step, taken, index = round(15 * seconds), [], 0
        while capture.grab():
            if index % step == step // 2:
                taken.append(np.asarray(capture.retrieve()[1], dtype=np.uint8))
            index += 1
        capture.release()
        assert taken, f"{clip} has no frames"
        return taken

    return every


def read(path: Path) -> NDArray[np.uint8]:
    """A picture file, BGR."""
    image = cv2.imread(str(path))
    assert image is not None, path
    return np.asarray(image, dtype=np.uint8)


def corners(face: Face) -> NDArray[np.float64]:
    """Left, top, right, bottom."""
    x, y, width, height = face.box_px
    return np.array([x, y, x + width, y + height])
