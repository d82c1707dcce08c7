"""Logits of many crops, from Keras or from an ONNX file, with a bar on a terminal."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training.model import AGES, normalise

__all__ = ["keras_logits", "onnx_logits"]

_BATCH: Final = 8


def keras_logits(model: Any, crops: NDArray[np.uint8], *, mirrored: bool = False) -> NDArray[np.float32]:
    """What the Keras model answers to BGR crops uint8 `(n, 112, 112, 3)`: float32 `(n, 101)`.

    With `mirrored` the mean of what it answers to a crop and to its mirror image.
    """
    if mirrored:
        pair = keras_logits(model, crops), keras_logits(model, crops[:, :, ::-1])
        return np.asarray((pair[0] + pair[1]) / 2, np.float32)
    parts = [
        np.asarray(model(normalise(crops[start : start + 32, ..., ::-1]), training=False), np.float32)
        for start in tqdm(range(0, len(crops), 32), desc="Keras", unit="batch", disable=None)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, AGES), np.float32)


def onnx_logits(
    model: bytes, crops: NDArray[np.uint8], *, threads: int, label: str = "ONNX"
) -> NDArray[np.float32]:
    """What an ONNX age model answers on the CPU: float32 `(n, 101)`."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    parts = [
        session.run(["logits"], {"crops": np.ascontiguousarray(crops[start : start + _BATCH])})[0]
        for start in tqdm(range(0, len(crops), _BATCH), desc=label, unit="batch", disable=None)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, AGES), np.float32)
