"""Faces of the shared clips, found once a session at the rate and with the detectors of a lane."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.face import Detector, choose_detector, open_detector
from edge.flow import Face
from edge.track import Zones
from tests.scenes import Shot, Standing

RATE_HZ = 5.0


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A shared clip at 5 Hz: pictures with their truth, the faces found in each, zones, and every actor's role."""

    searched: list[tuple[Shot, list[Face]]]
    zones: Zones
    roles: dict[str, str]

    def shots(self) -> Iterator[tuple[Shot, list[Face]]]:
        """Pictures are kept as JPEG, a twentieth of their size, and unpacked one at a time."""
        for shot, faces in self.searched:
            image = cv2.imdecode(shot.image, cv2.IMREAD_COLOR)
            yield replace(shot, image=np.asarray(image, np.uint8)), faces


@pytest.fixture(scope="session")
def detector_of(shared: Path) -> Callable[[str], Detector]:
    """A detector by name, as a lane opens it; one of each a session."""
    return cache(lambda name: open_detector(choose_detector(name, models_folder=shared / "models")))


@pytest.fixture(scope="session")
def clip_of(shared: Path, detector_of: Callable[[str], Detector]) -> Callable[[str, str], Clip]:
    """A clip by name and detector, searched once a session."""

    @cache
    def searched(name: str, detector: str) -> Clip:
        truth = json.loads((shared / "video" / f"{name}.truth.json").read_text())
        find = detector_of(detector).detect
        return Clip(
            searched=[
                (replace(shot, image=cv2.imencode(".jpg", shot.image)[1]), find([shot.image])[0])
                for shot in _shots(shared / "video" / f"{name}.mp4", truth)
            ],
            zones=Zones(**truth["zones_px"]),
            roles={person["id"]: person["role"] for person in truth["people"]},
        )

    return searched


def _shots(path: Path, truth: dict[str, Any]) -> Iterator[Shot]:
    video = cv2.VideoCapture(str(path))
    due = 0
    for index in range(truth["frames"]):
        assert video.grab(), f"{path.name} ends at frame {index}"
        if index * RATE_HZ >= due * truth["fps"] - 1e-6:
            due += 1
            at_s = index / truth["fps"]
            image = np.asarray(video.retrieve()[1], np.uint8)
            yield Shot(at_ns=round(at_s * 1e9), image=image, truth=_standing(truth["people"], at_s))


def _standing(people: list[dict[str, Any]], at_s: float) -> tuple[Standing, ...]:
    """The truth, told twice a second, for any moment between."""
    found = []
    for person in people:
        track = person["track"]
        times = [point["t"] for point in track]
        if not track or not times[0] - 0.3 <= at_s <= times[-1] + 0.3:
            continue
        now = {key: float(np.interp(at_s, times, [point[key] for point in track])) for key in "xywh"}
        seen = {
            key: float(np.interp(at_s, times, [point[key] for point in track])) for key in ("visible", "yaw")
        }
        found.append(
            Standing(
                actor=person["id"],
                role=person["role"],
                box_px=(now["x"], now["y"], now["w"], now["h"]),
                visible=seen["visible"],
                yaw_deg=seen["yaw"],
            )
        )
    return tuple(found)
