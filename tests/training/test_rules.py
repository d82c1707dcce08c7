"""The small rules of a run: rate, phases, sampling, targets, mean weights, settings."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.checkpoint import Checkpoint, CheckpointError, RunningMean
from training.config import (
    Boost,
    Budget,
    Phase,
    Sampling,
    SetBoost,
    TrainingConfig,
    load_training_config,
)
from training.labels import DataError
from training.sampling import Sampler, sampling_weights
from training.schedule import phase_at, rate_at
from training.targets import targets

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "training.yaml"


def test_the_rate_rises_then_follows_half_a_cosine_to_zero() -> None:
    def at(step: int, progress: float) -> float:
        return rate_at(step, progress, peak=1.0, warm_up_steps=10)

    assert at(0, 0.0) == pytest.approx(0.1)
    assert at(9, 0.0) == pytest.approx(1.0)
    assert at(50, 0.5) == pytest.approx(0.5)
    assert at(99, 1.0) == pytest.approx(0.0)


@given(st.floats(0, 1), st.floats(0, 1))
def test_after_the_warm_up_the_rate_never_rises(first: float, second: float) -> None:
    early, late = sorted((first, second))
    rates = [rate_at(1000, progress, peak=1.0, warm_up_steps=10) for progress in (early, late)]
    assert rates[1] <= rates[0] + 1e-12


def test_phases_follow_their_shares() -> None:
    phases = (Phase(share=0.25), Phase(share=0.5), Phase(share=0.25))
    assert [phase_at(progress, phases) for progress in (0, 0.24, 0.25, 0.7, 0.75, 1.0, 1.2)] == [
        0,
        0,
        1,
        1,
        2,
        2,
        2,
    ]


def test_balance_one_draws_every_age_the_same_and_zero_as_they_are() -> None:
    ages = np.array([20.0] * 80 + [60.0] * 20)

    nowhere = np.full(100, "")
    even = sampling_weights(ages, nowhere, Sampling(balance=1.0))
    plain = sampling_weights(ages, nowhere, Sampling(balance=0.0))

    assert even[ages == 20].sum() == pytest.approx(0.5)
    assert plain[ages == 20].sum() == pytest.approx(0.8)


def test_a_boost_multiplies_its_ages_and_nothing_else() -> None:
    ages = np.array([13.0, 17.0, 18.0, 40.0])
    weights = sampling_weights(
        ages, np.full(4, ""), Sampling(balance=0.0, boosts=(Boost(from_age=13, to_age=17, times=3.0),))
    )
    assert (weights / weights[2]).tolist() == pytest.approx([3, 3, 1, 1])


def test_a_data_set_drawn_more_often_is_drawn_so_on_top_of_the_boosts_of_its_ages() -> None:
    ages, sets = np.array([15.0, 40.0, 15.0, 40.0]), np.array(["small", "small", "large", "large"])
    sampling = Sampling(
        balance=0.0,
        boosts=(Boost(from_age=13, to_age=17, times=3.0),),
        sets=(SetBoost(data_set="small", times=2.0),),
    )
    weights = sampling_weights(ages, sets, sampling)
    assert (weights / weights[3]).tolist() == pytest.approx([6, 2, 3, 1])


def test_a_data_set_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(DataError, match="no face of the data set 'allages'; there are: allage, utkface"):
        sampling_weights(
            np.array([20.0, 30.0]),
            np.array(["utkface", "allage"]),
            Sampling(sets=(SetBoost(data_set="allages", times=2.0),)),
        )


def test_what_a_step_draws_depends_on_the_seed_and_the_step_alone() -> None:
    weights = np.full(50, 0.02)
    sampler = Sampler(weights, batch=16, seed=4)
    sampler.members(3)

    assert np.array_equal(sampler.members(7), Sampler(weights, batch=16, seed=4).members(7))
    assert not np.array_equal(sampler.members(7), sampler.members(8))


def test_draws_follow_the_weights() -> None:
    sampler = Sampler(np.array([0.7, 0.0, 0.3]), batch=20_000, seed=1)
    counted = np.bincount(sampler.members(0), minlength=3) / 20_000
    assert counted == pytest.approx([0.7, 0.0, 0.3], abs=0.02)


def test_a_plain_age_becomes_a_gaussian_and_an_interval_a_plateau() -> None:
    made = targets(np.array([30.0, 20.0]), np.array([30.0, 29.0]), sigma_years=2.0)

    gaussian, plateau = made[0, :101], made[1, :101]
    assert gaussian.argmax() == 30
    assert gaussian[28] / gaussian[30] == pytest.approx(math.exp(-0.5), rel=1e-3)
    assert np.ptp(plateau[20:30]) < 1e-6
    assert plateau[31] / plateau[29] == pytest.approx(math.exp(-0.5), rel=1e-3)
    assert made[:, 101:].tolist() == [[30.0, 30.0], [20.0, 29.0]]


@given(st.floats(0, 120), st.floats(0, 30))
def test_every_target_is_a_distribution(low: float, width: float) -> None:
    made = targets(np.array([low]), np.array([low + width]), sigma_years=2.0)
    assert made[0, :101].sum() == pytest.approx(1.0, abs=1e-5)
    assert 0 <= made[0, 101] <= made[0, 102] <= 100


def test_the_running_mean_is_the_mean_by_hand() -> None:
    mean = RunningMean(0.5, [np.array([0.0], np.float32)])
    mean.update([np.array([1.0], np.float32)], step=1000, steps=1)
    mean.update([np.array([1.0], np.float32)], step=1002, steps=2)
    assert mean.values[0][0] == pytest.approx(1 - 0.5**3)


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    stored = Checkpoint(
        model=[np.arange(3), np.eye(2, dtype=np.float32)],
        optimiser=[np.array(7, np.int64)],
        mean=[np.zeros(2)],
        state={"step": 3, "curve": [{"loss": 0.1, "val_mae": None}]},
    )
    stored.write(tmp_path)
    again = Checkpoint.read(tmp_path)

    assert again is not None
    assert again.state == stored.state
    assert [a.tolist() for a in again.model] == [a.tolist() for a in stored.model]
    assert again.optimiser[0].dtype == np.int64


def test_a_full_disk_keeps_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Checkpoint(model=[np.arange(3)], optimiser=[], mean=[], state={"step": 1})
    first.write(tmp_path)

    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(CheckpointError, match=r"No space left on device.*the one before is kept"):
        Checkpoint(model=[np.arange(9)], optimiser=[], mean=[], state={"step": 2}).write(tmp_path)

    kept = Checkpoint.read(tmp_path)
    assert kept is not None
    assert kept.state == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.npz"]


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.npz").write_bytes(b"PK torn")
    with pytest.raises(CheckpointError, match=r"checkpoint\.npz: damaged"):
        Checkpoint.read(tmp_path)


def test_the_shipped_configuration_is_read_with_paths_from_its_folder() -> None:
    config = load_training_config(CONFIG, {"limit": 100, "head": None})

    assert config.data == (CONFIG.parent / "../work/crops").resolve()
    assert Path(config.init).name == "resnet50_faces.weights.h5"
    assert config.optimiser.rate == 2.5e-4
    assert [phase.size_px for phase in config.phases] == [96, 112]
    assert config.limit == 100
    assert config.head == "distribution"


def test_the_second_round_goes_on_from_the_first_ones_weights_before_their_refit() -> None:
    first, again = load_training_config(CONFIG), load_training_config(CONFIG.with_name("training_again.yaml"))

    assert Path(again.init) == first.run / "trained.weights.h5"
    assert again.run != first.run
    assert again.loss.challenge > 0
    assert again.loss.minors > 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("data: a\nrun: b\nbatsch: 3", "batsch: no such setting"),
        ("data: a\nrun: b\noptimiser: {rate: fast}", r"optimiser\.rate: expected float, got 'fast'"),
        ("data: a\nrun: b\nhead: both", "head: expected one of distribution, scalar"),
        ("data: a\nrun: b\nbatch: 0", "batch: must be 1 or more"),
        ("data: a\nrun: b\nphases: [{share: 0.4}]", "shares must add up to 1, got 0.4"),
        ("data: a\nrun: b\nbudget: {steps: 3, minutes: 1}", "exactly one of passes, steps, minutes"),
        ("data: a\nrun: b\nsampling: {boosts: [{from_age: 3}]}", r"sampling\.boosts\[0\]: missing"),
        ("data: a", "missing"),
        ("- a", "expected keys and values"),
        ("a: [", "no YAML"),
    ],
)
def test_a_wrong_setting_is_named_with_its_key(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "training.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=told):
        load_training_config(file)


def test_a_configuration_survives_json() -> None:
    config = TrainingConfig(data=Path("a"), run=Path("b"), budget=Budget(steps=3))
    assert config.as_dict()["budget"] == {"passes": None, "steps": 3, "minutes": None}
    assert config.as_dict()["data"] == "a"


def test_a_further_round_goes_on_from_the_bundle_before_and_ends_reading_mirror_images() -> None:
    further = load_training_config(CONFIG.with_name("training_from_bundle.yaml"))

    assert Path(further.init).name == "age-1.4.0"
    assert further.mirrored
    assert [(chosen.data_set, chosen.times) for chosen in further.sampling.sets] == [("allage", 1.7)]
