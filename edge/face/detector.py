"""What every face detector promises, and how it can fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.flow import Face

__all__ = [
    "PICTURES_MAX",
    "Detector",
    "DetectorError",
    "DetectorFileAlteredError",
    "DetectorFileMissingError",
    "check_picture",
    "in_parts",
]

PICTURES_MAX = 8
"""Pictures in one run of a network: more are no faster, and what ONNX Runtime takes for a batch it keeps for ever."""


class DetectorError(Exception):
    """A detector that cannot be started; the message says what to do."""


class DetectorFileMissingError(DetectorError):
    """The detector's model file is not where it should be."""


class DetectorFileAlteredError(DetectorError):
    """The detector's model file is there, but its digest is not the pinned one."""


class Detector(Protocol):
    """Finds faces in a batch of pictures. One object is used from one thread at a time."""

    @property
    def name(self) -> str:
        """`mtcnn` or `yunet`."""
        ...

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Face]]:
        """Find the faces of each picture, best score first, in pixels of the picture as given.

        Pictures are BGR uint8 `(h, w, 3)`, of one or several sizes; a picture with no pixels has no
        faces. Raises ValueError for another kind of array.
        """
        ...

    def refine(self, image: NDArray[np.uint8], faces: Sequence[Face]) -> list[Face]:
        """Give the same faces, in the same order, with landmarks exact enough for `crop_face`.

        Worth its time only for faces that are about to be cropped.
        """
        ...


def check_picture(image: NDArray[np.uint8]) -> None:
    """Raise ValueError unless the array is a BGR uint8 picture `(h, w, 3)`; h or w may be zero."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"a picture is BGR uint8 (h, w, 3); got {image.dtype} {image.shape}")


def in_parts(members: Sequence[int], most: int) -> list[Sequence[int]]:
    """The same members in order, at most so many at a time."""
    return [members[start : start + most] for start in range(0, len(members), most)]
