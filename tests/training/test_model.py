"""The network is the one that the starting weights fit, and both heads answer in years."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from training.model import (
    WeightsError,
    ages_of,
    build_model,
    freeze_below,
    initialise,
    normalise,
)


@pytest.fixture(scope="module")
def started(shared: Path) -> keras.Model:
    model = build_model()
    initialise(model, shared / "models" / "resnet50_faces.weights.h5")
    return model


def test_the_starting_weights_fill_every_variable_and_tell_a_child_from_an_old_man(
    started: keras.Model, shared: Path
) -> None:
    import cv2

    faces = shared / "data" / "faces" / "utkface"
    child = sorted(faces.glob("5_*.webp"))[:8]
    old = sorted(faces.glob("80_*.webp"))[:8]
    # Chips are framed nearly as the crop contract frames a face: enough to tell 5 from 80.
    pictures = np.stack([cv2.resize(cv2.imread(str(p)), (112, 112)) for p in child + old])
    logits = np.asarray(started(normalise(pictures[..., ::-1]), training=False))

    years = ages_of(logits)
    assert logits.shape == (16, 101)
    assert np.median(years[:8]) + 30 < np.median(years[8:])


def test_a_scalar_head_takes_the_backbone_of_a_distribution_and_starts_at_a_grown_up(shared: Path) -> None:
    model = build_model("scalar", size_px=64)
    initialise(model, shared / "models" / "resnet50_faces.weights.h5")
    answer = np.asarray(model(np.zeros((2, 64, 64, 3), np.float32), training=False))
    assert answer.shape == (2, 1)
    assert 15 < ages_of(answer)[0] < 60
    assert np.asarray(model.get_layer("conv1_conv").kernel).std() > 1e-3


def test_keras_own_weights_see_the_same_pictures_as_where_they_were_trained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They want BGR less a mean, ours is RGB in deviations: the first kernel is turned, nothing else."""
    real = keras.applications.ResNet50
    keras.utils.set_random_seed(1)
    donor = real(include_top=False, weights=None, pooling="avg")
    asked: list[object] = []

    def downloaded(**options: object) -> keras.Model:
        asked.append(options["weights"])
        return donor if options["weights"] == "imagenet" else real(**options)  # type: ignore[arg-type]

    monkeypatch.setattr(keras.applications, "ResNet50", downloaded)
    model = build_model(size_px=64)
    initialise(model, "imagenet")
    assert asked == [None, "imagenet"]

    rgb = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.float32)
    theirs = np.asarray(donor(keras.applications.resnet50.preprocess_input(rgb.copy()), training=False))
    eye = keras.Model(model.input, model.get_layer("ages").input)
    ours = np.asarray(eye(normalise(rgb.astype(np.uint8)), training=False))
    np.testing.assert_allclose(ours, theirs, rtol=0.02, atol=0.01 * float(np.abs(theirs).max()))


def test_weights_that_cannot_be_fetched_are_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = keras.applications.ResNet50

    def offline(**options: object) -> keras.Model:
        if options["weights"] == "imagenet":
            raise OSError("no network")
        return real(**options)  # type: ignore[arg-type]

    monkeypatch.setattr(keras.applications, "ResNet50", offline)
    with pytest.raises(WeightsError, match=r"fetch them once where there is a network.*no network"):
        initialise(build_model(size_px=32), "imagenet")


def test_normalising_is_the_same_line_for_arrays_and_tensors() -> None:
    rgb = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    expected = (rgb / 255.0 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(normalise(rgb), expected, atol=1e-5)
    np.testing.assert_allclose(np.asarray(normalise(keras.ops.convert_to_tensor(rgb))), expected, atol=1e-5)


def test_the_mean_of_a_distribution_is_worked_out_by_hand() -> None:
    logits = np.full((1, 101), -1e9)
    logits[0, [20, 40]] = np.log([0.25, 0.75])
    assert ages_of(logits)[0] == pytest.approx(35.0)
    assert ages_of(np.array([[31.5]]))[0] == 31.5
    with pytest.raises(ValueError, match="101"):
        ages_of(np.zeros((3, 7)))


def test_freezing_below_a_stage_leaves_that_stage_and_the_head_trainable() -> None:
    model = build_model(size_px=32)
    assert freeze_below(model, "conv1") == 0
    assert freeze_below(model, "conv5") > 100
    assert not model.get_layer("conv4_block6_3_conv").trainable
    assert model.get_layer("conv5_block1_1_conv").trainable
    assert model.get_layer("ages").trainable
    freeze_below(model, "head")
    assert {layer.name for layer in model.layers if layer.trainable and layer.weights} == {"ages"}
    with pytest.raises(ValueError, match="conv9"):
        freeze_below(model, "conv9")


def test_weights_that_are_missing_or_of_something_else_are_named(tmp_path: Path) -> None:
    model = build_model(size_px=32)
    with pytest.raises(WeightsError, match="no such weights file"):
        initialise(model, tmp_path / "gone.weights.h5")
    text = tmp_path / "letter.weights.h5"
    text.write_text("dear reader")
    with pytest.raises(WeightsError, match=r"letter\.weights\.h5"):
        initialise(model, text)


def test_an_unknown_head_is_refused_with_the_choice() -> None:
    with pytest.raises(ValueError, match=r"distribution.*scalar"):
        build_model("median")  # type: ignore[arg-type]
