"""Run a plan: train each variant once, judge it on all of `val`, keep what it answered, and tell the table so far."""

from __future__ import annotations

import gc
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from training.ablation.plan import BASE, LAST, MIRRORED, START, Plan, Variant
from training.ablation.table import Judged, figures_of
from training.checkpoint import CHECKPOINT_FILE, Checkpoint
from training.config import TrainingConfig
from training.crops import CropSet
from training.evaluation.degraded import DEGRADATIONS, degrade
from training.labels import DataError
from training.model import build_model, initialise
from training.network import Learner, choose_precision
from training.provenance import open_run, run_facts
from training.trainer import train
from training.validation import predict

__all__ = ["ablate"]

ANSWERS_FILE: Final = "answers.npz"
# The starting weights' backbone under an untrained last layer.
BACKBONE_FILE: Final = "backbone.weights.h5"
DEGRADED: Final = "degraded"
_WAY_OUT: Final = "choose another folder with --runs"
# What the base's run can tell besides at no cost.
_FREE: Final = {LAST: "the last weights, not their mean", MIRRORED: "each crop and its mirror image"}
_Logits = NDArray[np.float32]
_Pixels = NDArray[np.uint8]


def ablate(
    plan: Plan,
    *,
    tell: Callable[[dict[str, Any]], None],
    progress: Callable[[str, float, str], None] = lambda _name, _share, _told: None,
) -> dict[str, Any]:
    """Do what of the plan is not done yet; `tell` gets the table after every run, `progress` a run's share.

    A finished run is kept with its answers and not repeated, a stopped one goes on. Raises DataError where a
    folder holds a run of other settings, and what `train` raises.
    """
    crops = CropSet.open(plan.base.config.data)
    judge = crops.only("val", given=not crops.manifest["splits"]["seeded"])
    plan.runs.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {}
    views = _Views(judge)
    judged = _start(plan, crops, views)
    for variant in plan.variants:
        judged += _finished(variant, plan, crops, views, progress)
        told = _told(plan, crops, judge, judged)
        tell(told)
        gc.collect()  # Keras models hang in circles: each run would keep its network and its optimiser
    return told


class _Views:
    """The faces to judge on as BGR crops uint8 `(n, 112, 112, 3)`: as they are, mirrored, and degraded.

    Degraded they are in turn by each of `evaluate`'s ways, so that one reading tells of all.
    """

    def __init__(self, judge: CropSet) -> None:
        self._judge = judge

    @cached_property
    def plain(self) -> _Pixels:
        return self._judge.take(np.arange(len(self._judge)))

    @property
    def mirrored(self) -> _Pixels:
        return self.plain[:, :, ::-1]

    @cached_property
    def degraded(self) -> _Pixels:
        found = self.plain.copy()
        for i, name in enumerate(DEGRADATIONS):
            chosen = slice(i, None, len(DEGRADATIONS))
            if len(found[chosen]):
                found[chosen] = degrade(found[chosen], name)
        return found


def _start(plan: Plan, crops: CropSet, views: _Views) -> list[Judged]:
    """The starting weights as they are, where the base takes a trained last layer from them."""
    config, folder = plan.base.config, plan.runs / START
    if config.init in ("random", "imagenet"):
        return []
    file, made_from = folder / ANSWERS_FILE, {"init": config.init, "data": crops.manifest["files"]}
    if not file.is_file():
        keras.mixed_precision.set_global_policy("float32")
        network = build_model(config.head)
        initialise(network, config.init)
        folder.mkdir(exist_ok=True)
        read = {START: predict(network, views.plain), DEGRADED: predict(network, views.degraded)}
        _keep(file, read, made_from)
    answers, about = _read(file)
    if about != made_from:
        raise DataError(f"{folder}: answers of other weights or to other faces; {_WAY_OUT}")
    what = "starting weights, not trained"
    return [Judged(name=START, what=what, logits=answers[START], degraded=answers[DEGRADED])]


def _finished(
    variant: Variant, plan: Plan, crops: CropSet, views: _Views, progress: Callable[[str, float, str], None]
) -> list[Judged]:
    """Train and judge a variant, or read what it answered when it was."""
    config = _from_backbone(variant, plan)
    file = config.run / ANSWERS_FILE
    if file.is_file():
        open_run(config, crops, resume=True)  # refuses answers of other settings
    else:
        train(config, resume=True, progress=lambda share, told: progress(variant.name, share, told))
        progress(variant.name, 1.0, "reads val")
        stored = Checkpoint.read(config.run)
        assert stored is not None
        about = {"seconds": round(stored.state["spent_s"], 1), "steps": stored.state["step"]}
        _keep(file, _answers(variant, config, stored, views), about)
        (config.run / CHECKPOINT_FILE).unlink()  # some 380 MB that nothing reads any more
    answers, about = _read(file)
    own, degraded = answers[variant.name], answers[DEGRADED]
    rows = [Judged(name=variant.name, what=variant.what, logits=own, degraded=degraded, **about)]
    for name, what in _FREE.items():
        if name in answers:
            rows.append(Judged(name=name, what=f"{variant.what}: {what}", logits=answers[name]))
    return rows


def _from_backbone(variant: Variant, plan: Plan) -> TrainingConfig:
    """The variant's settings; where its last layer shall be new, they start from a file of the other head."""
    if not variant.new_head:
        return variant.config
    file = plan.runs / BACKBONE_FILE
    if not file.is_file():
        keras.mixed_precision.set_global_policy("float32")
        donor = build_model("scalar")
        initialise(donor, variant.config.init)
        waiting = file.with_name(f"new.{BACKBONE_FILE}")
        donor.save_weights(waiting)
        waiting.replace(file)
    return replace(variant.config, init=str(file))


def _answers(
    variant: Variant, config: TrainingConfig, stored: Checkpoint, views: _Views
) -> dict[str, _Logits]:
    """The mean weights' answers; for the base those of the last weights and with mirror images besides.

    The mean is that of the run's end, not of its best validation: `val` shall choose nothing that it judges.
    """
    last = _last_weights(config, stored) if variant.name == BASE else None
    keras.mixed_precision.set_global_policy("float32")  # as a bundle is exported
    network = build_model(config.head)
    network.set_weights(list(stored.mean))
    found = {variant.name: predict(network, views.plain), DEGRADED: predict(network, views.degraded)}
    if last is not None:
        found[MIRRORED] = (found[BASE] + predict(network, views.mirrored)) / 2
        network.set_weights(last)
        found[LAST] = predict(network, views.plain)
    return found


def _last_weights(config: TrainingConfig, stored: Checkpoint) -> list[NDArray[Any]]:
    """The network's weights after the last step, which a checkpoint holds among the whole model's variables."""
    keras.mixed_precision.set_global_policy(choose_precision(config.precision))
    phase = stored.state["phase"]
    learner = Learner(config, config.phases[phase], phase_index=phase)
    learner.restore(stored.model, stored.optimiser)
    return learner.weights


def _told(plan: Plan, crops: CropSet, judge: CropSet, judged: Sequence[Judged]) -> dict[str, Any]:
    base, done = plan.base.config, {row.name for row in judged}
    learnt = crops.only("train")
    faces = min(base.limit or len(learnt), len(learnt))
    steps = base.budget.steps or math.ceil((base.budget.passes or 0) * faces / base.batch)
    facts = run_facts(base, crops)
    return {
        "trained_on": {"faces": faces, "seen": steps * base.batch, "data": facts["data"]["files"]},
        "judged_on": {
            "split": "val",
            "faces": len(judge),
            "data_sets": dict(sorted(Counter(judge.column("data_set").tolist()).items())),
        },
        "base": facts["config"],
        "changes": {variant.name: variant.changes for variant in plan.variants[1:]},
        "git": facts["git"],
        "versions": facts["versions"],
        "rows": figures_of(judged, judge.ages, judge.column("data_set")),
        "unfinished": [variant.name for variant in plan.variants if variant.name not in done],
    }


def _keep(file: Path, answers: Mapping[str, _Logits], about: Mapping[str, Any]) -> None:
    waiting = file.with_name(file.name + ".new")
    with waiting.open("wb") as stream:
        np.savez(stream, about=np.array(json.dumps(about)), **answers)
    waiting.replace(file)


def _read(file: Path) -> tuple[dict[str, _Logits], dict[str, Any]]:
    with np.load(file) as stored:
        about = json.loads(str(stored["about"]))
        return {name: stored[name] for name in stored.files if name != "about"}, about
