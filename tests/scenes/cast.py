"""Who plays in a scene: faces of one split of the shared face pictures, found once with OpenCV's own YuNet."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

__all__ = ["Cast", "Look"]

_BORDER_PX = 30
_FACE_SCORE_MIN = 0.8
"""Stricter than the tracker's own detector: a picture that is hardly a face says nothing about tracking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One face picture and what is known of it; `face` is x, y, width, height in the picture's pixels."""

    picture: str
    face: tuple[float, float, float, float]
    age: int
    gender: str
    data_set: str


class Cast:
    """Draws people of one split, each at most once; the same seed gives the same people."""

    def __init__(self, shared: Path, *, seed: int, split: str = "val") -> None:
        self.faces = shared / "data" / "faces"
        with (self.faces / "labels.csv").open(encoding="utf-8", newline="") as lines:
            rows = [row for row in csv.DictReader(lines) if row["split"] == split]
        order = np.random.default_rng([seed, 4711]).permutation(len(rows))
        self._waiting = [rows[i] for i in order]
        self._model = str(shared / "models" / "yunet_n_dynamic.onnx")

    def next(self, *, ages: tuple[int, int] = (8, 80)) -> Look:
        """Somebody new whose age lies within `ages`, both included."""
        for place, row in enumerate(self._waiting):
            if ages[0] <= int(row["real_age"]) <= ages[1]:
                face = self._face(row["file_name"])
                if face is not None:
                    del self._waiting[: place + 1]
                    return Look(
                        picture=row["file_name"],
                        face=face,
                        age=int(row["real_age"]),
                        gender=row["gender"],
                        data_set=row["data_set"],
                    )
        raise LookupError(f"nobody between {ages[0]} and {ages[1]} years is left in this split")

    def _face(self, picture: str) -> tuple[float, float, float, float] | None:
        image = cv2.imread(str(self.faces / picture))
        wide = cv2.copyMakeBorder(image, *(4 * [_BORDER_PX]), cv2.BORDER_REPLICATE)
        size = (wide.shape[1], wide.shape[0])
        found = cv2.FaceDetectorYN.create(self._model, "", size, _FACE_SCORE_MIN, 0.3, 20).detect(wide)[1]
        if found is None:
            return None
        x, y, width, height = max(found, key=lambda row: row[2] * row[3])[:4]
        return float(x) - _BORDER_PX, float(y) - _BORDER_PX, float(width), float(height)
