"""What is asked of a model: a YAML list that its card sets beside what `evaluate` measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from export.model.errors import ExportError

__all__ = ["read_goals"]

_KEYS = {"what", "figure", "at_least", "at_most"}


def read_goals(file: Path) -> tuple[Mapping[str, Any], ...]:
    """Goals with `what`, `figure` (a path into `metrics`) and `at_least` or `at_most`. Raises ExportError."""
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as wrong:
        raise ExportError(f"{file}: cannot be read: {wrong}") from wrong
    if not isinstance(told, list):
        raise ExportError(f"{file}: expected a list of goals")
    for number, goal in enumerate(told, 1):
        if (
            not isinstance(goal, dict)
            or not {"what", "figure"} <= set(goal)
            or set(goal) - _KEYS
            or len(goal) < 3
        ):
            raise ExportError(
                f"{file}: goal {number}: expected what, figure and at_least or at_most, got {goal!r}"
            )
    return tuple(told)
