"""Files of `config.d/` laid over the configuration, in the order of their names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

__all__ = ["FOLDER", "laid_over", "overlay_files"]

FOLDER = "config.d"
_DEEPEST = 20
"""Deeper than any configuration: what lies below is replaced, so that anchors cannot lead in circles."""


def overlay_files(config_file: Path) -> tuple[Path, ...]:
    """The files beside `config_file` in `config.d/` that end in `.yaml`, sorted by name. Raises OSError."""
    folder = config_file.parent / FOLDER
    if not folder.is_dir():
        return ()
    found = (path for path in folder.iterdir() if path.suffix == ".yaml" and not path.name.startswith("."))
    return tuple(sorted(found))


def laid_over(base: Node, overlay: Node, depth: int = 0) -> Node:
    """A new tree: what `overlay` says counts, what it does not mention is as in `base`; neither is changed.

    Mappings are joined key by key. Lists whose entries have a `name` (cameras, lanes, sinks) are joined by it: an
    entry of a known name is laid over that one, a new name comes at the end. Everything else is replaced.
    """
    from yaml.nodes import MappingNode, SequenceNode

    if depth < _DEEPEST:
        if isinstance(base, MappingNode) and isinstance(overlay, MappingNode):
            return _mapping(base, overlay, depth)
        if isinstance(base, SequenceNode) and isinstance(overlay, SequenceNode):
            names = _names(base), _names(overlay)
            if all(names) and len(set(names[1])) == len(names[1]):
                return _named(base, overlay, names, depth)
    return overlay


def _mapping(base: MappingNode, overlay: MappingNode, depth: int) -> MappingNode:
    from yaml.nodes import MappingNode, ScalarNode

    entries: list[tuple[Node, Node]] = list(base.value)
    at = {
        key.value: index
        for index, (key, _) in reversed(list(enumerate(entries)))
        if isinstance(key, ScalarNode)
    }
    laid: set[str] = set()
    for key, value in overlay.value:
        index = at.get(key.value) if isinstance(key, ScalarNode) and key.value not in laid else None
        if index is None:  # new, or twice in the overlay, which the builder complains of
            entries.append((key, value))
        else:
            entries[index] = (key, laid_over(entries[index][1], value, depth + 1))
        if isinstance(key, ScalarNode):
            laid.add(key.value)
    return MappingNode(base.tag, entries, overlay.start_mark, overlay.end_mark)


def _named(
    base: SequenceNode, overlay: SequenceNode, names: tuple[list[str], list[str]], depth: int
) -> SequenceNode:
    from yaml.nodes import SequenceNode

    entries: list[Node] = list(base.value)
    for name, entry in zip(names[1], overlay.value, strict=True):
        if name in names[0]:
            index = names[0].index(name)
            entries[index] = laid_over(entries[index], entry, depth + 1)
        else:
            entries.append(entry)
    return SequenceNode(base.tag, entries, overlay.start_mark, overlay.end_mark)


def _names(listed: SequenceNode) -> list[str]:
    """The `name` of every entry; empty where one has none (or the list is empty)."""
    from yaml.nodes import MappingNode

    names = [_name(entry) if isinstance(entry, MappingNode) else None for entry in listed.value]
    return [name for name in names if name is not None] if None not in names else []


def _name(entry: MappingNode) -> str | None:
    from yaml.nodes import ScalarNode

    keys: list[tuple[ScalarNode, ScalarNode]] = [
        (key, value)
        for key, value in entry.value
        if isinstance(key, ScalarNode) and key.value == "name" and isinstance(value, ScalarNode)
    ]
    return keys[0][1].value if keys else None
