"""Reading a configuration file and what lies over it: all of it, or every reason why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.config.build import Builder
from edge.config.config import Config
from edge.config.migrate import RENAMED, Renamed
from edge.config.overlay import laid_over, overlay_files
from edge.config.problem import ConfigError, Problem
from edge.config.shorthand import written_out
from edge.config.tree import MAX_BYTES, read_tree

if TYPE_CHECKING:
    from yaml.nodes import Node

__all__ = ["Loaded", "load_config", "parse_config", "parse_newer", "read_config"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration, the files that it was read from in order, and what its writer should change before long."""

    config: Config
    files: tuple[Path, ...]
    warnings: tuple[Problem, ...]


def load_config(path: Path | str) -> Config:
    """The configuration in a YAML file, with the overlays in `config.d/` beside it.

    Relative paths in all of them begin at the file's own folder. Raises ConfigError with every problem at once:
    unknown, repeated and missing keys, values that are not allowed, names that lead nowhere, files that are not there.
    """
    return read_config(path).config


def read_config(path: Path | str, *, renamed: Sequence[Renamed] = RENAMED) -> Loaded:
    """As `load_config`, with what else there is to say. `renamed`: keys whose old names still work."""
    path = Path(path)
    raw = _read(path, "name a configuration file such as configs/lane.yaml")
    try:
        overlays = overlay_files(path)
    except OSError as error:
        raise _refused(path, f"its config.d cannot be read: {error.strerror}") from error
    layers = [(str(path), raw)]
    layers += [(str(each), _read(each, "an overlay in config.d must be readable")) for each in overlays]
    config, warnings = _build(layers, folder=path.resolve().parent, renamed=renamed)
    return Loaded(config=config, files=(path, *overlays), warnings=warnings)


def parse_config(raw: bytes, *, file: str, folder: Path) -> Config:
    """The configuration in the bytes of a YAML file; `file` names it in problems. Raises ConfigError."""
    return _build([(file, raw)], folder=folder, renamed=RENAMED)[0]


def parse_newer(raw: bytes, *, file: str, folder: Path) -> tuple[Config, tuple[Problem, ...]]:
    """As `parse_config`, without keys that a newer version may have written; those are told. Raises ConfigError."""
    return _build([(file, raw)], folder=folder, renamed=RENAMED, newer=True)


def _build(
    layers: Sequence[tuple[str, bytes]], *, folder: Path, renamed: Sequence[Renamed], newer: bool = False
) -> tuple[Config, tuple[Problem, ...]]:
    """The configuration that the first layer makes with the others laid over it, in order. Raises ConfigError."""
    trees = [read_tree(raw, file) for file, raw in layers]
    unreadable = [tree for tree in trees if isinstance(tree, Problem)]
    if unreadable:
        raise ConfigError(unreadable)
    file = layers[0][0]
    builder = Builder(file=file, folder=folder, renamed=renamed, newer=newer)
    whole = _all_laid_over([tree for tree in trees if not isinstance(tree, Problem)])
    config = builder.build(written_out(whole), Config)
    if builder.problems:
        raise ConfigError(builder.problems)
    if not isinstance(config, Config):  # a builder that says nothing and builds nothing is our mistake
        raise TypeError(f"no configuration was built from {file}, and no reason was given")
    return config, tuple(builder.warnings)


def _all_laid_over(trees: Sequence[Node]) -> Node:
    whole = trees[0]
    for tree in trees[1:]:
        whole = laid_over(whole, tree)
    return whole


def _read(path: Path, way_out: str) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise _refused(path, f"cannot be read: {why}; {way_out}") from error


def _refused(path: Path, message: str) -> ConfigError:
    return ConfigError([Problem(file=str(path), line=0, key="", message=message)])
