"""`configs/ablation.yaml`: the recipe, what short runs change in it, and the one thing that each variant changes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from training.config import TrainingConfig, load_training_config, read_settings
from training.labels import DataError

__all__ = ["BASE", "LAST", "MIRRORED", "START", "Plan", "Variant", "load_plan", "merged"]

BASE: Final = "base"
# Rows that take no run of their own: the starting weights, the base's last weights, and mirror images.
START: Final = "start"
LAST: Final = "last"
MIRRORED: Final = "mirrored"
RESERVED: Final = (START, LAST, MIRRORED, "degraded", "about")
_KEYS: Final = ("recipe", "runs", "base", "variants")
_NAME: Final = re.compile(r"[a-z0-9_]+")
# Exactly one of its keys may be given, so that a change must take the recipe's away.
_WHOLE: Final = frozenset({"budget"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One run: its folder's name, its words in the table, the key that it changes ("" for the base).

    `new_head` starts with an untrained last layer on the starting weights' backbone.
    """

    name: str
    what: str
    changes: str
    config: TrainingConfig
    new_head: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The base first, then the variants in the order of the file; each has a run folder below `runs`."""

    runs: Path
    variants: tuple[Variant, ...]

    @property
    def base(self) -> Variant:
        """What all others are compared with."""
        return self.variants[0]


def load_plan(file: Path, overrides: Mapping[str, str | None] | None = None) -> Plan:
    """Read a plan; `overrides` may name another `data`, `init` or `runs`. Relative paths start at the file's folder.

    Raises DataError naming file and key.
    """
    raw = read_settings(file)
    if set(raw) != set(_KEYS):
        raise DataError(f"{file}: expected the keys {', '.join(_KEYS)}")
    given = {key: value for key, value in (overrides or {}).items() if value is not None}
    runs = Path(given.pop("runs", file.parent / raw["runs"])).resolve()
    recipe = file.parent / raw["recipe"]
    try:
        base = {**_placed(_section(raw["base"], "base"), file.parent), **given}
        variants = [_variant(recipe, runs, base, {"name": BASE, "what": "the base", "change": {}})]
        for entry in raw["variants"]:
            variants.append(_variant(recipe, runs, base, _entry(entry, file.parent)))
        _distinct([variant.name for variant in variants])
    except DataError as wrong:
        raise DataError(f"{file}: {wrong}") from None
    return Plan(runs=runs, variants=tuple(variants))


def merged(settings: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with a change: a section keeps the keys that the change does not name; `budget` and lists do not."""
    found = dict(settings)
    for key, value in change.items():
        before = found.get(key)
        joins = isinstance(value, dict) and isinstance(before, dict) and key not in _WHOLE
        found[key] = {**before, **value} if joins else value
    return found


def _variant(recipe: Path, runs: Path, base: Mapping[str, Any], entry: Mapping[str, Any]) -> Variant:
    change = dict(entry["change"])
    new_head = bool(change.pop("new_head", False))
    settings = merged(merged(read_settings(recipe), base), change)
    changed = {key: settings[key] for key in {*base, *change}}
    try:
        config = load_training_config(recipe, {**changed, "run": str(runs / entry["name"])})
    except DataError as wrong:
        raise DataError(f"{entry['name']}: {wrong}") from None
    if config.budget.minutes is not None:
        raise DataError("base.budget: runs of so many minutes see more or fewer faces; give passes or steps")
    if config.refit.steps:
        raise DataError("base.refit: give `refit: { steps: 0 }`; it would be compared along with the change")
    return Variant(
        name=entry["name"],
        what=entry["what"],
        changes=next(iter(entry["change"]), ""),
        config=config,
        new_head=new_head,
    )


def _entry(entry: Any, folder: Path) -> Mapping[str, Any]:
    if not isinstance(entry, dict) or set(entry) != {"name", "what", "change"}:
        raise DataError(f"variants: each has name, what and change, got {entry!r}")
    name = str(entry["name"])
    if not _NAME.fullmatch(name):
        raise DataError(f"variants: {name!r}: a name is a folder: a-z, 0-9 and _")
    if len(_section(entry["change"], name)) != 1:
        raise DataError(f"variants: {name}: changes {len(entry['change'])} keys; a variant changes one")
    return {**entry, "change": _placed(entry["change"], folder)}


def _placed(settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Paths of the file from the file's folder."""
    found = dict(settings)
    for key in ("data", "init"):
        if key in found and (key == "data" or str(found[key]).endswith(".h5")):
            found[key] = str((folder / Path(str(found[key])).expanduser()).resolve())
    return found


def _section(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected keys and values, got {value!r}")
    return value


def _distinct(names: Sequence[str]) -> None:
    wrong = sorted({name for name in names if names.count(name) > 1 or name in RESERVED})
    if wrong:
        raise DataError(
            f"variants: {', '.join(wrong)}: a name may stand once, and not be {BASE}, {', '.join(RESERVED)}"
        )
