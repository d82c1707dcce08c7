"""Reading a configuration file: all of it, or every reason why not."""

from __future__ import annotations

from pathlib import Path

from edge.config.build import Builder
from edge.config.config import Config
from edge.config.problem import ConfigError, Problem
from edge.config.tree import MAX_BYTES, read_tree

__all__ = ["load_config", "parse_config"]


def load_config(path: Path | str) -> Config:
    """The configuration in a YAML file.

    Relative paths in it begin at its own folder. Raises ConfigError with every problem at once: unknown,
    repeated and missing keys, values that are not allowed, names that lead nowhere, files that are not there.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        message = f"cannot be read: {why}; name a configuration file such as configs/lane.yaml"
        raise ConfigError([Problem(file=str(path), line=0, key="", message=message)]) from error
    return parse_config(raw, file=str(path), folder=path.resolve().parent)


def parse_config(raw: bytes, *, file: str, folder: Path) -> Config:
    """The configuration in the bytes of a YAML file; `file` names it in problems. Raises ConfigError."""
    tree = read_tree(raw, file)
    if isinstance(tree, Problem):
        raise ConfigError([tree])
    builder = Builder(file=file, folder=folder)
    config = builder.build(tree, Config)
    if builder.problems:
        raise ConfigError(builder.problems)
    if not isinstance(config, Config):  # a builder that says nothing and builds nothing is our mistake
        raise TypeError(f"no configuration was built from {file}, and no reason was given")
    return config
