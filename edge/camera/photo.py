"""Photographs as files: which ones a folder holds, and the pixels of one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["PHOTO_SUFFIXES", "PhotoError", "find_photos", "read_photo"]

PHOTO_SUFFIXES = frozenset(
    (
        ".avif",
        ".bmp",
        ".gif",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".jp2",
        ".pgm",
        ".png",
        ".pnm",
        ".ppm",
        ".tif",
        ".tiff",
        ".webp",
    )
)
"""What a file in a folder must end with to be taken for a photograph; other files are left alone."""


class PhotoError(Exception):
    """A file that cannot be read as a photograph; the message names it and says why."""


def find_photos(path: Path) -> list[Path]:
    """The photographs at `path` in a stable order: the file itself whatever its name, or all below a folder.

    Hidden files and folders are passed over. Raises PhotoError where there is nothing.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise PhotoError(f"{path}: no such file or folder. Give a photograph, or a folder of photographs")
    found = sorted(
        each
        for each in path.rglob("*")
        if each.suffix.lower() in PHOTO_SUFFIXES
        and not any(part.startswith(".") for part in each.relative_to(path).parts)
        and each.is_file()
    )
    if not found:
        ends = ", ".join(sorted(PHOTO_SUFFIXES))
        raise PhotoError(f"{path}: no photographs in this folder; they end with {ends}")
    return found


def read_photo(path: Path) -> NDArray[np.uint8]:
    """The photograph as BGR uint8 `(h, w, 3)`, turned upright as its EXIF orientation says.

    Grey pictures get three equal channels, 16-bit ones keep their upper 8 bits, transparency is dropped. Raises
    PhotoError for what is missing, damaged, cut off or no picture.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PhotoError(f"{path}: cannot be read: {error.strerror}") from error
    if not raw:
        raise PhotoError(f"{path}: the file is empty")
    try:
        image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise PhotoError(f"{path}: cannot be decoded: {error.err or 'damaged'}") from error
    if image is None or image.size == 0:
        raise PhotoError(f"{path}: no picture, or a damaged one")
    return np.asarray(image, dtype=np.uint8)
