"""Pretended stores for the tests of this room: simulated, exported, reported by the commands themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge.cli import main


def simulated(state: Path, *options: str) -> dict[str, Any]:
    """Simulate a store; its truth."""
    assert main(["simulate-store", "--out", str(state), *options]) == 0
    return dict(json.loads((state / "truth.json").read_text(encoding="utf-8")))


def exported(state: Path, out: Path) -> Path:
    """Export a store's days."""
    assert main(["export-events", "--from", str(state), "--to", str(out)]) == 0
    return out


def reported(data: Path, folder: Path, *options: str) -> dict[str, Any]:
    """Report an export; the JSON."""
    told = folder / "report.json"
    assert (
        main(["report", str(data), "--out", str(folder / "report.html"), "--json", str(told), *options]) == 0
    )
    return dict(json.loads(told.read_text(encoding="utf-8")))
