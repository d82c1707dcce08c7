"""Moving pictures of a scene with the truth beside each, drawn in memory at the rate that a detector looks."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Shot", "Standing", "film"]

_CAMERA_QUALITY = 70
"""JPEG quality that stands in for a camera's codec: blocks and ringing, without the cost of encoding a clip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one actor's face truly is: box in pixels, share of it that nothing covers, degrees it is turned."""

    actor: str
    role: str
    box_px: tuple[float, float, float, float]
    visible: float
    yaw_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture, BGR uint8, its time in the clip, and everybody in it."""

    at_ns: int
    image: NDArray[np.uint8]
    truth: tuple[Standing, ...]


def film(shared: Path, scene: dict[str, Any], *, rate_hz: float) -> Iterator[Shot]:
    """The pictures of a scene that are due at `rate_hz`; no others are drawn."""
    stage = _generator(shared / "video" / "make_lane.py").Renderer(scene, str(shared / "data" / "faces"))
    fps, due = scene["fps"], 0
    for index in range(round(scene["duration_s"] * fps)):
        if index * rate_hz < due * fps - 1e-6:
            continue
        due += 1
        frame, everybody = stage.frame(index)
        coded = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, _CAMERA_QUALITY])[1]
        truth = tuple(
            Standing(
                actor=person.a["id"],
                role=person.a["role"],
                box_px=tuple(float(side) for side in box),
                visible=visible,
                yaw_deg=float(state[4]),
            )
            for person, state, box, visible in everybody
        )
        image = cv2.imdecode(coded, cv2.IMREAD_COLOR)
        yield Shot(at_ns=round(index / fps * 1e9), image=np.asarray(image, np.uint8), truth=truth)


@cache
def _generator(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_lane", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"no generator of scenes at {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
