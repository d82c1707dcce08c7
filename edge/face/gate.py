"""Is this face worth an age? Size, light, pose and sharpness, each with its reason when it is not.

The limits stand where the starting weights stop telling ages, measured on 400 `val` pictures that were made
smaller, darker, brighter, noisier and more blurred step by step (2026-11; guessing the median misses by 14 years,
untouched pictures by 5.8). A gate that asks for more loses customers, and not all alike: a limit on brightness
that is too high turns dark skin away. The darkest hundredth of these pictures has a mean grey of 70.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.flow import Face, GateVerdict, UnknownReason

__all__ = ["QualityGate"]

_FACE = (slice(16, 104), slice(16, 96))  # of the crop: skin and features, little hair and background
_SHARP_DETAIL = 0.15  # share of contrast in fine detail from which on more does not help
_NO_DETAIL = 0.06  # here the error is that of guessing
_FRONTAL_WIDTH = 0.93  # median over val of (eye distance + mouth width) / 2 over the height between them
_NOSE_TO_YAW = 1.4  # brings the nose's shift to the scale of the narrowing, at the limit of both
_GOOD_EYE_DISTANCE_PX = 40.5  # the crop's own: a nearer face adds nothing to it, a farther one is enlarged
_GOOD_BRIGHTNESS = (50.0, 225.0)


@dataclass(frozen=True, slots=True)
class _Pose:
    """Yaw as a share of 90 degrees, -1..1; pitch as the nose's place between eyes (0) and mouth (1).

    `size_px` is the eye distance that the face would have from the front: a profile is not a small face.
    """

    yaw: float
    pitch: float
    eye_distance_px: float
    size_px: float


class QualityGate:
    """Judges one face by its landmarks in the picture and by its crop. Holds no state.

    - `eye_distance_min_px` 10: faces about 22 px wide. Reduced and enlarged again they cost 0.4 year (at 16 px
      wide 1.4); below this it is the detectors' landmarks that no longer hold.
    - `brightness_min` 20, `brightness_max` 245, mean grey of the crop: beyond them the error passes 11 years.
    - `yaw_max` 0.55 (50 degrees): on the clips ages hold up to there. Of 500 `val` pictures none is beyond.
    - `pitch_range`: the nose lies between 0.25 and 0.80 of the way from eyes to mouth in all of these pictures.
    - `blur_max` 0.72: the share of contrast in detail of 1.5 to 3 px falls to 0.085, where the error passes 9.5.
    """

    def __init__(
        self,
        *,
        eye_distance_min_px: float = 10.0,
        brightness_min: float = 20.0,
        brightness_max: float = 245.0,
        yaw_max: float = 0.55,
        pitch_range: tuple[float, float] = (0.15, 0.90),
        blur_max: float = 0.72,
    ) -> None:
        self._eye_distance_min_px = eye_distance_min_px
        self._brightness_min = brightness_min
        self._brightness_max = brightness_max
        self._yaw_max = yaw_max
        self._pitch_range = pitch_range
        self._blur_max = blur_max

    def judge(self, face: Face, crop: NDArray[np.uint8]) -> GateVerdict:
        """Judge one face; `crop` is BGR uint8 `(112, 112, 3)` by the crop contract.

        Where several things are wrong the reason is the first of size, light, pose, sharpness: a dark or turned
        face is hardly ever sharp. Raises ValueError for a crop of another kind.
        """
        if crop.shape != (112, 112, 3) or crop.dtype != np.uint8:
            raise ValueError(f"a crop is uint8 (112, 112, 3); got {crop.dtype} {crop.shape}")
        pose = _pose(face.landmarks_px.astype(np.float64))
        grey = np.asarray(cv2.cvtColor(crop[_FACE], cv2.COLOR_BGR2GRAY), dtype=np.float32)
        brightness = float(grey.mean())
        blur = _blur(grey)
        return GateVerdict(
            quality=_quality(pose, brightness, blur),
            reason=self._reason(pose, brightness, blur),
            eye_distance_px=pose.eye_distance_px,
            blur=blur,
            yaw=pose.yaw,
            brightness=brightness,
        )

    def _reason(self, pose: _Pose, brightness: float, blur: float) -> UnknownReason | None:
        if pose.size_px < self._eye_distance_min_px:
            return UnknownReason.TOO_SMALL
        if brightness < self._brightness_min:
            return UnknownReason.TOO_DARK
        if brightness > self._brightness_max:
            return UnknownReason.OVEREXPOSED
        low, high = self._pitch_range
        if abs(pose.yaw) > self._yaw_max or not low <= pose.pitch <= high:
            return UnknownReason.TURNED_AWAY
        return UnknownReason.BLURRED if blur > self._blur_max else None


def _pose(landmarks: NDArray[np.float64]) -> _Pose:
    """Pose from five points: a turned face is narrow for its height, and its nose leaves the middle.

    Both shrink together for a head that nods, so neither looks at the size of the box.
    """
    eye_left, eye_right, nose, mouth_left, mouth_right = landmarks
    eyes, mouth = (eye_left + eye_right) / 2, (mouth_left + mouth_right) / 2
    height_px = math.dist(eyes, mouth)
    eye_distance_px = math.dist(eye_left, eye_right)
    # From the front the eyes are as far apart as they are from the mouth (median over val 1.00).
    size_px = max(eye_distance_px, height_px)
    if height_px == 0 or eye_distance_px == 0:
        return _Pose(1.0, 1.0, eye_distance_px, size_px)
    down = (mouth - eyes) / height_px
    to_right = np.array([down[1], -down[0]])
    if (eye_right - eye_left) @ to_right <= 0:  # the eyes have changed sides: no view from the front
        return _Pose(1.0, 1.0, eye_distance_px, size_px)
    shift = float((nose - eyes) @ to_right) / height_px
    width = (eye_distance_px + math.dist(mouth_left, mouth_right)) / 2 / height_px
    narrowing = math.acos(min(1.0, width / _FRONTAL_WIDTH)) / (math.pi / 2)
    yaw = min(1.0, max(narrowing, _NOSE_TO_YAW * abs(shift)))
    pitch = float((nose - eyes) @ down) / height_px
    return _Pose(math.copysign(yaw, shift), pitch, eye_distance_px, size_px)


def _blur(grey: NDArray[np.float32]) -> float:
    """0 for a sharp crop, 1 for one without detail: share of its contrast in structures of 1.5 to 3 px.

    Finer structures are left out because there noise passes for sharpness; the share does not change with light.
    """
    contrast = float(grey.std())
    if contrast == 0:
        return 1.0
    detail = cv2.GaussianBlur(grey, (0, 0), 1.5) - cv2.GaussianBlur(grey, (0, 0), 3.0)
    share = float(detail.std()) / max(contrast, 1.0)
    return 1.0 - min(1.0, max(0.0, (share - _NO_DETAIL) / (_SHARP_DETAIL - _NO_DETAIL)))


def _quality(pose: _Pose, brightness: float, blur: float) -> float:
    """0..1: the product of what size, sharpness, pose and light leave."""
    dark, bright = _GOOD_BRIGHTNESS
    light = min(1.0, brightness / dark, max(0.0, 255.0 - brightness) / (255.0 - bright))
    size = min(1.0, pose.size_px / _GOOD_EYE_DISTANCE_PX)
    return size * light * (1.0 - abs(pose.yaw)) * (1.0 - blur)
