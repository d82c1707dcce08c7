"""Crops that may travel with the project, and what the model answers to them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

import edge
from edge.age import derive_float
from export.model.errors import ExportError
from export.model.infer import onnx_logits
from training.faces import FaceFinder

__all__ = ["golden_crops", "golden_vectors"]

# Public domain, sources beside them: NASA's astronaut Eileen Collins, the US Navy's Grace Hopper.
_PORTRAITS: Final = Path(edge.__file__).parent / "camera" / "portraits"
_FACES: Final = ("collins.jpg", "hopper.jpg")


def golden_crops(finder: FaceFinder, *, portraits: Path = _PORTRAITS) -> NDArray[np.uint8]:
    """Six crops uint8 BGR `(6, 112, 112, 3)`: two portraits, one mirrored, one dark, waves and noise."""
    faces = []
    for name in _FACES:
        cut = finder.cut_file(portraits / name)
        if cut.crop is None:
            raise ExportError(
                f"{portraits / name}: no golden crop ({cut.reject}); the portraits come with the project"
            )
        faces.append(cut.crop)
    y, x = np.mgrid[0:112, 0:112]
    waves = np.stack([np.abs((k * x + (5 - k) * y) * 4 % 510 - 255) for k in (1, 2, 4)], axis=-1)
    noise = np.random.default_rng(2026).integers(0, 256, (14, 14, 3), dtype=np.uint8)
    return np.stack(
        [
            *faces,
            faces[0][:, ::-1],
            (faces[1].astype(np.uint16) * 2 // 5).astype(np.uint8),
            waves.astype(np.uint8),
            np.asarray(cv2.resize(noise, (112, 112), interpolation=cv2.INTER_NEAREST), np.uint8),
        ]
    )


def golden_vectors(crops: NDArray[np.uint8], int8: bytes) -> bytes:
    """`golden.npz`: crops, the int8 model's logits, and those of the float model derived from it."""
    stream = io.BytesIO()
    np.savez_compressed(
        stream,
        crops=crops,
        logits=onnx_logits(int8, crops, threads=1, label="golden int8"),
        float_logits=onnx_logits(derive_float(int8, "fp32"), crops, threads=1, label="golden float"),
    )
    return stream.getvalue()
