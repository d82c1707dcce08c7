"""The bundle folder (`schemas.md`, "Age bundle"): written beside its place, verified, then moved in."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from edge.age import BUNDLE_FORMAT, GOLDEN_FILE, MANIFEST_FILE, MODEL_FILE, AgeBundle, AgeReader, golden_check
from edge.face import CONTRACT
from export.model.errors import ExportError, GateError
from export.model.parity import Parity
from training.bundle import CARD_FILE, written_manifest
from training.calibration import Calibration
from training.card import model_card

__all__ = [
    "INTENDED_USE",
    "LICENCE",
    "bundle_document",
    "write_bundle",
]

LICENCE: Final = "research use only: trained on UTKFace and All-Age-Faces, which are not for use in a shop"
INTENDED_USE: Final = (
    "Building, testing and showing checkout-age. Research weights: train on your own licensed faces before use "
    "in a shop. It prompts a person to ask for ID and never decides a sale."
)


def bundle_document(
    *,
    name: str,
    version: str,
    licence: str,
    intended_use: str,
    calibration: Calibration,
    parity: Parity,
    data: Mapping[str, Any],
    recipe: str,
    git: str | None,
    goals: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """`bundle.json` but for `files`; `metrics` stay null until `evaluate` has measured them.

    `goals` is what was asked of the model, for the card (`export.model.goals`).
    """
    return {
        "format": BUNDLE_FORMAT,
        "name": name,
        "version": version,
        "created": _now(),
        "licence": licence,
        "intended_use": intended_use,
        "contract": {"version": CONTRACT.version, "size": CONTRACT.size, "digest": CONTRACT.digest},
        "ages": [0, 100],
        "files": {},
        "temperature": calibration.temperature,
        "intervals": calibration.intervals,
        "thresholds": calibration.thresholds,
        "training": {"data": dict(data), "recipe": recipe, "git": git},
        "goals": [dict(goal) for goal in goals],
        "metrics": None,
        "export": {
            "parity": {key: round(value, 4) for key, value in asdict(parity).items()},
            "calibration": {
                "n": calibration.n,
                "nll": round(calibration.nll, 4),
                "nll_before": round(calibration.nll_before, 4),
                "covered": round(calibration.covered, 4),
            },
        },
    }


def write_bundle(out: Path, document: dict[str, Any], files: Mapping[str, bytes]) -> AgeBundle:
    """Write a bundle with its card, load it as the till does, compare its golden vectors, and put it in place.

    An existing bundle in `out` is replaced only after that. Raises ExportError where `out` holds something else,
    GateError where the golden vectors do not come out again.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MANIFEST_FILE).is_file())):
        raise ExportError(f"{out}: exists and is no bundle; give an empty or new folder")
    for needed in (MODEL_FILE, GOLDEN_FILE):
        if needed not in files:
            raise ExportError(f"a bundle needs {needed}")
    waiting = out.with_name(out.name + ".part")
    shutil.rmtree(waiting, ignore_errors=True)
    waiting.mkdir(parents=True)
    document = document | {
        "files": {name: hashlib.sha256(raw).hexdigest() for name, raw in sorted(files.items())}
    }
    try:
        for name, raw in files.items():
            (waiting / name).write_bytes(raw)
        (waiting / MANIFEST_FILE).write_text(written_manifest(document), encoding="utf-8")
        (waiting / CARD_FILE).write_text(model_card(document), encoding="utf-8")
        bundle = AgeBundle.load(waiting, contract_digest=CONTRACT.digest)
        golden = golden_check(bundle, AgeReader(bundle, provider="cpu"))
        if not golden.passed:
            raise GateError(f"{out} is not written: {golden.reason}")
    except BaseException:
        shutil.rmtree(waiting, ignore_errors=True)
        raise
    if out.exists():
        shutil.rmtree(out)
    waiting.rename(out)
    return AgeBundle.load(out, contract_digest=CONTRACT.digest)


def _now() -> str:
    """RFC 3339 in UTC; SOURCE_DATE_EPOCH makes an export repeatable to the byte."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    at = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
