"""The crop contract: what the age model is shown must not depend on where and how large a face stands."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.face import CONTRACT, TEMPLATE_PX, crop_face
from edge.face.crop import similarity_to_template


def placed(scale: float, turn_deg: float, x: float, y: float) -> NDArray[np.float64]:
    """Landmarks of a face like the template: enlarged, turned clockwise, its middle at x, y."""
    c, s = scale * math.cos(math.radians(turn_deg)), scale * math.sin(math.radians(turn_deg))
    return (TEMPLATE_PX - 55.5) @ np.array([[c, s], [-s, c]]) + (x, y)


def soft_picture(height: int = 480, width: int = 640) -> NDArray[np.uint8]:
    """Waves much longer than a pixel, different in each channel and direction."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [x / 23 + y / 61, x / 47 - y / 29, (x + y) / 37]
    return np.stack([127.5 + 100 * np.sin(wave) for wave in waves], axis=-1).astype(np.uint8)


def true_crop(scale: float, turn_deg: float, x: float, y: float) -> NDArray[np.float64]:
    """What a perfect crop of `soft_picture` shows: the same waves, looked up at the exact places."""
    c, s = scale * math.cos(math.radians(turn_deg)), scale * math.sin(math.radians(turn_deg))
    v, u = np.mgrid[0:112, 0:112] - 55.5
    there_x, there_y = u * c - v * s + x, u * s + v * c + y
    waves = [there_x / 23 + there_y / 61, there_x / 47 - there_y / 29, (there_x + there_y) / 37]
    return np.stack([127.5 + 100 * np.sin(wave) for wave in waves], axis=-1)


def test_the_contract_is_version_1_and_its_digest_is_the_one_that_bundles_carry() -> None:
    """A change here makes every bundle and every prepared data set invalid: it must be meant."""
    assert (CONTRACT.version, CONTRACT.size) == (1, 112)
    assert CONTRACT.digest == "597002605db40080a16a8d648e111034be48f7d67ee859e7c04c070e0970b348"


def test_landmarks_on_the_template_give_the_picture_as_it_is() -> None:
    picture = soft_picture()
    assert np.array_equal(crop_face(picture, TEMPLATE_PX), picture[:112, :112])


@given(
    scale=st.floats(0.4, 4.2),
    turn_deg=st.floats(-180, 180),
    x=st.floats(250, 390),
    y=st.floats(220, 260),
)
@settings(max_examples=60, deadline=None)
def test_a_face_anywhere_in_the_picture_is_shown_upright_at_the_same_size(
    scale: float, turn_deg: float, x: float, y: float
) -> None:
    """Shifted, turned and enlarged faces, those reduced first among them: half a pixel too far would be seen."""
    crop = crop_face(soft_picture(), placed(scale, turn_deg, x, y)).astype(float)
    expected = true_crop(scale, turn_deg, x, y)
    v, u = np.mgrid[0:112, 0:112] - 55.5
    c, s = scale * math.cos(math.radians(turn_deg)), scale * math.sin(math.radians(turn_deg))
    there_x, there_y = u * c - v * s + x, u * s + v * c + y
    inside = (there_x > 4) & (there_x < 635) & (there_y > 4) & (there_y < 475)
    # A wave of 23 px changes by 4.3 grey levels a pixel; averaging 4 px blocks takes up to 1.3 off its crests.
    assert np.abs(crop - expected)[inside].max() < 2.6


@given(st.lists(st.floats(-2, 2), min_size=10, max_size=10), st.floats(0.5, 5), st.floats(-180, 180))
@settings(max_examples=100, deadline=None)
def test_the_transform_is_the_best_similarity_and_no_mirror(
    shaken: list[float], scale: float, turn_deg: float
) -> None:
    """Against the general solver: least squares over a, b and a shift, which knows no mirror either."""
    points = placed(scale, turn_deg, 300, 200) + np.array(shaken).reshape(5, 2) * scale
    matrix = similarity_to_template(points)
    rows, wanted = [], []
    for (x, y), (to_x, to_y) in zip(points, TEMPLATE_PX, strict=True):
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
        wanted += [to_x, to_y]
    a, b, shift_x, shift_y = np.linalg.lstsq(np.array(rows), np.array(wanted), rcond=None)[0]
    assert matrix == pytest.approx(np.array([[a, -b, shift_x], [b, a, shift_y]]), abs=1e-6)
    assert np.linalg.det(matrix[:, :2]) > 0


def test_a_face_over_the_edge_repeats_the_edge() -> None:
    picture = np.full((200, 200, 3), 90, np.uint8)
    picture[:, :3] = 200
    crop = crop_face(picture, placed(1.0, 0.0, 0.0, 100.0))
    assert (crop[:, :52] == 200).all()
    assert (crop[:, 70:] == 90).all()


def test_a_large_face_over_the_edge_repeats_the_edge_too() -> None:
    picture = np.full((900, 900, 3), 90, np.uint8)
    picture[:, :40] = 200
    crop = crop_face(picture, placed(5.3, 0.0, 0.0, 450.0))
    assert (crop[:, :60] == 200).all()
    assert (crop[:, 70:] == 90).all()


@pytest.mark.parametrize("where", [(-5000.0, 100.0), (100.0, 9000.0), (-3000.0, -3000.0)])
@pytest.mark.parametrize("scale", [0.5, 3.0, 40.0])
def test_a_face_outside_the_picture_is_its_edge_and_no_crash(
    where: tuple[float, float], scale: float
) -> None:
    assert (crop_face(np.full((50, 60, 3), 7, np.uint8), placed(scale, 0.0, *where)) == 7).all()


def test_fine_patterns_turn_grey_when_a_large_face_is_reduced() -> None:
    """Without averaging first, a chessboard of single pixels would come out as black and white specks."""
    board = np.indices((700, 700)).sum(axis=0) % 2 * 255
    picture = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    crop = crop_face(picture, placed(4.5, 0.0, 350.0, 350.0))
    assert np.abs(crop.astype(int) - 127).max() <= 1


def test_picture_and_landmarks_are_left_as_they_are() -> None:
    picture, points = soft_picture(), placed(3.0, 5.0, 300.0, 200.0)
    before = picture.copy(), points.copy()
    crop_face(picture, points)[:] = 0
    assert np.array_equal(picture, before[0])
    assert np.array_equal(points, before[1])


def test_a_part_of_a_picture_is_a_picture() -> None:
    """A view into a larger array, with strides of its own."""
    whole = soft_picture()
    view = whole[40:360, 60:460]
    points = placed(1.5, 8.0, 200.0, 160.0)
    assert np.array_equal(crop_face(view, points), crop_face(np.ascontiguousarray(view), points))


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((0, 10, 3), np.uint8),
        np.zeros((10, 0, 3), np.uint8),
        np.zeros((50, 50), np.uint8),
        np.zeros((50, 50, 4), np.uint8),
        np.zeros((50, 50, 3), np.float32),
    ],
    ids=["no rows", "no columns", "grey", "with alpha", "floats"],
)
def test_what_is_no_colour_picture_is_refused(picture: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match=r"a picture is BGR uint8 \(h, w, 3\)"):
        crop_face(picture, TEMPLATE_PX)


@pytest.mark.parametrize(
    "points",
    [
        np.full((5, 2), 7.0),
        np.full((5, 2), np.nan),
        np.where(np.arange(10).reshape(5, 2) == 3, np.inf, TEMPLATE_PX),
        TEMPLATE_PX[:4],
    ],
    ids=["one point five times", "not numbers", "one at infinity", "four points"],
)
def test_what_is_no_face_is_refused(points: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="landmarks"):
        crop_face(soft_picture(), points)
