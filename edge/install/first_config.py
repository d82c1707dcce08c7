"""The configuration that a new box begins with: the shipped one or the shop's, with the detector written down."""

from __future__ import annotations

from edge.config import Problem
from edge.config.tree import read_tree
from edge.install.errors import InstallError

__all__ = ["with_detector"]


def with_detector(text: str, detector: str, *, file: str) -> str:
    """The text with `inference.detector` set, everything else as it was. Raises InstallError for what is no YAML."""
    from yaml.nodes import MappingNode, ScalarNode

    tree = read_tree(text.encode(), file)
    if isinstance(tree, Problem) or not isinstance(tree, MappingNode):
        raise InstallError(str(tree) if isinstance(tree, Problem) else f"{file}: is no configuration")
    for key, section in tree.value:
        if not (
            isinstance(key, ScalarNode) and key.value == "inference" and isinstance(section, MappingNode)
        ):
            continue
        for name, value in section.value:
            if isinstance(name, ScalarNode) and name.value == "detector" and isinstance(value, ScalarNode):
                return text[: value.start_mark.index] + detector + text[value.end_mark.index :]
        at = section.start_mark.index
        if section.flow_style:
            return f"{text[: at + 1]}detector: {detector}{', ' if section.value else ''}{text[at + 1 :]}"
        indent = " " * section.start_mark.column
        return f"{text[:at]}detector: {detector}\n{indent}{text[at:]}"
    return f"{text.rstrip()}\n\ninference:\n  detector: {detector} # written down, so that boxes do not drift apart\n"
