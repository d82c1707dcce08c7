"""The last layer is fitted once more: to how often ages come, and to what the till asks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from training.config import Budget, Loss, Refit, Sampling, TrainingConfig
from training.crops import CropSet
from training.evaluation.candidate import open_candidate
from training.labels import DataError
from training.model import AGES, build_model
from training.refit import features_of, refit_head
from training.targets import loss_for, targets
from training.trainer import FEATURES_FILE, TRAINED_FILE, WEIGHTS_FILE, train
from training.validation import predict


def told_by(loss: Loss, ages: list[float], logits: np.ndarray) -> np.ndarray:
    years = np.array(ages)
    given = loss_for("distribution", loss)(
        keras.ops.convert_to_tensor(targets(years, years, sigma_years=2.0)),
        keras.ops.convert_to_tensor(logits),
    )
    return np.asarray(keras.ops.convert_to_numpy(given))


def test_a_minor_judged_grown_up_costs_more_by_the_years_above_24() -> None:
    at_30 = np.full((2, AGES), -50.0, np.float32)
    at_30[:, 30] = 50.0
    plain = told_by(Loss(), [16.0, 18.0], at_30)
    weighed = told_by(Loss(minors=0.5), [16.0, 18.0], at_30)
    assert weighed - plain == pytest.approx([0.5 * (30 - 24), 0.0], abs=1e-3)


def test_being_under_the_challenge_age_costs_its_cross_entropy() -> None:
    even = np.full((2, AGES), -50.0, np.float32)
    even[:, [20, 40]] = 0.0
    plain = told_by(Loss(), [20.0, 40.0], even)
    weighed = told_by(Loss(challenge=2.0), [20.0, 40.0], even)
    assert weighed - plain == pytest.approx([2 * np.log(2), 2 * np.log(2)], abs=1e-3)


def test_features_are_those_of_the_face_and_of_its_mirror_image(mini: CropSet, tmp_path: Path) -> None:
    few = mini.only("train").limited(5)
    network = build_model()
    kept = tmp_path / "features.npy"
    found = features_of(network, few, kept=kept)
    assert found.shape == (10, 2048)
    assert not np.allclose(found[:5], found[5:])
    assert np.array_equal(features_of(network, few, kept=kept), found)


def test_a_refit_learns_how_often_ages_come(mini: CropSet) -> None:
    """A layer that says all ages alike answers with the middle of the faces that it saw."""
    few = mini.only("train").limited(64)
    network = build_model()
    network.get_layer("ages").set_weights([np.zeros((2048, AGES), np.float32), np.zeros(AGES, np.float32)])
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2 * len(few), 2048)).astype(np.float32) * 1e-3
    kept = Path(few.folder) / "noise.npy"
    np.save(kept, features)
    how = Refit(steps=300, batch=64, rate=0.05, pull=1.0, sampling=Sampling(balance=0.0))
    refit_head(network, few, how, seed=1, kept=kept)
    bias = np.asarray(keras.ops.convert_to_numpy(network.get_layer("ages").bias))
    p = np.exp(bias) / np.exp(bias).sum()
    assert float(p @ np.arange(AGES)) == pytest.approx(float(few.ages.mean()), abs=4.0)


@pytest.fixture
def small(mini: CropSet, tmp_path: Path) -> TrainingConfig:
    return TrainingConfig(
        data=mini.folder, run=tmp_path / "run", limit=16, batch=8, budget=Budget(steps=2), round_steps=2
    )


def test_a_finished_run_can_be_refitted_otherwise(small: TrainingConfig) -> None:
    assert train(small).refitted is None
    plain = (small.run / WEIGHTS_FILE).read_bytes()
    refit = Refit(steps=3, batch=8, rate=0.05)
    first = train(replace(small, refit=refit), resume=True)
    assert first.refitted is not None
    assert (small.run / TRAINED_FILE).read_bytes() == plain
    assert (small.run / WEIGHTS_FILE).read_bytes() != plain
    assert (small.run / FEATURES_FILE).is_file()
    again = train(replace(small, refit=refit), resume=True)
    assert again.refitted == first.refitted
    recipe = json.loads((small.run / "run.json").read_text())["config"]["refit"]
    assert recipe["steps"] == 3, "the recipe that goes into a bundle tells the refit that made its weights"
    assert json.loads((small.run / "result.json").read_text())["refitted"]["mae"] == first.refitted.mae


def test_a_scalar_head_cannot_be_refitted(small: TrainingConfig) -> None:
    with pytest.raises(DataError, match="refit: needs head: distribution"):
        replace(small, head="scalar", refit=Refit(steps=1))


def test_a_mirrored_refit_learns_from_the_mean_of_a_face_and_its_mirror_image(
    mini: CropSet, tmp_path: Path
) -> None:
    """Features that differ only between the two sides teach nothing then."""
    few = mini.only("train").limited(64)
    side = np.random.default_rng(1).normal(size=(64, 2048)).astype(np.float32)
    kept = tmp_path / "features.npy"
    np.save(kept, np.concatenate([side, -side]))
    how = Refit(steps=20, batch=64, rate=0.05, pull=0.0, sampling=Sampling(balance=0.0))

    moved = {}
    for mirrored in (False, True):
        network = build_model()
        before = np.asarray(keras.ops.convert_to_numpy(network.get_layer("ages").kernel))
        refit_head(network, few, how, seed=1, kept=kept, mirrored=mirrored)
        moved[mirrored] = np.abs(np.asarray(network.get_layer("ages").get_weights()[0]) - before).max()
    assert moved[False] > 0.01
    assert moved[True] == 0.0


def test_a_mirrored_prediction_is_the_mean_of_both_sides_and_blind_to_which_is_which(mini: CropSet) -> None:
    crops = mini.only("val").take(np.arange(5))
    network = build_model()
    turned = np.ascontiguousarray(crops[:, :, ::-1])

    both = predict(network, crops, mirrored=True)

    assert both == pytest.approx((predict(network, crops) + predict(network, turned)) / 2, abs=1e-5)
    assert both == pytest.approx(predict(network, turned, mirrored=True), abs=1e-5)


def test_a_run_that_is_said_to_read_mirrored_only_at_its_end_is_evaluated_so(
    small: TrainingConfig, mini: CropSet
) -> None:
    train(small)
    assert json.loads((small.run / "run.json").read_text())["config"]["mirrored"] is False
    train(replace(small, mirrored=True), resume=True)
    assert json.loads((small.run / "run.json").read_text())["config"]["mirrored"] is True

    network = build_model()
    network.load_weights(small.run / WEIGHTS_FILE)
    crops = mini.only("test").take(np.arange(5))
    evaluated = open_candidate(small.run).open["keras"]()(crops)

    assert evaluated == pytest.approx(predict(network, crops, mirrored=True), abs=1e-4)
    assert np.abs(evaluated - predict(network, crops)).max() > 1e-3
