"""Everything a stopped run needs to go on to the same curve, in one file that is whole or the one before."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["CHECKPOINT_FILE", "Checkpoint", "CheckpointError", "RunningMean"]

CHECKPOINT_FILE: Final = "checkpoint.npz"
_GROUPS: Final = ("model", "optimiser", "mean")


class CheckpointError(RuntimeError):
    """A checkpoint cannot be written or read; the one before is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Variables in their model's order, and `state`: plain numbers and lists that JSON can carry."""

    model: Sequence[NDArray[Any]]
    optimiser: Sequence[NDArray[Any]]
    mean: Sequence[NDArray[Any]]
    state: Mapping[str, Any]

    def write(self, folder: Path) -> None:
        """Replace the folder's checkpoint in one move. Raises CheckpointError where it cannot be written."""
        arrays = {
            f"{group}_{i:04d}": value for group in _GROUPS for i, value in enumerate(getattr(self, group))
        }
        waiting = folder / (CHECKPOINT_FILE + ".new")
        try:
            with waiting.open("wb") as file:
                np.savez(file, state=np.array(json.dumps(self.state)), **arrays)
            waiting.replace(folder / CHECKPOINT_FILE)
        except OSError as full:
            waiting.unlink(missing_ok=True)
            raise CheckpointError(
                f"{folder}: the checkpoint could not be written ({full.strerror}); the one before is kept. "
                "Make room and start the same command again"
            ) from full

    @classmethod
    def read(cls, folder: Path) -> Checkpoint | None:
        """The folder's checkpoint, or None where there is none yet."""
        file = folder / CHECKPOINT_FILE
        if not file.is_file():
            return None
        try:
            with np.load(file) as stored:
                groups = {
                    group: [stored[name] for name in sorted(stored.files) if name.startswith(f"{group}_")]
                    for group in _GROUPS
                }
                return cls(**groups, state=json.loads(str(stored["state"])))
        except (OSError, ValueError, KeyError, EOFError) as damaged:
            raise CheckpointError(
                f"{file}: damaged ({damaged}); remove it to start this run anew"
            ) from damaged


class RunningMean:
    """Exponential mean of weights over steps (Polyak averaging), kept outside the model.

    It is brought up to date once a round, with the decay of all the round's steps; early in a run the window is
    shorter, so that the random start is forgotten.
    """

    def __init__(self, decay: float, values: Sequence[NDArray[Any]]) -> None:
        self.decay = decay
        self.values = [np.array(value) for value in values]

    def update(self, values: Sequence[NDArray[Any]], *, step: int, steps: int) -> None:
        """Take in the weights after `step` steps in all, `steps` of them since the last update."""
        keep = min(self.decay, (1 + step) / (20 + step)) ** steps if self.decay > 0 else 0.0
        self.values = [
            (keep * before + (1.0 - keep) * now).astype(before.dtype)
            for before, now in zip(self.values, values, strict=True)
        ]
