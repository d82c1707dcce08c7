"""A configuration as YAML again: what counts after defaults and overlays, for people (masked) or for later (whole)."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from edge.config.address import masked_address, masked_text
from edge.config.config import Config

__all__ = ["as_yaml", "masked_address", "masked_text"]


def as_yaml(config: Config, *, masked: bool) -> str:
    """Every setting, defaults too, with absolute paths: `parse_config` makes the same configuration of it.

    `masked`: keys within addresses are hidden; that text is to be read by people only.
    """
    import yaml

    return yaml.safe_dump(
        _plain(config, masked=masked), sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    )


def _plain(value: Any, *, masked: bool) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name), masked=masked) for each in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each, masked=masked) for each in value]
    if isinstance(value, Path):
        return str(value)
    return masked_address(value) if masked and isinstance(value, str) else value
