"""The age network: Keras 3 ResNet50 with a head over the ages 0..100, on any Keras backend.

The network takes pictures that are already normalised (`normalise`), so that training may augment on
whole grey values first and the exported graph can carry the same three lines inside.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import keras
import numpy as np

from training.torch_kernels import with_torch_kernels

__all__ = [
    "AGES",
    "CROP_PX",
    "DEVIATION_RGB",
    "MEAN_RGB",
    "STAGES",
    "Head",
    "WeightsError",
    "ages_of",
    "build_model",
    "freeze_below",
    "initialise",
    "normalise",
]

Head = Literal["distribution", "scalar"]

AGES: Final = 101
CROP_PX: Final = 112
# ImageNet's mean and deviation of RGB in 0..1; the starting weights were trained with these.
MEAN_RGB: Final = (0.485, 0.456, 0.406)
DEVIATION_RGB: Final = (0.229, 0.224, 0.225)
STAGES: Final = ("conv1", "conv2", "conv3", "conv4", "conv5", "head")

_HEAD_LAYERS: Final[dict[Head, str]] = {"distribution": "ages", "scalar": "age"}


class WeightsError(ValueError):
    """A weights file is missing, is no weights file, or belongs to another network."""


def build_model(head: Head = "distribution", *, size_px: int = CROP_PX, dropout: float = 0.2) -> keras.Model:
    """An untrained network from RGB pictures, float `(n, size_px, size_px, 3)` out of `normalise`.

    `distribution` answers logits `(n, 101)` over the ages 0..100; `scalar` one age in years `(n, 1)`, not
    negative (the plain regressor that reference projects use). The answer is float32 under mixed precision
    too. Weights do not depend on `size_px`: train small first, then load into 112.
    """
    if head not in _HEAD_LAYERS:
        raise ValueError(f"head: expected one of {sorted(_HEAD_LAYERS)}, got {head!r}")
    base = keras.applications.ResNet50(
        include_top=False, weights=None, input_shape=(size_px, size_px, 3), pooling="avg"
    )
    features = keras.layers.Dropout(dropout)(base.output)
    if head == "distribution":
        answer = keras.layers.Dense(AGES, name="ages", dtype="float32")(features)
    else:
        # A random head starts near zero, where ReLU has no slope: begin at a grown-up's age instead.
        answer = keras.layers.Dense(
            1,
            activation="relu",
            bias_initializer=keras.initializers.Constant(30.0),
            name="age",
            dtype="float32",
        )(features)
    model = keras.Model(base.input, answer, name=f"age_resnet50_{head}")
    return with_torch_kernels(model) if keras.backend.backend() == "torch" else model


def normalise(rgb: Any) -> Any:
    """RGB grey values 0..255, `(…, 3)`, to what the network takes: `(x − mean·255) / (deviation·255)`.

    Works on numpy arrays and on tensors of the Keras backend; integers become float32.
    """
    mean = np.asarray(MEAN_RGB, np.float32) * 255.0
    deviation = np.asarray(DEVIATION_RGB, np.float32) * 255.0
    if isinstance(rgb, np.ndarray):
        return ((rgb.astype(np.float32) - mean) / deviation).astype(np.float32)
    return (keras.ops.cast(rgb, "float32") - mean) / deviation


def ages_of(answers: np.ndarray) -> np.ndarray:
    """Years `(n,)` from what either head answers: the mean of the distribution, or the scalar itself."""
    if answers.ndim != 2 or answers.shape[1] not in (1, AGES):
        raise ValueError(f"expected (n, {AGES}) logits or (n, 1) years, got {answers.shape}")
    if answers.shape[1] == 1:
        return answers[:, 0].astype(np.float64)
    logits = answers.astype(np.float64)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return np.asarray(p @ np.arange(AGES, dtype=np.float64))


def initialise(model: keras.Model, init: str | Path) -> None:
    """Fill a fresh network: `random` leaves it, `imagenet` takes Keras' backbone, a path its weights file.

    A file of the other head gives its backbone and leaves this head untrained. Files may hold float16
    (the starting weights do). Raises WeightsError where the file is missing or does not fit.
    """
    if str(init) == "random":
        return
    if str(init) == "imagenet":
        _load_imagenet(model)
        return
    path = Path(init)
    if not path.is_file():
        raise WeightsError(
            f"{path}: no such weights file; give random, imagenet, a file *.weights.h5 or a bundle's folder"
        )
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as wrong:
        if not _load_backbone(model, path):
            raise WeightsError(f"{path}: does not fit {model.name}: {wrong}") from wrong


def freeze_below(model: keras.Model, stage: str) -> int:
    """Train only `stage` and what comes after it; answers how many layers stay frozen.

    Frozen batch normalisation keeps its running statistics (Keras runs it in inference mode).
    """
    if stage not in STAGES:
        raise ValueError(f"stage: expected one of {STAGES}, got {stage!r}")
    first = STAGES.index(stage)
    frozen = 0
    for layer in model.layers:
        layer.trainable = _stage_of(layer.name) >= first
        frozen += not layer.trainable
    return frozen


def _stage_of(layer_name: str) -> int:
    for index, stage in enumerate(STAGES):
        if layer_name.startswith(f"{stage}_"):
            return index
    return STAGES.index("head") if layer_name in _HEAD_LAYERS.values() else 0


def _load_imagenet(model: keras.Model) -> None:
    try:
        donor = keras.applications.ResNet50(include_top=False, weights="imagenet", pooling="avg")
    except Exception as unreachable:  # Keras wraps whatever its downloader raised
        raise WeightsError(
            "imagenet: Keras could not get its ResNet50 weights; fetch them once where there is a network "
            f"(~/.keras/models), or start from random or a file: {unreachable}"
        ) from unreachable
    for layer in donor.layers:
        if layer.weights:
            model.get_layer(layer.name).set_weights(layer.get_weights())
    # Keras' weights expect BGR grey values less a mean; ours are RGB in units of a deviation. Both means
    # agree to half a grey value, so turning the first kernel is all that is needed.
    first = model.get_layer("conv1_conv")
    kernel, bias = first.get_weights()
    deviation = np.asarray(DEVIATION_RGB, np.float32) * 255.0
    first.set_weights([kernel[:, :, ::-1, :] * deviation[None, None, :, None], bias])


def _load_backbone(model: keras.Model, path: Path) -> bool:
    """Load from a file of the other head, if it is one."""
    other: Head = "scalar" if model.output_shape[-1] == AGES else "distribution"
    donor = build_model(other, size_px=model.input_shape[1])
    try:
        donor.load_weights(path)
    except (ValueError, OSError, KeyError):
        return False
    for layer in donor.layers:
        if layer.weights and layer.name not in _HEAD_LAYERS.values():
            model.get_layer(layer.name).set_weights(layer.get_weights())
    return True
