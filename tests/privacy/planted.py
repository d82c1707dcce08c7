"""A face made of noise, a film that shows it, and a search for it in whatever bytes there are.

The face is a portrait in the public domain under noise from a seed: detectors take it for a face, and no other picture
on earth has its bytes. The film is lossless, so that the daemon sees exactly these bytes.
"""

from __future__ import annotations

import base64
import binascii
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face import choose_detector, crop_face, open_detector

__all__ = ["Planted", "Search", "plant"]

Picture = NDArray[np.uint8]
PORTRAIT = Path(__file__).resolve().parents[2] / "edge" / "camera" / "portraits" / "hopper.jpg"
_WIDTH, _HEIGHT, _FACE_PX = 640, 480, 300
_PIXELS = 16
"""So many neighbouring pixels, equal to the last bit, are no accident in noise."""
_ALIKE = 0.6
"""Correlation of a picture with the face; two pictures that have nothing to do with each other stay below 0.4."""


@dataclass(frozen=True, slots=True)
class Planted:
    """The film and what must be in no byte of what the daemon writes or sends."""

    film: Path
    face: Picture
    crops: tuple[Picture, ...]


def plant(folder: Path, *, frames: int = 45, rate: int = 15) -> Planted:
    """Make the film: the face walks to and fro before a plain wall."""
    noise = np.random.default_rng(20_260_105)
    portrait = cv2.imread(str(PORTRAIT))
    assert portrait is not None
    height, width = portrait.shape[:2]
    side = min(height, width)
    square = cv2.resize(portrait[:side, (width - side) // 2 : (width + side) // 2], (_FACE_PX, _FACE_PX))
    grain = noise.normal(0, 14, square.shape)
    face = np.clip(square.astype(np.float32) + grain, 0, 255).astype(np.uint8)
    pictures = []
    for number in range(frames):
        wall = np.full((_HEIGHT, _WIDTH, 3), 128, np.uint8)
        left = 100 + round(60 * np.sin(2 * np.pi * number / frames))
        wall[90 : 90 + _FACE_PX, left : left + _FACE_PX] = face
        pictures.append(wall)
    film = folder / "planted.mkv"
    command = [
        "ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24",
        "-s", f"{_WIDTH}x{_HEIGHT}", "-r", str(rate), "-i", "-", "-c:v", "ffv1", "-pix_fmt", "bgr0", film,
    ]  # fmt: skip
    subprocess.run(command, input=b"".join(one.tobytes() for one in pictures), check=True)
    detector = open_detector(choose_detector("mtcnn", models_folder=None), intra_op_threads=1)
    crops = []
    for picture in pictures[:: frames // 3]:
        (found,) = detector.detect([picture])[0][:1]
        (refined,) = detector.refine(picture, [found])
        crops.append(crop_face(picture, refined.landmarks_px))
    return Planted(film=film, face=face, crops=tuple(crops))


class Search:
    """Looks for the face in bytes: as pixels in any usual order, and in every picture that can be decoded."""

    def __init__(self, planted: Planted) -> None:
        self._needles = {
            f"{what} of the {where}": needles
            for where, picture in (("face", planted.face), ("crop", planted.crops[0]))
            for what, needles in _needles(picture)
        }
        self._greys = [_middle(planted.face), *(_middle(crop) for crop in planted.crops)]

    def found_in(self, name: str, told: bytes) -> list[str]:
        """What stands in these bytes, and in what is base64 or hexadecimal within them, each with its place."""
        found = []
        for where, part in ((name, told), *((f"{name}, in base64", one) for one in _unwrapped(told))):
            found += [f"{where}: {what}" for what, needles in self._needles.items() if _any(needles, part)]
            found += [
                f"{where}: a {kind} of the face" for kind, picture in _pictures(part) if self.shows(picture)
            ]
        return found

    def shows(self, picture: Picture) -> bool:
        """Is the face in this picture, whatever its size there?"""
        grey = picture if picture.ndim == 2 else cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        if float(grey.std()) < 1:
            return False
        for template in self._greys:
            side = float(min(*grey.shape, 240))
            while side >= 28:
                small = cv2.resize(template, (int(side), int(side)), interpolation=cv2.INTER_AREA)
                if float(cv2.matchTemplate(grey, small, cv2.TM_CCOEFF_NORMED).max()) > _ALIKE:
                    return True
                side /= 1.12
        return False


def _middle(picture: Picture) -> Picture:
    side = picture.shape[0] // 6
    return cv2.cvtColor(picture[side:-side, side:-side], cv2.COLOR_BGR2GRAY)


def _needles(picture: Picture) -> Iterator[tuple[str, list[bytes]]]:
    """Runs of neighbouring pixels from rows and columns over the middle of the picture."""
    height, width = picture.shape[:2]
    rows = range(height // 4, 3 * height // 4, height // 9)
    starts = (width // 3, width // 2)
    rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    orders: dict[str, Picture] = {
        "BGR": picture,
        "RGB": rgb,
        "BGRA": cv2.cvtColor(picture, cv2.COLOR_BGR2BGRA),
        "RGBA": cv2.cvtColor(picture, cv2.COLOR_BGR2RGBA),
        "grey": cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY),
        "blue plane": picture[..., 0],
        "green plane": picture[..., 1],
        "red plane": picture[..., 2],
    }
    for name, pixels in orders.items():
        yield name, [pixels[row, at : at + _PIXELS].tobytes() for row in rows for at in starts]
    for name, pixels in (("BGR", picture), ("RGB", rgb)):
        floats = pixels.astype(np.float32)
        yield f"{name} floats", [floats[row, at : at + 4].tobytes() for row in rows for at in starts]
        scaled = floats / np.float32(255)
        yield f"{name} floats to 1", [scaled[row, at : at + 4].tobytes() for row in rows for at in starts]


def _any(needles: list[bytes], told: bytes) -> bool:
    return any(needle in told for needle in needles)


def _unwrapped(told: bytes) -> Iterator[bytes]:
    for run in re.findall(rb"[A-Za-z0-9+/_-]{120,}={0,2}", told):
        body = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        whole = body[:-1] if len(body) % 4 == 1 else body  # a cut end would spoil a WebP
        yield base64.b64decode(whole + b"=" * (-len(whole) % 4))
    for run in re.findall(rb"[0-9a-fA-F]{120,}", told):
        yield binascii.unhexlify(run[: len(run) - len(run) % 2])


def _pictures(told: bytes) -> Iterator[tuple[str, Picture]]:
    """Whatever begins as JPEG, PNG or WebP does and can be decoded from there on."""
    for kind, mark in (
        ("JPEG", rb"\xff\xd8\xff"),
        ("PNG", rb"\x89PNG\r\n\x1a\n"),
        ("WebP", rb"RIFF....WEBP"),
    ):
        for match in re.finditer(mark, told, re.DOTALL):
            picture = cv2.imdecode(np.frombuffer(told, np.uint8)[match.start() :], cv2.IMREAD_COLOR)
            if picture is not None:
                yield kind, np.asarray(picture, np.uint8)
