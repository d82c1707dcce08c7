"""Credentials that a configuration names, and those that an administrator has not put there yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final

from edge.config.config import Config

__all__ = ["FOLDER", "missing_credentials", "named_credentials"]

FOLDER: Final = "credentials"
"""Beside the configuration; the shipped unit hands over every file in it (`LoadCredential=`)."""


def named_credentials(config: Config) -> tuple[tuple[str, str], ...]:
    """Key and name of each credential, such as `("cameras.password_credential", "till-1")`, in the file's order."""
    return tuple(dict.fromkeys(_named(config, "")))


def missing_credentials(config: Config, folder: Path) -> tuple[str, ...]:
    """A sentence for each credential that has no file in `folder`; none where that is not there or may not be read."""
    try:
        there = {path.name for path in folder.iterdir()}
    except OSError:  # an administrator's alone: whoever asks is another user, or has a unit of their own
        return ()
    return tuple(
        f"{key}: {folder} has no file {name}; the service starts without it only where a LoadCredential= of your own "
        "names it. After a new file: systemctl restart checkout-age"
        for key, name in named_credentials(config)
        if name not in there
    )


def _named(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if is_dataclass(value):
        for field in fields(value):
            found = getattr(value, field.name)
            key = f"{place}.{field.name}".lstrip(".")
            if field.name.endswith("_credential") and found is not None:
                yield key, found
            else:
                yield from _named(found, key)
    elif isinstance(value, tuple):
        for member in value:
            yield from _named(member, place)
