"""What a run was made from, written into its folder before the first step."""

from __future__ import annotations

import json
import platform
import subprocess
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from edge.face import CONTRACT
from training.config import Augmentation, Degradation, Loss, Optimiser, Sampling, TrainingConfig
from training.crops import CropSet
from training.labels import DataError

__all__ = ["git_state", "open_run", "run_facts"]


def git_state() -> dict[str, Any]:
    """Commit of the checkout that this code runs from and whether it was changed; nulls without git."""
    here = Path(__file__).resolve().parent

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(here), *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        return {
            "commit": git("rev-parse", "HEAD"),
            "changed": bool(git("status", "--porcelain", "--", here.name)),
        }
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "changed": None}


def run_facts(config: TrainingConfig, crops: CropSet) -> dict[str, Any]:
    """Seed, configuration, data manifest, contract, git state and versions."""
    import keras

    data = {k: v for k, v in crops.manifest.items() if k != "moved"} | {"moved": len(crops.manifest["moved"])}
    return {
        "format": 1,
        "seed": config.seed,
        "config": config.as_dict(),
        "contract": asdict(CONTRACT),
        "data": data,
        "git": git_state(),
        "versions": {
            "python": platform.python_version(),
            "keras": keras.__version__,
            "backend": f"{keras.backend.backend()} {version(_package(keras.backend.backend()))}",
        },
    }


def _package(backend: str) -> str:
    return {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}[backend]


def open_run(config: TrainingConfig, crops: CropSet, *, resume: bool) -> None:
    """Create the run's folder with `run.json`, or check that a stopped run there is the same one.

    Raises DataError where the folder holds another run: other data, or another setting than how long, where
    and how often it is logged.
    """
    file = config.run / "run.json"
    facts = run_facts(config, crops)
    if file.is_file():
        before = json.loads(file.read_text(encoding="utf-8"))
        changed = [key for key in _essential(facts) if _essential(facts)[key] != _essential(before).get(key)]
        if not resume:
            raise DataError(
                f"{config.run}: holds a run already; go on with --resume, or choose another `run`"
            )
        if changed:
            raise DataError(
                f"{config.run}: cannot be resumed with other {', '.join(changed)}; choose another `run`"
            )
        # The end may be done again, and the recipe tells what was done last.
        end = {key: facts["config"][key] for key in _OF_THE_END}
        if before["config"] | end != before["config"]:
            before["config"].update(end)
            waiting = file.with_suffix(".new")
            waiting.write_text(json.dumps(before, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            waiting.replace(file)
        return
    config.run.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


_OF_THE_END = ("refit", "mirrored")

_DEFAULTS = {
    name: asdict(kind())
    for name, kind in (
        ("loss", Loss),
        ("optimiser", Optimiser),
        ("sampling", Sampling),
        ("augmentation", Augmentation),
        ("degradation", Degradation),
    )
}


def _essential(facts: dict[str, Any]) -> dict[str, Any]:
    """What must not change between the parts of a run."""
    # A run of an older version knows fewer settings: those it lacks had what is their default now.
    free = {"run", "data", "checkpoint_minutes", "patience", "devices", *_OF_THE_END}
    settings = {
        key: _DEFAULTS[key] | value if key in _DEFAULTS else value
        for key, value in facts["config"].items()
        if key not in free
    }
    return json.loads(json.dumps({"contract": facts["contract"], "data": facts["data"]["files"], **settings}))  # type: ignore[no-any-return]
