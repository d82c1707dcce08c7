"""Looks: colours of head and clothes, told apart in grey levels."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge.track.appearance import compare, look_of

BOX = (280.0, 100.0, 60.0, 77.0)


def person(clothes: tuple[int, int, int], head: tuple[int, int, int] = (120, 160, 210)) -> np.ndarray:
    image = np.full((360, 640, 3), 90, np.uint8)
    image[85:180, 270:350] = head
    image[180:330, 240:380] = clothes
    return image


def test_the_same_person_looks_the_same():
    assert compare(look_of(person((0, 0, 200)), BOX), look_of(person((0, 0, 200)), BOX)).both == 0


def test_other_clothes_differ_by_their_grey_levels():
    apart = compare(look_of(person((0, 0, 200)), BOX), look_of(person((0, 0, 140)), BOX))

    assert apart.head == 0
    assert apart.clothes == pytest.approx(20)  # 60 levels in one of three channels
    assert (apart.both, apart.either) == (pytest.approx(10), 0)


def test_a_little_noise_hardly_matters():
    noisy = person((100, 90, 160)) + np.random.default_rng(3).integers(0, 6, (360, 640, 3)).astype(np.uint8)

    assert compare(look_of(person((100, 90, 160)), BOX), look_of(noisy, BOX)).both < 4


def test_clothes_below_the_picture_are_unknown_and_speak_neither_for_nor_against():
    low = (280.0, 300.0, 60.0, 77.0)

    apart = compare(look_of(person((0, 0, 200)), low), look_of(person((0, 0, 20)), low))

    assert math.isnan(apart.clothes)
    assert apart.both == apart.head


def test_what_a_nearer_body_covers_is_left_out():
    """Somebody in yellow stands before the right half of the clothes."""
    covered = person((0, 0, 200))
    covered[180:360, 320:500] = (0, 220, 220)
    nearer = (365.0, 60.0, 50.0, 64.0)  # its shoulders begin at x = 320

    plain = look_of(person((0, 0, 200)), BOX)

    assert compare(plain, look_of(covered, BOX)).clothes > 20
    assert compare(plain, look_of(covered, BOX, [nearer])).clothes == 0


def test_a_face_outside_the_picture_has_no_look_at_all():
    assert np.isnan(look_of(person((0, 0, 200)), (900.0, 100.0, 60.0, 77.0))).all()
