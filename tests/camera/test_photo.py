"""Photographs as files: turned upright, of any depth, and broken ones named."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera.photo import PhotoError, find_photos, read_photo


def scene() -> np.ndarray:
    """Something with a clear top left: a bright corner, colours that differ."""
    image = np.full((60, 90, 3), (40, 90, 160), np.uint8)
    image[:20, :30] = (250, 240, 230)
    return image


def written(path: Path, image: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), image)
    return path


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF block that holds the tag Orientation (0x0112) alone."""
    tiff = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    block = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda upright: upright),
        (3, lambda upright: cv2.rotate(upright, cv2.ROTATE_180)),
        (6, lambda upright: cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE)),
        (8, lambda upright: cv2.rotate(upright, cv2.ROTATE_90_CLOCKWISE)),
        (2, lambda upright: cv2.flip(upright, 1)),
    ],
)
def test_exif_orientation_is_obeyed(tmp_path: Path, orientation: int, turn) -> None:
    as_stored = turn(scene())
    raw = cv2.imencode(".jpg", as_stored, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
    path = tmp_path / "turned.jpg"
    path.write_bytes(with_orientation(raw, orientation))
    image = read_photo(path)
    assert image.shape == scene().shape
    assert np.abs(image.astype(int) - scene()).mean() < 4


def test_grey_pictures_get_three_equal_channels(tmp_path: Path) -> None:
    image = read_photo(written(tmp_path / "grey.png", cv2.cvtColor(scene(), cv2.COLOR_BGR2GRAY)))
    assert image.shape == (60, 90, 3)
    assert (image == image[..., :1]).all()


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_become_their_upper_eight(tmp_path: Path, suffix: str) -> None:
    deep = scene().astype(np.uint16) * 256 + 17
    image = read_photo(written(tmp_path / f"deep{suffix}", deep))
    assert np.abs(image.astype(int) - scene()).max() <= 1


def test_webp_and_transparency(tmp_path: Path) -> None:
    assert np.abs(read_photo(written(tmp_path / "a.webp", scene())).astype(int) - scene()).mean() < 6
    see_through = np.dstack([scene(), np.full((60, 90), 128, np.uint8)])
    assert (read_photo(written(tmp_path / "b.png", see_through)) == scene()).all()


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
def test_a_file_that_was_cut_off_is_named(tmp_path: Path, suffix: str) -> None:
    noisy = np.random.default_rng(1).integers(0, 255, (80, 80, 3), dtype=np.uint8)
    whole = written(tmp_path / f"whole{suffix}", noisy)
    cut = tmp_path / f"cut{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with pytest.raises(PhotoError, match=f"cut{suffix}: "):
        read_photo(cut)


@pytest.mark.parametrize(
    ("raw", "said"), [(b"", "is empty"), (b"just words", "no picture"), (b"\xff\xd8\xff", "no pic")]
)
def test_what_is_no_picture_is_named(tmp_path: Path, raw: bytes, said: str) -> None:
    path = tmp_path / "odd.jpg"
    path.write_bytes(raw)
    with pytest.raises(PhotoError, match=said):
        read_photo(path)


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(PhotoError, match="cannot be read: No such file"):
        read_photo(tmp_path / "gone.jpg")


class TestFolders:
    def test_all_photographs_below_in_a_stable_order(self, tmp_path: Path) -> None:
        for name in (
            "b.JPG",
            "a.png",
            "c/d.webp",
            ".hidden.png",
            ".cache/e.png",
            "notes.txt",
            "c.jpg/x.jpeg",
        ):
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.touch()
        found = [str(path.relative_to(tmp_path)) for path in find_photos(tmp_path)]
        assert found == ["a.png", "b.JPG", "c/d.webp", "c.jpg/x.jpeg"]

    def test_a_file_is_taken_whatever_its_name(self, tmp_path: Path) -> None:
        path = tmp_path / "portrait"
        path.touch()
        assert find_photos(path) == [path]

    def test_nothing_there_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(PhotoError, match="no photographs in this folder"):
            find_photos(tmp_path)
        with pytest.raises(PhotoError, match="no such file or folder"):
            find_photos(tmp_path / "gone")
