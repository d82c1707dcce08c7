"""A configuration as YAML again: what counts after defaults and overlays, for people (masked) or for later (whole)."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from edge.config.config import Config

__all__ = ["as_yaml", "masked_address", "masked_text"]

_MASK = "***"
_SECRET_WORDS = ("pass", "secret", "token", "key", "pwd", "auth", "sig", "code")
_LONG_PIECE = re.compile(r"[A-Za-z0-9_:-]{20,}")
"""A part of an address's way that nobody chose by hand: many services put their key there."""


def as_yaml(config: Config, *, masked: bool) -> str:
    """Every setting, defaults too, with absolute paths: `parse_config` makes the same configuration of it.

    `masked`: keys within addresses are hidden; that text is to be read by people only.
    """
    import yaml

    return yaml.safe_dump(
        _plain(config, masked=masked), sort_keys=False, allow_unicode=True, width=110, default_flow_style=None
    )


def masked_address(text: str) -> str:
    """A URL without what lets others in: user and password, keys in its query, long pieces of its way."""
    scheme, mark, rest = text.partition("://")
    if not mark:
        return text
    place, question, query = rest.partition("?")
    host, slash, way = place.partition("/")
    host = host.rpartition("@")[2] if "@" not in host else f"{_MASK}@{host.rpartition('@')[2]}"
    way = "/".join(_MASK if _LONG_PIECE.fullmatch(piece) else piece for piece in way.split("/"))
    query = "&".join(_masked_field(field) for field in query.split("&"))
    return f"{scheme}{mark}{host}{slash}{way}{question}{query}"


def masked_text(text: str) -> str:
    """The text of a file with every address in it masked."""
    return re.sub(r"[a-z][a-z0-9+.-]*://[^\s'\"]+", lambda found: masked_address(found.group()), text)


def _masked_field(field: str) -> str:
    name, equals, _ = field.partition("=")
    return f"{name}={_MASK}" if equals and any(word in name.lower() for word in _SECRET_WORDS) else field


def _plain(value: Any, *, masked: bool) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name), masked=masked) for each in fields(value)}
    if isinstance(value, tuple):
        return [_plain(each, masked=masked) for each in value]
    if isinstance(value, Path):
        return str(value)
    return masked_address(value) if masked and isinstance(value, str) else value
