"""The network as a run trains it: augmentation, network and optimiser joined for one phase, on one or more devices."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training.augment import Augment
from training.config import Phase, TrainingConfig
from training.labels import DataError
from training.model import CROP_PX, build_model, freeze_below
from training.targets import absolute_error, loss_for

__all__ = ["Learner", "choose_precision", "devices_scope"]


def choose_precision(asked: str) -> str:
    """The dtype policy of `auto`: bfloat16 where an accelerator is there, else float32.

    On processors without matrix units bfloat16 costs time, it does not save any.
    """
    return asked if asked != "auto" else ("mixed_bfloat16" if _accelerated() else "float32")


def _accelerated() -> bool:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    if backend == "jax":
        import jax

        return bool(jax.default_backend() != "cpu")
    import torch

    return bool(torch.cuda.is_available())


def devices_scope(devices: int) -> AbstractContextManager[Any]:
    """Where variables must be created: under MirroredStrategy where TensorFlow has several GPUs.

    `devices` 0 takes all there are. Without a GPU, 2 or more splits the processor into that many virtual
    devices, to try the way of many GPUs. Other backends use one device. Raises DataError where that cannot be.
    """
    if keras.backend.backend() != "tensorflow":
        if devices > 1:
            raise DataError(
                f"devices: {devices} needs the TensorFlow backend, this is {keras.backend.backend()}"
            )
        return nullcontext()
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        count = devices or len(gpus)
        names = [f"GPU:{i}" for i in range(count)]
    else:
        count = devices or 1
        names = [f"CPU:{i}" for i in range(count)]
        if count > 1:
            _split_processor(count)
    if count == 1:
        return nullcontext()
    scope: AbstractContextManager[Any] = tf.distribute.MirroredStrategy(names).scope()
    return scope


def _split_processor(count: int) -> None:
    import tensorflow as tf

    processor = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(
            processor, [tf.config.LogicalDeviceConfiguration()] * count
        )
    except (RuntimeError, ValueError):
        if len(tf.config.list_logical_devices("CPU")) < count:
            raise DataError(f"devices: TensorFlow runs already with fewer than {count} devices") from None


class Learner:
    """One phase's network, compiled. Variables keep their order from phase to phase and run to run."""

    def __init__(
        self, config: TrainingConfig, phase: Phase, *, phase_index: int, devices: int | None = None
    ) -> None:
        with devices_scope(config.devices if devices is None else devices):
            self.network = build_model(config.head, size_px=phase.size_px)
            freeze_below(self.network, phase.train_from)
            augment = Augment(
                config.augmentation,
                config.degradation,
                size_px=phase.size_px,
                seed=config.seed * 1000 + phase_index,
            )
            crops = keras.Input((CROP_PX, CROP_PX, 3), dtype="uint8", name="crops")
            self.model = keras.Model(crops, self.network(augment(crops)), name="training")
            how = config.optimiser
            optimiser = keras.optimizers.AdamW(
                learning_rate=how.rate, weight_decay=how.weight_decay, global_clipnorm=how.clip_norm or None
            )
            optimiser.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
            self.model.compile(
                optimizer=optimiser,
                loss=loss_for(config.head, config.loss),
                metrics=[absolute_error],
                # XLA has no kernel for TensorFlow's image warp on a processor, and JAX always compiles.
                jit_compile=keras.backend.backend() == "jax",
            )
            optimiser.build(self.model.trainable_variables)

    @property
    def weights(self) -> list[NDArray[Any]]:
        """The network's weights as arrays, in Keras' order (any picture size has the same)."""
        return [np.asarray(value) for value in self.network.get_weights()]

    def take_weights(self, values: Sequence[NDArray[Any]]) -> None:
        """Put weights of another size or another run in."""
        self.network.set_weights(list(values))

    def variables(self) -> list[NDArray[Any]]:
        """All state of model (weights, statistics, random generators) as arrays."""
        return [np.asarray(keras.ops.convert_to_numpy(v)) for v in self._model_variables()]

    def optimiser_variables(self) -> list[NDArray[Any]]:
        """All state of the optimiser as arrays."""
        return [np.asarray(keras.ops.convert_to_numpy(v)) for v in self.model.optimizer.variables]

    def restore(self, model: Sequence[NDArray[Any]], optimiser: Sequence[NDArray[Any]]) -> None:
        """Put the state of a checkpoint of the same phase back."""
        for variables, values in (
            (self._model_variables(), model),
            (self.model.optimizer.variables, optimiser),
        ):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def _model_variables(self) -> list[Any]:
        metrics = {id(v) for metric in self.model.metrics for v in metric.variables}
        return [v for v in self.model.variables if id(v) not in metrics]

    def fit_round(self, batches: Any, rate: float) -> tuple[float, float]:
        """Train over a round's batches at one learning rate; mean loss and mean absolute error of the round."""
        self.model.optimizer.learning_rate.assign(rate)
        told = self.model.fit(batches, epochs=1, verbose=0, shuffle=False).history
        return float(told["loss"][-1]), float(told["absolute_error"][-1])
