"""What is exported: a run folder of `train`, or a weights file, as a Keras model with its passport."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from export.model.errors import ExportError
from training.model import WeightsError, build_model, initialise

__all__ = ["Source", "open_source"]

RUN_FILE: Final = "run.json"
# In a run folder: what early stopping kept, else the last.
_WEIGHTS: Final = ("age.weights.h5", "best.weights.h5", "model.weights.h5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A Keras model to export; `recipe` and `git` say where it comes from, `contract_digest` what it was cut by.

    With `mirrored` its answer to a crop is the mean of those to the crop and to its mirror image.
    """

    model: Any
    weights: Path
    recipe: str
    git: str | None
    contract_digest: str | None
    mirrored: bool = False


def open_source(path: Path, *, recipe: str | None = None) -> Source:
    """Build the network and load the weights of a run folder or a `*.weights.h5`.

    Raises ExportError where there are no weights, they do not fit, or the run's head is scalar.
    """
    weights, facts = _find(path)
    head = (facts.get("config") or {}).get("head", "distribution")
    if head != "distribution":
        raise ExportError(
            f"{path}: a {head} head gives no distribution, so nothing to calibrate; train another run"
        )
    model = build_model()
    try:
        initialise(model, weights)
    except WeightsError as wrong:
        raise ExportError(str(wrong)) from wrong
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    return Source(
        model=model,
        weights=weights,
        recipe=recipe or _recipe(facts, weights, digest),
        git=_commit(facts),
        contract_digest=(facts.get("contract") or {}).get("digest"),
        mirrored=bool((facts.get("config") or {}).get("mirrored", False)),
    )


def _find(path: Path) -> tuple[Path, dict[str, Any]]:
    if path.is_file():
        return path, {}
    if not path.is_dir():
        raise ExportError(
            f"{path}: not there; give the run folder of `checkout-age train` or a *.weights.h5 file"
        )
    found = next((path / name for name in _WEIGHTS if (path / name).is_file()), None)
    if found is None:
        raise ExportError(f"{path}: none of {', '.join(_WEIGHTS)} in it; is the run finished?")
    try:
        facts = json.loads((path / RUN_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return found, {}
    except ValueError as broken:
        raise ExportError(f"{path / RUN_FILE}: not JSON ({broken})") from broken
    return found, facts


def _recipe(facts: dict[str, Any], weights: Path, digest: str) -> str:
    if not facts:
        return f"weights file {weights.name}, SHA-256 {digest}"
    config = {key: value for key, value in facts["config"].items() if key not in ("data", "run")}
    config["init"] = Path(str(config["init"])).name  # where it lay is nobody's business
    return f"checkout-age train, weights SHA-256 {digest}, {json.dumps(config, sort_keys=True)}"


def _commit(facts: dict[str, Any]) -> str | None:
    git = facts.get("git") or {}
    commit = git.get("commit")
    return f"{commit}{'+changes' if git.get('changed') else ''}" if commit else None
