"""Is this face worth an age? Size, sharpness, pose and light, each with its reason when it is not."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.flow import Face, GateVerdict, UnknownReason

__all__ = ["QualityGate"]


class QualityGate:
    """Judges one face by its landmarks in the picture and by its crop."""

    def __init__(
        self,
        *,
        eye_distance_min_px: float = 14.0,
        blur_max: float = 0.9,
        yaw_max: float = 0.65,
        roll_max_deg: float = 45.0,
        brightness_min: float = 18.0,
        brightness_max: float = 235.0,
    ) -> None:
        self._eye_distance_min_px = eye_distance_min_px
        self._blur_max = blur_max
        self._yaw_max = yaw_max
        self._roll_max_deg = roll_max_deg
        self._brightness_min = brightness_min
        self._brightness_max = brightness_max

    def judge(self, face: Face, crop: NDArray[np.uint8]) -> GateVerdict:
        """Judge one face; `crop` is BGR uint8 `(112, 112, 3)` by the crop contract."""
        eye_left, eye_right, nose, *_ = face.landmarks_px.astype(np.float64)
        eye_distance_px = float(math.hypot(*(eye_right - eye_left)))
        yaw = _yaw(eye_left, eye_right, nose)
        roll_deg = math.degrees(math.atan2(*(eye_right - eye_left)[::-1]))
        grey = np.asarray(cv2.cvtColor(crop[16:104, 16:96], cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        brightness = float(grey.mean())
        blur = _blur(grey)
        reason = None
        if eye_distance_px < self._eye_distance_min_px:
            reason = UnknownReason.TOO_SMALL
        elif brightness < self._brightness_min:
            reason = UnknownReason.TOO_DARK
        elif brightness > self._brightness_max:
            reason = UnknownReason.OVEREXPOSED
        elif abs(yaw) > self._yaw_max or abs(roll_deg) > self._roll_max_deg:
            reason = UnknownReason.TURNED_AWAY
        elif blur > self._blur_max:
            reason = UnknownReason.BLURRED
        quality = min(1.0, eye_distance_px / 40.0) * (1 - blur) * (1 - abs(yaw)) * min(1.0, brightness / 60.0)
        return GateVerdict(
            quality=max(0.0, min(1.0, quality)),
            reason=reason,
            eye_distance_px=eye_distance_px,
            blur=blur,
            yaw=yaw,
            brightness=brightness,
        )


def _yaw(eye_left: NDArray[np.float64], eye_right: NDArray[np.float64], nose: NDArray[np.float64]) -> float:
    """How far the nose is from the middle between the eyes, along the line of the eyes; -1..1."""
    along = eye_right - eye_left
    squared = float(along @ along)
    if squared == 0:
        return 1.0
    return float(np.clip(2 * ((nose - (eye_left + eye_right) / 2) @ along) / squared, -1, 1))


def _blur(grey: NDArray[np.uint8]) -> float:
    """0 for a sharp crop, towards 1 for one without any detail."""
    detail = float(cv2.Laplacian(grey, cv2.CV_32F).std())
    return 1.0 / (1.0 + detail / 3.0)
