"""A site's own calibration of an installed bundle: a file bound to the bundle's digest."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge.age import AgeBundle
from training.calibration import Calibration

__all__ = ["site_document", "write_document"]


def site_document(bundle: AgeBundle, calibration: Calibration, *, faces: str) -> dict[str, Any]:
    """What a site file holds: the bundle it belongs to, and the numbers that replace the bundle's at this site.

    The temperature is the bundle's: a box makes its probabilities with that one, and a threshold holds for the
    probabilities it was made from.
    """
    return {
        "format": 1,
        "bundle": bundle.digest,
        "model": bundle.name,
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "faces": faces,
        "n": calibration.n,
        "temperature": calibration.temperature,
        "fitted_temperature": calibration.fitted_temperature,
        "intervals": calibration.intervals,
        "thresholds": calibration.thresholds,
        "nll": round(calibration.nll, 4),
        "nll_before": round(calibration.nll_before, 4),
        "covered": round(calibration.covered, 4),
    }


def write_document(file: Path, document: dict[str, Any]) -> None:
    """Write JSON as a whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    waiting = file.with_name(file.name + ".new")
    waiting.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    waiting.replace(file)
