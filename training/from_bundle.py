"""A bundle's int8 graph back as weights of the Keras network, to train on from what a till already runs.

A bundle holds no batch normalisation: it was folded into the convolutions, and colour order and deviation into the
first of them (`export/model/convert.py`). Here they are taken apart again. Which of the many pairs of kernel and
normalisation gave a folded kernel cannot be known and does not matter, since their answers are the same; kernels get
the length that trained ones have, so that an optimiser's steps are neither huge nor lost in them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import keras
import numpy as np
from numpy.typing import NDArray

from edge.age import MODEL_FILE, ModelFileError
from edge.age.derive import derive_float
from training.crops import CropSet
from training.model import AGES, CROP_PX, DEVIATION_RGB, WeightsError, normalise

__all__ = ["from_bundle"]

_DEQUANTISED: Final = "_DequantizeLinear_Output"
_HEAD_LAYER: Final = "ages"
_HEAD_NODE: Final = "gemm"
_CROPS: Final = 512
_BATCH: Final = 32
# Trained kernels of this network are one to three times as long as Glorot's fresh ones (the shipped ones, 2026-11).
_LENGTH: Final = 2.0
_F32 = NDArray[np.float32]


def from_bundle(network: keras.Model, bundle: Path, crops: CropSet) -> None:
    """Fill a fresh network with a distribution head so that it answers as the bundle's float twin does.

    `crops` give the running statistics of the batch normalisation: 512 of them, evenly taken. Raises WeightsError
    where the folder holds no int8 age model of this network.
    """
    if tuple(network.input_shape[1:]) != (CROP_PX, CROP_PX, 3) or network.output_shape[-1] != AGES:
        raise WeightsError(f"{bundle}: a bundle fits a distribution head at {CROP_PX} px, not {network.name}")
    folded = _Folded(bundle / MODEL_FILE)
    convolutions = [layer for layer in network.layers if layer.name.endswith("_conv")]
    for layer in convolutions:
        _put(folded, layer, _normaliser(network, layer))
    network.get_layer(_HEAD_LAYER).set_weights(folded.pair(_HEAD_NODE))
    _settle(network, convolutions, crops)


class _Folded:
    """Kernels and biases of a bundle's float twin, by the names that `export-model` gives."""

    def __init__(self, path: Path) -> None:
        import onnx

        self._path = path
        try:
            graph = onnx.load_from_string(derive_float(path.read_bytes(), "fp32")).graph
        except (OSError, ModelFileError) as wrong:
            raise WeightsError(f"{path}: no int8 age model ({wrong}); give a bundle's folder") from wrong
        self._values = {
            tensor.name.removesuffix(_DEQUANTISED): onnx.numpy_helper.to_array(tensor)
            for tensor in graph.initializer
        }

    def pair(self, node: str) -> list[_F32]:
        """Kernel as ONNX stores it, and bias."""
        try:
            return [np.asarray(self._values[f"{node}.{kind}"], np.float32) for kind in ("weight", "bias")]
        except KeyError as missing:
            raise WeightsError(
                f"{self._path}: holds no {missing}; only bundles of `checkout-age export-model` can be trained on"
            ) from missing


def _normaliser(network: keras.Model, convolution: keras.Layer) -> keras.Layer:
    return network.get_layer(f"{convolution.name.removesuffix('_conv')}_bn")


def _put(folded: _Folded, layer: keras.Layer, normaliser: keras.Layer) -> None:
    """The folded kernel as it is, before a normalisation that does nothing yet."""
    first = layer.name == "conv1_conv"
    kernel, bias = folded.pair("conv1_conv_conv" if first else layer.name)
    kernel = kernel.transpose(2, 3, 1, 0)
    if first:
        kernel = kernel[:, :, ::-1] * (np.asarray(DEVIATION_RGB, np.float32) * 255.0)[:, None]
    if kernel.shape != tuple(layer.kernel.shape):
        raise WeightsError(
            f"{layer.name}: the bundle's kernel is {kernel.shape}, the network's {layer.kernel.shape}"
        )
    channels = kernel.shape[-1]
    layer.set_weights([kernel, bias])
    normaliser.set_weights(
        [
            np.ones(channels),
            np.zeros(channels),
            np.zeros(channels),
            np.full(channels, 1.0 - normaliser.epsilon),
        ]
    )


def _settle(network: keras.Model, convolutions: list[keras.Layer], crops: CropSet) -> None:
    """Give every normalisation the statistics of its input, and take them out again by its scale and shift."""
    seen = _statistics(network, convolutions, crops)
    for layer, (mean, variance) in zip(convolutions, seen, strict=True):
        normaliser = _normaliser(network, layer)
        kernel, bias = (np.asarray(keras.ops.convert_to_numpy(value)) for value in layer.weights)
        length = np.sqrt(np.sum(np.square(kernel), axis=(0, 1, 2)))
        fresh = np.sqrt(2.0 * kernel.shape[2] / (kernel.shape[2] + kernel.shape[3]))
        by = np.where(length > 0, _LENGTH * fresh / np.maximum(length, 1e-12), 1.0).astype(np.float32)
        deviation = np.sqrt(variance * by**2 + normaliser.epsilon)
        layer.set_weights([kernel * by, bias * by])
        normaliser.set_weights([deviation / by, mean, mean * by, variance * by**2])


def _statistics(
    network: keras.Model, convolutions: list[keras.Layer], crops: CropSet
) -> list[tuple[_F32, _F32]]:
    """Mean and variance per channel of what every convolution answers."""
    eye = keras.Model(network.input, [layer.output for layer in convolutions])
    members = np.unique(np.linspace(0, len(crops) - 1, _CROPS).astype(np.int64))
    sums: list[list[NDArray[np.float64]]] = [[] for _ in convolutions]
    for start in range(0, len(members), _BATCH):
        answers = eye.predict_on_batch(normalise(crops.take(members[start : start + _BATCH])[..., ::-1]))
        for told, answer in zip(sums, answers, strict=True):
            rows = np.asarray(answer, np.float64).reshape(-1, answer.shape[-1])
            told.append(np.stack([np.full(rows.shape[1], len(rows)), rows.sum(0), np.square(rows).sum(0)]))
    out = []
    for told in sums:
        count, total, squares = np.sum(told, axis=0)
        mean = total / count
        out.append((np.float32(mean), np.float32(np.maximum(squares / count - mean**2, 0.0))))
    return out
