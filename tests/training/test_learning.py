"""Augmentation keeps faces faces, and the network with its loss can learn one batch by heart."""

from __future__ import annotations

from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from training import network
from training.augment import Augment
from training.config import Augmentation, Budget, Degradation, Loss, Optimiser, Phase, TrainingConfig
from training.crops import CropSet
from training.degrade import blurred, compressed, dark, noisy, small
from training.model import DEVIATION_RGB, MEAN_RGB, initialise
from training.network import Learner, choose_precision
from training.targets import absolute_error, loss_for, targets

PLAIN = Augmentation(
    flip=False, turn_deg=0, scale=0, shift=0, brightness=0, gamma=0, contrast=0, saturation=0, grey=0, erase=0
)
CLEAN = Degradation(small=0, blur=0, jpeg=0, noise=0, dark=0)


def grey_values(pictures: object) -> np.ndarray:
    values = np.asarray(keras.ops.convert_to_numpy(pictures))
    return values * (np.array(DEVIATION_RGB) * 255) + np.array(MEAN_RGB) * 255


@pytest.fixture(scope="module")
def crops(mini: CropSet) -> np.ndarray:
    return mini.only("train").take(np.arange(8))


def test_outside_training_a_crop_is_only_turned_to_rgb_and_normalised(crops: np.ndarray) -> None:
    made = Augment(Augmentation(), Degradation(), size_px=112, seed=1)(crops, training=False)
    assert grey_values(made) == pytest.approx(crops[..., ::-1].astype(float), abs=0.01)


def test_with_everything_off_training_changes_nothing(crops: np.ndarray) -> None:
    made = Augment(PLAIN, CLEAN, size_px=112, seed=1)(crops, training=True)
    assert grey_values(made) == pytest.approx(crops[..., ::-1].astype(float), abs=0.1)


def test_a_flip_is_the_mirror_picture(crops: np.ndarray) -> None:
    always = Augment(Augmentation(**{**_as_dict(PLAIN), "flip": True}), CLEAN, size_px=112, seed=5)
    made = grey_values(always(crops, training=True))
    straight = crops[..., ::-1].astype(float)
    ways = [
        "same" if np.abs(a - b).max() < 0.5 else "mirror" if np.abs(a - b[:, ::-1]).max() < 0.5 else "other"
        for a, b in zip(made, straight, strict=True)
    ]
    assert set(ways) == {"same", "mirror"}


def _as_dict(section: Augmentation) -> dict[str, float]:
    return {name: getattr(section, name) for name in Augmentation.__dataclass_fields__}


def test_augmented_faces_keep_their_size_and_stay_finite_at_another_size(crops: np.ndarray) -> None:
    made = np.asarray(
        keras.ops.convert_to_numpy(
            Augment(Augmentation(), Degradation(), size_px=80, seed=1)(crops, training=True)
        )
    )
    assert made.shape == (8, 80, 80, 3)
    assert np.isfinite(made).all()
    plain = np.asarray(
        keras.ops.convert_to_numpy(Augment(PLAIN, CLEAN, size_px=80, seed=1)(crops, training=True))
    )
    correlation = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(made, plain, strict=True)]
    assert float(np.median(np.abs(correlation))) > 0.3  # still the same faces


@pytest.mark.parametrize(
    ("change", "least"), [(small, 1), (blurred, 0.3), (compressed, 0.5), (noisy, 1), (dark, 20)]
)
def test_a_degradation_changes_every_picture_at_share_one_and_none_at_zero(
    change: object, least: float, crops: np.ndarray
) -> None:
    rgb = keras.ops.convert_to_tensor(crops[..., ::-1].astype("float32"))
    seed = keras.random.SeedGenerator(3)
    changed = np.asarray(keras.ops.convert_to_numpy(change(rgb, 1.0, seed)))  # type: ignore[operator]
    untouched = np.asarray(keras.ops.convert_to_numpy(change(rgb, 0.0, seed)))  # type: ignore[operator]

    moved = np.abs(changed - crops[..., ::-1]).mean(axis=(1, 2, 3))
    assert (moved > least).all()
    assert np.abs(untouched - crops[..., ::-1]).max() < 1e-3


def test_jpeg_as_ops_is_jpeg_of_some_quality(crops: np.ndarray) -> None:
    grey = np.stack([cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY) for crop in crops])
    given = keras.ops.convert_to_tensor(np.repeat(grey[..., None], 3, axis=-1).astype("float32"))
    made = keras.ops.convert_to_numpy(compressed(given, 1.0, keras.random.SeedGenerator(3)))
    ours = np.asarray(made)[..., 0]
    distances = []
    for quality in range(20, 76):
        coded = [cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1] for picture in grey]
        real = np.stack([cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) for data in coded]).astype(float)
        distances.append(np.abs(ours - real).mean(axis=(1, 2)))
    away = np.abs(ours - grey).mean(axis=(1, 2))
    assert (np.min(distances, axis=0) < 0.5).all()  # what rounding leaves
    assert (away > 1).all()


def test_the_loss_is_the_formula_by_hand() -> None:
    target = targets(np.array([30.0]), np.array([30.0]), sigma_years=2.0)
    logits = np.zeros((1, 101), np.float32)  # uniform: mean 50
    value = float(
        loss_for("distribution", Loss(sigma_years=2, absolute=0.1, outlier_years=0))(target, logits)[0]
    )
    assert value == pytest.approx(np.log(101) + 0.1 * 20, rel=1e-4)

    careful = float(
        loss_for("distribution", Loss(sigma_years=2, absolute=0.1, outlier_years=10))(target, logits)[0]
    )
    assert careful == pytest.approx(value * (10 / 20) ** 2, rel=1e-4)


def test_inside_an_interval_there_is_no_error() -> None:
    target = targets(np.array([20.0, 20.0]), np.array([29.0, 29.0]), sigma_years=2.0)
    years = np.array([[25.0], [33.0]], np.float32)

    assert np.asarray(keras.ops.convert_to_numpy(absolute_error(target, years))).tolist() == [0.0, 4.0]
    assert np.asarray(keras.ops.convert_to_numpy(loss_for("scalar", Loss())(target, years))).tolist() == [
        0.0,
        16.0,
    ]


@pytest.mark.parametrize(("accelerated", "chosen"), [(True, "mixed_bfloat16"), (False, "float32")])
def test_auto_mixes_precision_where_a_device_has_it(
    monkeypatch: pytest.MonkeyPatch, accelerated: bool, chosen: str
) -> None:
    monkeypatch.setattr(network, "_accelerated", lambda: accelerated)
    assert choose_precision("auto") == chosen
    assert choose_precision("mixed_float16") == "mixed_float16"


def test_one_batch_is_learnt_by_heart(mini: CropSet, shared: Path) -> None:
    part = mini.only("train")
    chosen = np.argsort(part.ages)[:: len(part) // 8][:8]
    config = TrainingConfig(
        data=mini.folder,
        run=mini.folder,
        budget=Budget(steps=1),
        augmentation=PLAIN,
        degradation=CLEAN,
        optimiser=Optimiser(rate=3e-4, weight_decay=0.0),
    )
    learner = Learner(config, Phase(share=1.0, size_px=64, train_from="conv5"), phase_index=0)
    initialise(learner.network, shared / "models" / "resnet50_faces.weights.h5")
    target = targets(part.ages_min[chosen], part.ages_max[chosen], sigma_years=2.0)
    pixels = part.take(chosen)

    errors: list[float] = []
    while len(errors) < 60 and min(errors[-1:], default=9.0) > 1.2:
        errors.append(float(learner.model.train_on_batch(pixels, target)[1]))

    assert errors[-1] < 1.5
    assert errors[0] > 3 * errors[-1]


def test_frozen_stages_do_not_move(mini: CropSet) -> None:
    config = TrainingConfig(data=mini.folder, run=mini.folder, budget=Budget(steps=1))
    learner = Learner(config, Phase(share=1.0, size_px=48, train_from="head"), phase_index=0)
    part = mini.only("train")
    before = learner.network.get_layer("conv5_block3_3_conv").get_weights()[0].copy()
    head = learner.network.get_layer("ages").get_weights()[0].copy()
    statistics = learner.network.get_layer("conv1_bn").get_weights()[2].copy()

    learner.model.train_on_batch(
        part.take(np.arange(8)), targets(part.ages_min[:8], part.ages_max[:8], sigma_years=2.0)
    )

    assert np.array_equal(before, learner.network.get_layer("conv5_block3_3_conv").get_weights()[0])
    assert np.array_equal(statistics, learner.network.get_layer("conv1_bn").get_weights()[2])
    assert not np.array_equal(head, learner.network.get_layer("ages").get_weights()[0])
