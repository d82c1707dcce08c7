"""The configuration's name: a digest over what decides prompts and alerts, whatever file it stands in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge.config.config import Config

__all__ = ["config_hash"]


def config_hash(config: Config) -> str:
    """16 hex digits. Paths count by their file's name alone, so that another folder is no other configuration."""
    deciding: dict[str, Any] = {
        "policy": asdict(config.policy),
        "lanes": [asdict(lane) for lane in config.lanes],
        "goods": asdict(config.till.goods),
        "clocks": [asdict(clock) for clock in config.till.clocks],
        "silent_minutes": config.till.silent_minutes,
        "tracking": asdict(config.tracking),
        "time_zone": config.site.time_zone,
    }
    text = json.dumps(deciding, sort_keys=True, default=_named, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _named(value: object) -> str:
    return value.name if isinstance(value, Path) else str(value)
