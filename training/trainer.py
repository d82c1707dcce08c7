"""A run from start to end: rounds of steps, validation, checkpoints, early stop, and what it leaves behind."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import keras

from training.batches import Round
from training.checkpoint import Checkpoint, RunningMean
from training.config import NO_FILE, TrainingConfig
from training.crops import CropSet
from training.curve import Curve, draw_curves
from training.from_bundle import from_bundle
from training.model import build_model, initialise
from training.network import Learner, choose_precision, devices_scope
from training.provenance import open_run
from training.refit import refit_head
from training.sampling import Sampler, sampling_weights
from training.schedule import phase_at, rate_at
from training.targets import targets
from training.validation import Figures, figures_of, predict

__all__ = ["WEIGHTS_FILE", "RunResult", "TrainingError", "train"]

WEIGHTS_FILE: Final = "age.weights.h5"
# The same before its last layer was refitted; only there where it was.
TRAINED_FILE: Final = "trained.weights.h5"
FEATURES_FILE: Final = "features.npy"


class TrainingError(RuntimeError):
    """A run cannot go on; what it had reached is kept in its checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run ended: best validation, the same after the refit, faces seen, and why it stopped.

    `stopped_by` is `budget` or `early_stop`; `refitted` is None where the last layer was left as it was.
    """

    best: Figures
    refitted: Figures | None
    best_step: int
    steps: int
    faces: int
    stopped_by: str


def train(
    config: TrainingConfig,
    *,
    resume: bool = False,
    progress: Callable[[float, str], None] = lambda _share, _told: None,
) -> RunResult:
    """Train by the configuration into `config.run`; `progress(share, told)` after every round.

    With `resume` a stopped run goes on from its checkpoint to the same curve; a run that has none starts. Raises
    DataError for data that cannot be used and TrainingError where a run breaks.
    """
    crops = CropSet.open(config.data)
    learn, judge = crops.only("train"), crops.only("val")
    if config.limit:
        learn = learn.limited(config.limit, seed=config.seed)
    devices_scope(config.devices)  # devices are split before the backend runs for the first time
    open_run(config, crops, resume=resume)
    keras.utils.set_random_seed(config.seed)
    keras.mixed_precision.set_global_policy(choose_precision(config.precision))
    return _Run(config, learn, judge, progress).go()


class _Run:
    def __init__(
        self, config: TrainingConfig, learn: CropSet, judge: CropSet, progress: Callable[[float, str], None]
    ) -> None:
        self._config, self._learn, self._judge, self._progress = config, learn, judge, progress
        weights = sampling_weights(learn.ages, learn.column("data_set"), config.sampling)
        self._sampler = Sampler(weights, batch=config.batch, seed=config.seed)
        self._targets = targets(learn.ages_min, learn.ages_max, sigma_years=config.loss.sigma_years)
        self._judged_by = build_model(config.head)
        self._step, self._spent_s, self._stale = 0, 0.0, 0
        self._best: tuple[int, Figures] | None = None
        self._start()

    def _start(self) -> None:
        config = self._config
        stored = Checkpoint.read(config.run)
        if stored is None:
            self._phase = 0
            self._learner = Learner(config, config.phases[0], phase_index=0)
            self._initialise()
            self._learner.take_weights(self._judged_by.get_weights())
            self._mean = RunningMean(config.optimiser.average, self._learner.weights)
            self._curve = Curve(config.run)
            return
        state = stored.state
        self._phase, self._step = state["phase"], state["step"]
        self._spent_s, self._stale = state["spent_s"], state["stale"]
        if state["best"] is not None:
            self._best = (state["best"]["step"], Figures(**state["best"]["figures"]))
        self._learner = Learner(config, config.phases[self._phase], phase_index=self._phase)
        self._learner.restore(stored.model, stored.optimiser)
        self._mean = RunningMean(config.optimiser.average, stored.mean)
        self._curve = Curve(config.run, state["curve"])

    def _initialise(self) -> None:
        init = self._config.init
        if init not in NO_FILE and Path(init).is_dir():
            from_bundle(self._judged_by, Path(init), self._learn)
        else:
            initialise(self._judged_by, init)

    def _total_steps(self) -> int:
        budget = self._config.budget
        if budget.steps is not None:
            return budget.steps
        assert budget.passes is not None
        return max(1, math.ceil(budget.passes * len(self._learn) / self._config.batch))

    def _share(self) -> float:
        minutes = self._config.budget.minutes
        return self._spent_s / (minutes * 60) if minutes is not None else self._step / self._total_steps()

    def go(self) -> RunResult:
        config = self._config
        saved_at, rounds, stopped_by = time.monotonic(), len(self._curve.rows), "budget"
        while (share := self._share()) < 1.0:
            began = time.monotonic()
            self._enter_phase(phase_at(share, config.phases))
            steps = self._round_steps()
            rate = rate_at(
                self._step, share, peak=config.optimiser.rate, warm_up_steps=config.optimiser.warm_up_steps
            )
            loss, mae = self._fit(steps, rate)
            self._step += steps
            self._mean.update(self._learner.weights, step=self._step, steps=steps)
            rounds += 1
            due = rounds % config.validate_every_rounds == 0
            self._spent_s += time.monotonic() - began
            figures = self._validate() if due or self._share() >= 1.0 else None
            self._note(rate, loss, mae, figures, steps * config.batch / (time.monotonic() - began))
            if self._stale >= config.patience:
                stopped_by = "early_stop"
                break
            if time.monotonic() - saved_at >= config.checkpoint_minutes * 60:
                self._save()
                saved_at = time.monotonic()
        return self._finish(stopped_by)

    def _enter_phase(self, index: int) -> None:
        """Thaw or resize: a new learner takes the weights over; the optimiser starts anew, the mean goes on."""
        if index == self._phase:
            return
        weights = self._learner.weights
        self._phase = index
        self._learner = Learner(self._config, self._config.phases[index], phase_index=index)
        self._learner.take_weights(weights)

    def _round_steps(self) -> int:
        """A round ends where the budget does."""
        if self._config.budget.minutes is not None:
            return self._config.round_steps
        return min(self._config.round_steps, self._total_steps() - self._step)

    def _fit(self, steps: int, rate: float) -> tuple[float, float]:
        batches = Round(self._learn, self._targets, self._sampler, first_step=self._step, steps=steps)
        loss, mae = self._learner.fit_round(batches, rate)
        if not math.isfinite(loss):
            raise TrainingError(
                f"step {self._step}..{self._step + steps}: the loss is {loss}. The checkpoint before is kept in "
                f"{self._config.run}; lower optimiser.rate or use precision: float32, and choose another `run`"
            )
        return loss, mae

    def _validate(self) -> Figures:
        self._judged_by.set_weights(self._mean.values)
        figures = figures_of(predict(self._judged_by, self._judge), self._judge)
        if self._best is None or figures.mae < self._best[1].mae:
            self._best, self._stale = (self._step, figures), 0
            waiting = self._config.run / f"new.{WEIGHTS_FILE}"
            self._judged_by.save_weights(waiting)
            waiting.replace(self._config.run / WEIGHTS_FILE)
            (self._config.run / TRAINED_FILE).unlink(missing_ok=True)
            (self._config.run / FEATURES_FILE).unlink(missing_ok=True)
        else:
            self._stale += 1
        return figures

    def _note(self, rate: float, loss: float, mae: float, figures: Figures | None, speed: float) -> None:
        faces = self._step * self._config.batch
        self._curve.add(
            {
                "step": self._step,
                "faces": faces,
                "passes": round(faces / len(self._learn), 3),
                "rate": rate,
                "size_px": self._config.phases[self._phase].size_px,
                "loss": loss,
                "train_mae": mae,
                "val_mae": figures.mae if figures else None,
                "val_cs5": figures.cs5 if figures else None,
                "val_miss_14_17": figures.miss_14_17 if figures else None,
                "faces_per_s": round(speed, 1),
            }
        )
        if figures:
            draw_curves(self._curve.rows, self._config.run / "curves.png")
        told = f"loss {loss:.3f}  train {mae:.2f}" + (f"  val {self._best[1].mae:.2f}" if self._best else "")
        self._progress(min(self._share(), 1.0), told)

    def _save(self) -> None:
        best = self._best and {"step": self._best[0], "figures": asdict(self._best[1])}
        state: dict[str, Any] = {
            "phase": self._phase,
            "step": self._step,
            "spent_s": self._spent_s,
            "stale": self._stale,
            "best": best,
            "curve": self._curve.rows,
        }
        Checkpoint(
            model=self._learner.variables(),
            optimiser=self._learner.optimiser_variables(),
            mean=self._mean.values,
            state=state,
        ).write(self._config.run)

    def _finish(self, stopped_by: str) -> RunResult:
        if self._best is None:
            self._validate()
        self._save()
        assert self._best is not None
        result = RunResult(
            best=self._best[1],
            refitted=self._refit() if self._config.refit.steps else None,
            best_step=self._best[0],
            steps=self._step,
            faces=self._step * self._config.batch,
            stopped_by=stopped_by,
        )
        _write(self._config.run / "result.json", asdict(result))
        return result

    def _refit(self) -> Figures:
        """From the best weights, also where an earlier end of this run was refitted otherwise."""
        run = self._config.run
        if not (run / TRAINED_FILE).is_file():
            shutil.copyfile(run / WEIGHTS_FILE, run / TRAINED_FILE)
        self._judged_by.load_weights(run / TRAINED_FILE)
        self._progress(1.0, "refitting the last layer")
        refit_head(
            self._judged_by,
            self._learn,
            self._config.refit,
            seed=self._config.seed,
            kept=run / FEATURES_FILE,
            mirrored=self._config.mirrored,
        )
        waiting = run / f"new.{WEIGHTS_FILE}"
        self._judged_by.save_weights(waiting)
        waiting.replace(run / WEIGHTS_FILE)
        return figures_of(predict(self._judged_by, self._judge, mirrored=self._config.mirrored), self._judge)


def _write(file: Path, told: dict[str, Any]) -> None:
    file.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
