"""`configs/training.yaml` as typed sections; a mistake names its key, what was found and what is possible."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from training.labels import DataError

__all__ = [
    "NO_FILE",
    "Augmentation",
    "Boost",
    "Budget",
    "Degradation",
    "Loss",
    "Optimiser",
    "Phase",
    "Refit",
    "Sampling",
    "SetBoost",
    "TrainingConfig",
    "load_training_config",
    "read_settings",
]


NO_FILE: Final = ("random", "imagenet")
"""What `init` may be besides a path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How long to train: passes over the split, steps, or minutes by the clock; exactly one of them.

    With `minutes` the rate follows the clock, so that a run on a busy machine still ends annealed; only runs
    counted in steps or passes resume to the very same curve.
    """

    passes: float | None = None
    steps: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        given = [value for value in (self.passes, self.steps, self.minutes) if value is not None]
        if len(given) != 1 or given[0] <= 0:
            raise DataError("budget: give exactly one of passes, steps, minutes, and more than 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of the budget: picture size for the network, and the first stage that learns.

    `train_from` is conv1, conv2 … conv5 or head; what stands before it stays frozen in this phase.
    """

    share: float
    size_px: int = 112
    train_from: str = "conv1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Optimiser:
    """AdamW with linear warm-up, then a cosine down to zero."""

    rate: float = 5e-4
    warm_up_steps: int = 100
    weight_decay: float = 0.05
    clip_norm: float = 5.0
    average: float = 0.9985  # decay of the weights' running mean per step; 0 switches it off


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Cross-entropy to a Gaussian around the label, plus `absolute` · |mean − label| in years.

    A label further than `outlier_years` from the answer weighs less (squared); 0 trusts every label. What the till
    asks may count besides: `challenge` weighs the cross-entropy of being under `challenge_age`, `minors` the years by
    which a 14–17-year-old is judged to be older than a year below that age.
    """

    sigma_years: float = 2.0
    absolute: float = 0.15
    outlier_years: float = 25.0
    challenge_age: int = 25
    challenge: float = 0.0
    minors: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Boost:
    """Ages `from_age`..`to_age` are drawn `times` as often."""

    from_age: float
    to_age: float
    times: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBoost:
    """Faces of this `data_set` (the labels' column) are drawn `times` as often."""

    data_set: str
    times: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Faces are drawn with probability ∝ frequency of their age ^ −balance, times the boosts of age and set."""

    balance: float = 0.45
    boosts: tuple[Boost, ...] = ()
    sets: tuple[SetBoost, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Changes that leave the age alone; 0 switches one off."""

    flip: bool = True
    turn_deg: float = 11.0
    scale: float = 0.12
    shift: float = 0.035
    brightness: float = 0.3
    gamma: float = 0.35
    contrast: float = 0.35
    saturation: float = 0.5
    grey: float = 0.08
    erase: float = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """How often a face looks as a shop's camera would show it, as shares of the batch."""

    small: float = 0.15
    blur: float = 0.08
    jpeg: float = 0.08
    noise: float = 0.15
    dark: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Refit:
    """The last layer once more, on the finished network's features of clean faces; 0 `steps` leaves it out.

    Balanced sampling teaches the network ages that are rare, and leaves their frequency in the last layer: this
    step takes it out again and weighs what the till asks. `pull` holds the layer to the trained one.
    """

    steps: int = 0
    batch: int = 1024
    rate: float = 1e-3
    pull: float = 1e-3
    sampling: Sampling = field(default_factory=lambda: Sampling(balance=0.0))
    loss: Loss = field(default_factory=Loss)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """Everything that decides a run; `mirrored` how its end is refitted, evaluated and exported."""

    data: Path
    run: Path
    init: str = "random"
    head: Literal["distribution", "scalar"] = "distribution"
    mirrored: bool = (
        False  # every crop is read together with its mirror image: more exact, for twice the time
    )
    seed: int = 1
    batch: int = 64
    limit: int | None = None
    precision: Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"] = "auto"
    devices: int = 0
    budget: Budget = field(default_factory=lambda: Budget(passes=30))
    phases: tuple[Phase, ...] = (Phase(share=1.0),)
    optimiser: Optimiser = field(default_factory=Optimiser)
    loss: Loss = field(default_factory=Loss)
    sampling: Sampling = field(default_factory=Sampling)
    augmentation: Augmentation = field(default_factory=Augmentation)
    degradation: Degradation = field(default_factory=Degradation)
    refit: Refit = field(default_factory=Refit)
    round_steps: int = 25
    validate_every_rounds: int = 20
    patience: int = 12
    checkpoint_minutes: float = 5.0

    def __post_init__(self) -> None:
        if self.refit.steps and self.head != "distribution":
            raise DataError("refit: needs head: distribution; a scalar head has no distribution to refit")
        if abs(sum(phase.share for phase in self.phases) - 1) > 1e-6:
            raise DataError(f"phases: shares must add up to 1, got {sum(p.share for p in self.phases):g}")
        for name in ("batch", "round_steps", "validate_every_rounds", "patience"):
            if getattr(self, name) < 1:
                raise DataError(f"{name}: must be 1 or more, got {getattr(self, name)}")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, paths as text."""
        found: dict[str, Any] = dataclasses.asdict(
            self, dict_factory=lambda pairs: {k: str(v) if isinstance(v, Path) else v for k, v in pairs}
        )
        return found


def read_settings(file: Path) -> dict[str, Any]:
    """The keys and values of a YAML file, unchecked. Raises DataError where it holds none."""
    try:
        raw = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as missing:
        raise DataError(f"{file}: cannot be read: {missing.strerror}") from missing
    except yaml.YAMLError as wrong:
        raise DataError(f"{file}: no YAML: {wrong}") from wrong
    if not isinstance(raw, dict):
        raise DataError(f"{file}: expected keys and values, as in configs/training.yaml")
    return raw


def load_training_config(file: Path, overrides: Mapping[str, Any] | None = None) -> TrainingConfig:
    """Read a YAML file; `overrides` replace top-level keys. Relative paths start at the file's folder.

    Raises DataError naming file and key.
    """
    raw = read_settings(file)
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    for key in ("data", "run", "init"):
        if key in raw and key not in given and (key != "init" or str(raw[key]) not in NO_FILE):
            raw[key] = str((file.parent / Path(str(raw[key])).expanduser()).resolve())
    try:
        return typing.cast(TrainingConfig, _typed(TrainingConfig, {**raw, **given}, ""))
    except DataError as wrong:
        raise DataError(f"{file}: {wrong}") from None


def _typed(kind: Any, value: Any, where: str) -> Any:
    """Turn plain YAML into `kind`, which may be a dataclass, a tuple of them, a literal or a simple type."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _section(kind, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise DataError(f"{where}: expected a list, got {value!r}")
        return tuple(_typed(inner[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is Literal:
        if value not in inner:
            raise DataError(f"{where}: expected one of {', '.join(map(str, inner))}, got {value!r}")
        return value
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _typed(inner[0], value, where)
    if kind is Path and isinstance(value, (str, Path)):
        return Path(value)
    if kind is float and isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            return float(value)  # YAML 1.1 reads 5e-4 as text
        except ValueError:
            pass
    elif isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise DataError(f"{where}: expected {kind.__name__}, got {value!r}")


def _section(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise DataError(f"{where or 'file'}: expected keys and values, got {value!r}")
    hints = typing.get_type_hints(kind)
    for key in value:
        if key not in hints:
            raise DataError(
                f"{where + '.' if where else ''}{key}: no such setting; there are: {', '.join(hints)}"
            )
    made = {key: _typed(hints[key], item, f"{where}.{key}".lstrip(".")) for key, item in value.items()}
    try:
        return kind(**made)
    except TypeError as missing:
        raise DataError(f"{where or 'file'}: {str(missing).split('__init__() ')[-1]}") from None
