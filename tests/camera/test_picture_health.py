"""Frozen and black pictures are found; an empty lane is neither."""

from __future__ import annotations

import json

import numpy as np

from edge.camera import open_clip
from edge.camera.picture_health import PictureHealth
from tests.conftest import Measured

S = 1_000_000_000


def watch(images, *, hz: float = 5) -> list[tuple[float, str, float]]:
    """When each verdict began to be given: second, reason, since."""
    health = PictureHealth(frozen_s=10, black_s=3)
    found: list[tuple[float, str, float]] = []
    last = None
    for n, image in enumerate(images):
        verdict = health.judge(image, round(n * S / hz))
        now = verdict and verdict[0]
        if now != last and verdict is not None:
            found.append((n / hz, verdict[0].value, verdict[1] / S))
        last = now
    return found


def noisy(n: int, *, level: int = 90) -> np.ndarray:
    chance = np.random.default_rng(n)
    return np.clip(chance.normal(level, 4, (360, 640, 3)), 0, 255).astype(np.uint8)


def test_a_picture_that_stands_still_is_frozen_after_its_patience_and_since_it_stopped(measured: Measured):
    still = noisy(7)
    found = watch([noisy(n) for n in range(10)] + [still] * 60)
    assert found == [(12.0, "frozen", 2.0)]
    [(told_s, _, since_s)] = found
    measured("picture frozen", f"as shipped: found after {told_s - since_s:.1f} s of the stream's time")


def test_a_frozen_picture_that_an_encoder_touches_up_by_two_levels_is_frozen():
    still = noisy(7)
    assert watch([still + np.uint8(n % 3) for n in range(60)]) == [(10.0, "frozen", 0.0)]


def test_one_thing_that_moves_is_life():
    """A clock in the corner, sixteen pixels wide."""
    still = noisy(7)
    pictures = []
    for n in range(80):
        picture = still.copy()
        picture[8:24, 8:24] = (n * 8) % 256
        pictures.append(picture)
    assert watch(pictures) == []


def test_a_camera_that_moves_again_is_well():
    still = noisy(7)
    assert watch([still] * 60 + [noisy(n) for n in range(60)] + [still] * 20) == [(10.0, "frozen", 0.0)]


def test_no_light_is_black_even_with_noise(measured: Measured):
    dark = [noisy(n, level=6) for n in range(40)]
    found = watch([noisy(1), *dark])
    assert found == [(3.2, "black", 0.2)]
    [(told_s, _, since_s)] = found
    measured("picture black", f"as shipped: found after {told_s - since_s:.1f} s of the stream's time")


def test_a_dim_shop_is_not_black():
    assert watch([noisy(n, level=30) for n in range(60)]) == []


def test_a_black_picture_with_a_lit_corner_is_not_black():
    def corner(n: int) -> np.ndarray:
        picture = noisy(n, level=6)
        picture[300:, 500:] = 120
        return picture

    assert watch([corner(n) for n in range(60)]) == []


def test_a_new_size_is_a_new_picture():
    small = np.full((240, 320, 3), 90, np.uint8)
    large = np.full((480, 640, 3), 90, np.uint8)
    assert watch([small] * 40 + [large] * 40) == []


def test_an_empty_lane_is_neither_frozen_nor_black(shared):
    """Nobody in it, encoded as a camera does: noise still changes the picture within a second."""
    truth = json.loads((shared / "video" / "lane_1080p15.truth.json").read_text())
    empty_until_s = truth["empty_s"][0][1]
    assert truth["empty_s"][0][0] == 0
    assert empty_until_s > 3

    health = PictureHealth(frozen_s=1.0, black_s=1.0)
    verdicts = set()
    with open_clip(shared / "video" / "lane_1080p15.mp4", camera="c", start_ns=0, rate_hz=5) as clip:
        for frame in clip:
            verdicts.add(health.judge(frame.image, frame.at_ns))
            if frame.at_ns > empty_until_s * S:
                break
    assert verdicts == {None}
