"""A face that never moves, told by its pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.track.stillness import Stillness

BOX = (280.0, 100.0, 60.0, 77.0)
_BLOBS = cv2.GaussianBlur(np.random.default_rng(5).normal(0, 1, (400, 700, 3)), (0, 0), 6)
FACE = np.clip(128 + 40 * _BLOBS / _BLOBS.std(), 0, 255).astype(np.uint8)


def picture(*, shift_px: float = 0.0, light: float = 1.0, noise: int = 4, seed: int = 0) -> np.ndarray:
    """A blurred texture as seen by a camera: moved by less than a pixel where wanted, brighter, noisy."""
    moved = cv2.warpAffine(
        FACE, np.float32([[1, 0, shift_px], [0, 1, 0]]), (640, 360), flags=cv2.INTER_LINEAR
    )
    grain = np.random.default_rng(seed).integers(-noise, noise + 1, moved.shape)
    return np.clip(moved * light + grain, 0, 255).astype(np.uint8)


def look(*shifts_px: float, light: float = 1.0, jitter_px: float = 3.0) -> Stillness:
    """Five pictures a second; the detector's box jitters, whatever the face does."""
    still = Stillness(at_ns=0, box_px=BOX, image=picture(), after_s=4.0)
    for number, shift_px in enumerate(shifts_px, start=1):
        x = BOX[0] + shift_px + jitter_px * (-1) ** number
        image = picture(shift_px=shift_px, light=light, seed=number)
        still.see(number * 200_000_000, (x, *BOX[1:]), image)
    return still


def test_a_printed_face_is_still_however_the_detector_jitters():
    still = look(*[0.0] * 25)

    assert still.is_still
    assert still.still_s == pytest.approx(5.0)


def test_nothing_is_said_before_its_time():
    assert not look(*[0.0] * 18).is_still


def test_light_that_changes_does_not_move_a_face():
    assert look(*[0.0] * 25, light=1.15).is_still


def test_a_swaying_face_is_not_still():
    sway = [2.5 * np.sin(0.38 * number) for number in range(1, 26)]  # 4 % of the face's width

    assert not look(*sway).is_still


def test_a_moment_of_something_else_leaves_a_poster_still():
    assert look(*[0.0] * 20, *[9.0] * 5, *[0.0] * 10).is_still


def test_who_froze_and_moves_again_is_alive():
    assert not look(*[0.0] * 25, *[4.0] * 30).is_still


def test_who_walks_away_is_never_asked_again():
    assert not look(*[0.0] * 25, 40.0, *[0.0] * 60).is_still
