"""A picture that no longer shows the same place: pushed aside, turned, soiled; and what is no such thing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.ops.drift import sentence
from edge.ops.drift_scene import SceneWatch
from tests.conftest import Measured

EVERY_S = 10.0


def shop(seed: int = 4) -> np.ndarray:
    """Shelves with goods, 320 x 180."""
    chance = np.random.default_rng(seed)
    picture = np.full((360, 640, 3), 150, np.uint8)
    for row in range(6):
        left = 0
        while left < 640:
            width, height = int(chance.integers(14, 46)), int(chance.integers(24, 48))
            colour = [int(value) for value in chance.integers(40, 220, 3)]
            bottom = 60 * (row + 1) - 6
            cv2.rectangle(picture, (left, bottom - height), (left + width, bottom), colour, -1)
            left += width + int(chance.integers(2, 9))
    return cv2.resize(picture, (320, 180), interpolation=cv2.INTER_AREA)


_NOISE = np.random.default_rng(5).normal(0, 1.5, (8, 180, 320, 3)).astype(np.int16)


def people(picture: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """The same with one or two customers somewhere in front."""
    seen = picture.copy()
    for _ in range(int(chance.integers(0, 3))):
        x = int(chance.integers(30, 290))
        cv2.ellipse(seen, (x, 125), (27, 65), 0, 0, 360, (70, 60, 90), -1)
        cv2.circle(seen, (x, 55), 19, (140, 160, 200), -1)
    return np.clip(seen + _NOISE[chance.integers(0, 8)], 0, 255).astype(np.uint8)


def shifted(picture: np.ndarray, share: float) -> np.ndarray:
    way = np.float32([[1, 0, share * picture.shape[1]], [0, 1, 0]])
    return cv2.warpAffine(picture, way, picture.shape[1::-1], borderMode=cv2.BORDER_REFLECT)


def turned(picture: np.ndarray, degrees: float) -> np.ndarray:
    height, width = picture.shape[:2]
    way = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(picture, way, (width, height), borderMode=cv2.BORDER_REFLECT)


class Shift:
    """A watch that looks at a shop for so long."""

    def __init__(self) -> None:
        self.watch = SceneWatch()
        self.chance = np.random.default_rng(1)
        self.at_s = 1000.0
        self.found_s: float | None = None
        """The last moment at which something was found that had not been."""

    def sees(self, picture: np.ndarray, minutes: float) -> str | None:
        for _ in range(int(minutes * 60 / EVERY_S)):
            self._look(people(picture, self.chance))
        return self._found()

    def sees_alone(self, picture: np.ndarray, minutes: float) -> str | None:
        """The same with nobody in it."""
        for _ in range(int(minutes * 60 / EVERY_S)):
            noise = _NOISE[int(self.at_s + EVERY_S) % 8]
            self._look(np.clip(picture + noise, 0, 255).astype(np.uint8))
        return self._found()

    def _look(self, picture: np.ndarray) -> None:
        before = self._found()
        self.at_s += EVERY_S
        self.watch.look(self.at_s, picture)
        if before is None and self._found() is not None:
            self.found_s = self.at_s

    def _found(self) -> str | None:
        return None if self.watch.finding is None else self.watch.finding.kind


def test_customers_come_and_go_and_nothing_is_said():
    assert Shift().sees(shop(), 90) is None


@pytest.mark.parametrize(
    ("how", "change"),
    [
        ("pushed by 4 %", lambda p: shifted(p, 0.04)),
        ("turned by 6°", lambda p: turned(p, 6.0)),
        ("shows another place", lambda _p: shop(99)),
    ],
)
def test_a_camera_that_was_pushed_or_turned_is_told_within_six_minutes_and_forgiven_when_put_back(
    how, change, measured: Measured
):
    shift = Shift()
    assert shift.sees(shop(), 30) is None
    since_s = shift.at_s
    assert shift.sees(change(shop()), 6) == "moved"
    assert shift.found_s is not None
    measured("camera moved", f"{how}: warned of after {(shift.found_s - since_s) / 60:.1f} min")
    assert shift.sees(shop(), 6) is None


def test_a_soiled_lens_is_told():
    shift = Shift()
    shift.sees(shop(), 30)
    assert shift.sees(cv2.GaussianBlur(shop(), (0, 0), 3.0), 8) == "soiled"


@pytest.mark.parametrize("paper", [120, 235])
def test_a_lens_covered_in_white_is_told_and_forgiven_at_once(paper: int, measured: Measured):
    """Too bright to be black, and alive with noise: nobody but this watch can tell."""
    shift = Shift()
    shift.sees(shop(), 12)
    covered = np.full_like(shop(), paper)
    since_s = shift.at_s
    assert shift.sees_alone(covered, 2) is None, "somebody leans over the lane"
    assert shift.sees_alone(covered, 2) == "soiled"
    assert shift.found_s is not None
    measured(
        "lens covered in white",
        f"level {paper} of 255: warned of after {(shift.found_s - since_s) / 60:.1f} min",
    )
    assert shift.watch.finding is not None
    assert shift.watch.finding.measure == "covered"
    assert sentence("cam-1", shift.watch.finding).startswith("camera cam-1 seems soiled")
    assert shift.sees(shop(), 1) is None
    assert shift.sees(shop(), 5) is None


def test_a_lens_that_was_covered_before_the_start_is_told_and_a_dark_shop_is_not():
    assert Shift().sees_alone(np.full_like(shop(), 140), 4) == "soiled"
    assert Shift().sees_alone(np.full_like(shop(), 40), 6) is None
    shift = Shift()
    shift.sees(shop(), 12)
    assert shift.sees_alone(np.full_like(shop(), 45), 6) is None, "the lights are out"


def test_somebody_right_before_the_lens_for_a_minute_is_no_matter():
    shift = Shift()
    shift.sees(shop(), 30)
    covered = shop()
    covered[:, 100:280] = 90
    assert shift.sees(covered, 1) is None
    assert shift.sees(shop(), 5) is None


def test_less_light_and_no_light_are_no_move():
    shift = Shift()
    shift.sees(shop(), 30)
    assert shift.sees((shop() * 0.55).astype(np.uint8), 15) is None
    assert shift.sees((shop() * 0.05).astype(np.uint8), 60) is None
    assert shift.sees(shop(), 5) is None
