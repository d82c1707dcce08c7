"""Tiny real runs: they learn, resume to the same curve after a kill, and break with a reason.

A run is a process of its own, because a Keras backend is chosen once a process.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from training.checkpoint import Checkpoint
from training.config import load_training_config
from training.crops import CropSet
from training.network import Learner
from training.trainer import TrainingError, train

COMMAND = [
    sys.executable,
    "-c",
    "import sys; from edge.cli import main; sys.exit(main(sys.argv[1:]))",
    "train",
]
SMALL: dict[str, Any] = {
    "init": "random",
    "batch": 8,
    "limit": 64,
    "round_steps": 2,
    "validate_every_rounds": 2,
    "checkpoint_minutes": 0.0,
    "phases": [{"share": 1.0, "size_px": 48}],
}


def write_config(folder: Path, crops: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "training.yaml"
    file.write_text(yaml.safe_dump({**SMALL, "data": str(crops), "run": str(folder / "run"), **changes}))
    return file


def start(
    config: Path, *more: str, backend: str = "tensorflow", under: Sequence[str] = ()
) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    return subprocess.Popen(
        [*under, *COMMAND, "--config", str(config), *more],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(config: Path, *more: str, backend: str = "tensorflow") -> tuple[int, str, str]:
    process = start(config, *more, backend=backend)
    out, err = process.communicate(timeout=900)
    return process.returncode, out, err


def evaluate(run: Path, crops: Path, report: Path) -> subprocess.CompletedProcess[str]:
    words = ["evaluate", run, "--data", crops, "--split", "val", "--quick", "--out", report]
    return subprocess.run(
        [*COMMAND[:-1], *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": "tensorflow"},
    )


def curve(
    run: Path, columns: Sequence[str] = ("step", "loss", "train_mae", "val_mae")
) -> list[list[float | None]]:
    with (run / "curve.csv").open(newline="") as stream:
        return [[float(row[c]) if row[c] else None for c in columns] for row in csv.DictReader(stream)]


def test_a_killed_run_resumes_to_the_same_curve(mini: CropSet, tmp_path: Path) -> None:
    """The kill falls into the second phase: other picture size, other layers learn, the optimiser began anew."""
    phases = [
        {"share": 0.4, "size_px": 32, "train_from": "conv5"},
        {"share": 0.6, "size_px": 48, "train_from": "conv4"},
    ]
    whole = write_config(tmp_path / "whole", mini.folder, budget={"steps": 14}, phases=phases)
    killed = write_config(tmp_path / "killed", mini.folder, budget={"steps": 14}, phases=phases)
    code, out, err = finish(whole)
    assert code == 0, err
    assert "val MAE" in out

    process = start(killed)
    while process.poll() is None and rounds_of(tmp_path / "killed" / "run") < 5:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    code, _, err = finish(killed, "--resume")
    assert code == 0, err

    first, second = curve(tmp_path / "whole" / "run"), curve(tmp_path / "killed" / "run")
    assert [row[0] for row in second] == [2, 4, 6, 8, 10, 12, 14]
    assert [row[0] for row in curve(tmp_path / "killed" / "run", ("size_px",))] == [32] * 3 + [48] * 4
    for expected, found in zip(first, second, strict=True):
        assert [value is None for value in found] == [value is None for value in expected]
        known = [value for value in expected if value is not None]
        # Threads add in another order.
        assert [value for value in found if value is not None] == pytest.approx(known, rel=2e-3)


def rounds_of(run: Path) -> int:
    """Rounds that the curve of a run in progress shows."""
    file = run / "curve.csv"
    return max(0, len(file.read_text().splitlines()) - 1) if file.is_file() else 0


def test_a_run_folder_says_what_it_was_made_from(mini: CropSet, tmp_path: Path) -> None:
    config = write_config(
        tmp_path,
        mini.folder,
        budget={"steps": 4},
        phases=[{"share": 0.5, "size_px": 48, "train_from": "conv5"}, {"share": 0.5, "size_px": 64}],
    )
    code, _, err = finish(config)
    assert code == 0, err
    run = tmp_path / "run"

    facts = json.loads((run / "run.json").read_text())
    assert facts["contract"] == mini.manifest["contract"]
    assert facts["data"]["files"] == mini.manifest["files"]
    assert facts["seed"] == 1
    assert set(facts["git"]) == {"commit", "changed"}
    assert facts["versions"]["backend"].startswith("tensorflow")
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert list((run / "tensorboard").iterdir())
    assert [row[0] for row in curve(run, ("size_px",))] == [48, 64]
    assert json.loads((run / "result.json").read_text())["stopped_by"] == "budget"

    report = tmp_path / "report"
    done = evaluate(run, mini.folder, report)
    assert done.returncode == 0, done.stderr
    told = json.loads((report / "figures.json").read_text())
    assert (told["variant"], told["n"]) == ("keras", len(mini.only("val", given=True)))
    assert told["challenge25"]["tau"]["tau"] is None
    assert told["conclusions"]["challenge"]["verdict"] != "yes"  # whatever it says: a run has no τ
    assert "export it to a bundle" in (report / "index.html").read_text(encoding="utf-8")

    code, _, err = finish(config)
    assert code == 2
    assert "go on with --resume" in err
    code, _, err = finish(write_config(tmp_path, mini.folder, budget={"steps": 4}, batch=4), "--resume")
    assert code == 2
    assert "cannot be resumed with other batch" in err


def test_jax_trains_unchanged(mini: CropSet, tmp_path: Path) -> None:
    config = write_config(tmp_path, mini.folder, budget={"steps": 4})
    code, _, err = finish(config, backend="jax")

    assert code == 0, err
    assert json.loads((tmp_path / "run" / "run.json").read_text())["versions"]["backend"].startswith("jax")
    assert all(np.isfinite(row[1] or np.nan) for row in curve(tmp_path / "run"))


MIRRORED = """
import sys
from pathlib import Path
import numpy as np
import tensorflow as tf
from training import network, trainer
from training.config import load_training_config

made = []
real = network.Learner.__init__
def noted(self, *given, **named):
    real(self, *given, **named)
    made.append(self)
network.Learner.__init__ = noted
trainer.train(load_training_config(Path(sys.argv[1])))
(learner,) = made
assert learner.model.distribute_strategy.num_replicas_in_sync == 2, "one device only"
for variable in learner.network.trainable_variables:
    first, second = variable.value.values
    assert first.device != second.device
    assert np.array_equal(first.numpy(), second.numpy()), variable.path
"""


def test_two_devices_mirror_each_other(mini: CropSet, tmp_path: Path) -> None:
    """Each sees half of a batch, and both hold the same weights after it."""
    config = write_config(tmp_path, mini.folder, budget={"steps": 4}, devices=2)
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED, str(config)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )

    assert done.returncode == 0, done.stderr[-2000:]
    assert curve(tmp_path / "run")[-1][0] == 4


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_checkpoint(
    mini: CropSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two rounds went well, the third is no number: what the second left can go on."""
    config = load_training_config(write_config(tmp_path, mini.folder, budget={"steps": 12}))
    real, rounds = Learner.fit_round, iter([True, True, False])

    def fit_round(learner: Learner, batches: Any, rate: float) -> tuple[float, float]:
        return real(learner, batches, rate) if next(rounds) else (float("nan"), float("nan"))

    monkeypatch.setattr(Learner, "fit_round", fit_round)
    with pytest.raises(TrainingError, match=r"step 4\.\.6: the loss is nan\. The checkpoint before is kept"):
        train(config)
    kept = Checkpoint.read(tmp_path / "run")
    assert kept is not None
    assert kept.state["step"] == 4
    assert all(np.isfinite(value).all() for value in kept.model)


def test_a_rate_that_is_too_high_says_what_to_change(mini: CropSet, tmp_path: Path) -> None:
    config = write_config(
        tmp_path,
        mini.folder,
        budget={"steps": 12},
        optimiser={"rate": 1e30, "warm_up_steps": 0, "clip_norm": 0},
    )
    code, _, err = finish(config)

    assert code == 1
    assert "the loss is" in err
    assert "lower optimiser.rate" in err


def test_a_run_that_gets_no_better_stops_early(mini: CropSet, tmp_path: Path) -> None:
    config = write_config(
        tmp_path, mini.folder, budget={"steps": 40}, patience=1, optimiser={"rate": 0.0, "average": 0.0}
    )
    code, out, err = finish(config, "--head", "scalar")

    assert code == 0, err
    assert "stopped by early stop" in out
    assert json.loads((tmp_path / "run" / "result.json").read_text())["steps"] < 40
    assert (tmp_path / "run" / "age.weights.h5").is_file()


def test_a_full_disk_ends_the_run_with_the_way_out_and_the_checkpoint_before_is_kept(
    mini: CropSet, tmp_path: Path
) -> None:
    config = write_config(tmp_path, mini.folder, budget={"steps": 2})
    code, _, err = finish(config)
    assert code == 0, err
    kept = (tmp_path / "run" / "checkpoint.npz").read_bytes()
    # No file may grow over 1 MB: what a full disk does to a checkpoint, without filling a disk.
    limited = start(config, "--resume", under=("prlimit", "--fsize=1000000"))
    _, err = limited.communicate(timeout=900)

    assert limited.returncode == 1
    assert "the checkpoint could not be written" in err
    assert "Make room" in err
    assert (tmp_path / "run" / "checkpoint.npz").read_bytes() == kept


def test_crops_without_a_val_split_are_refused(mini: CropSet, tmp_path: Path) -> None:
    other = Path(shutil.copytree(mini.folder, tmp_path / "crops"))
    with (other / "table.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (other / "table.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(row | {"split": row["split"].replace("val", "train")} for row in rows)
    code, _, err = finish(write_config(tmp_path, other, budget={"steps": 2}))

    assert code == 2
    assert "the split 'val' is empty; there are: test, train" in err


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"data": "/nowhere"}, "no prepared crops"),
        ({"init": "/nowhere.weights.h5"}, "no such weights file"),
    ],
)
def test_what_cannot_start_says_why(
    mini: CropSet, tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    code, _, err = finish(write_config(tmp_path, mini.folder, budget={"steps": 2}, **changes))

    assert code == 2
    assert told in err
    assert "Traceback" not in err
