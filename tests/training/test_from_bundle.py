"""A bundle that a till runs becomes a network to train on from, and answers as before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from edge.age import MODEL_FILE
from edge.age.derive import derive_float
from training.config import Augmentation, Budget, Degradation, Optimiser, TrainingConfig, load_training_config
from training.crops import CropSet
from training.from_bundle import from_bundle
from training.model import WeightsError, ages_of, build_model, normalise
from training.trainer import train
from training.validation import predict

SHIPPED = Path(__file__).parents[2] / "edge" / "models" / "age"


@pytest.fixture(scope="module")
def network(mini: CropSet) -> keras.Model:
    taken = build_model()
    from_bundle(taken, SHIPPED, mini.only("train"))
    return taken


def test_the_network_judges_faces_as_the_bundles_float_twin_does(network: keras.Model, mini: CropSet) -> None:
    faces = mini.only("test").limited(32)
    crops = faces.take(np.arange(len(faces)))
    float_twin = derive_float((SHIPPED / MODEL_FILE).read_bytes(), "fp32")
    session = onnxruntime.InferenceSession(float_twin, providers=["CPUExecutionProvider"])

    (at_the_till,) = session.run(None, {"crops": crops})
    in_training = predict(network, crops, mirrored=True)  # as the shipped bundle reads

    assert ages_of(in_training) == pytest.approx(ages_of(at_the_till), abs=0.01)


def test_its_normalisation_knows_what_the_layers_answer_so_that_training_starts_where_the_bundle_ended(
    network: keras.Model, mini: CropSet
) -> None:
    """With the batch's own statistics instead of the running ones, as training computes, little changes."""
    faces = mini.only("train").limited(64)
    pictures = normalise(faces.take(np.arange(len(faces)))[..., ::-1])

    running = ages_of(np.asarray(keras.ops.convert_to_numpy(network(pictures, training=False))))
    of_the_batch = ages_of(np.asarray(keras.ops.convert_to_numpy(network(pictures, training=True))))

    assert np.abs(running - of_the_batch).mean() < 4.0
    assert np.corrcoef(running, of_the_batch)[0, 1] > 0.95


def test_kernels_are_as_long_as_trained_ones(network: keras.Model) -> None:
    for layer in network.layers:
        if layer.name.endswith("_conv"):
            kernel = np.asarray(keras.ops.convert_to_numpy(layer.kernel))
            length = np.sqrt(np.square(kernel).sum(axis=(0, 1, 2)))
            fresh = np.sqrt(2 * kernel.shape[2] / (kernel.shape[2] + kernel.shape[3]))
            assert length == pytest.approx(np.full(len(length), 2 * fresh), rel=1e-3)


def test_a_run_begins_at_the_bundle(mini: CropSet, tmp_path: Path) -> None:
    """A rate of nothing leaves the network where the bundle put it."""
    config = TrainingConfig(
        data=mini.folder,
        run=tmp_path / "run",
        init=str(SHIPPED),
        batch=8,
        budget=Budget(steps=1),
        round_steps=1,
        precision="float32",
        optimiser=Optimiser(rate=0.0, average=0.0),
        augmentation=Augmentation(),
        degradation=Degradation(),
    )
    result = train(config)
    fresh = train(replace(config, run=tmp_path / "fresh", init="random"))
    assert result.best.mae < 8 < fresh.best.mae


def test_a_configuration_finds_a_bundle_beside_itself_and_leaves_the_two_words_alone(tmp_path: Path) -> None:
    file = tmp_path / "training.yaml"
    found = []
    for init in ("age", "random", "imagenet"):
        file.write_text(f"data: crops\nrun: run\ninit: {init}\n")
        found.append(load_training_config(file).init)
    assert found == [str(tmp_path / "age"), "random", "imagenet"]


def test_a_folder_that_holds_no_int8_model_of_ours_is_refused(mini: CropSet, tmp_path: Path) -> None:
    crops = mini.only("train").limited(2)
    network = build_model()
    with pytest.raises(WeightsError, match=f"No such file.*{MODEL_FILE}.*give a bundle's folder"):
        from_bundle(network, tmp_path, crops)
    for other in (b"\x00 not a model", derive_float((SHIPPED / MODEL_FILE).read_bytes(), "fp32")):
        (tmp_path / MODEL_FILE).write_bytes(other)
        with pytest.raises(WeightsError, match=f"{MODEL_FILE}: no int8 age model"):
            from_bundle(network, tmp_path, crops)


def test_an_int8_model_of_other_layers_is_refused_by_the_name_it_lacks(mini: CropSet, tmp_path: Path) -> None:
    model = onnx.load(SHIPPED / MODEL_FILE)
    for tensor in model.graph.initializer:
        tensor.name = tensor.name.replace("conv3_block2_1_conv", "another")
    for node in model.graph.node:
        for names in (node.input, node.output):
            names[:] = [name.replace("conv3_block2_1_conv", "another") for name in names]
    onnx.save(model, tmp_path / MODEL_FILE)
    with pytest.raises(WeightsError, match=r"holds no 'conv3_block2_1_conv\.weight'"):
        from_bundle(build_model(), tmp_path, mini.only("train").limited(2))


def test_a_bundle_fits_neither_another_head_nor_another_size(mini: CropSet) -> None:
    for network in (build_model("scalar"), build_model(size_px=96)):
        with pytest.raises(WeightsError, match="fits a distribution head at 112 px"):
            from_bundle(network, SHIPPED, mini.only("train"))
