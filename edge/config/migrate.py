"""Keys that have another name since a version: the old one works for one release, with a word of warning."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from edge.config.problem import ConfigError, Problem

if TYPE_CHECKING:
    from yaml.nodes import Node, ScalarNode

__all__ = ["RENAMED", "Migrated", "Renamed", "migrated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """A key of `section` (`http`, `lanes[].zones_px`; empty for the top) whose name `old` ends with version `until`.

    `convert`: makes the new value of the old one, both as they are written, where the unit changed too.
    """

    section: str
    old: str
    new: str
    until: str
    convert: Callable[[str], str] = str

    @property
    def told(self) -> str:
        """The warning."""
        return (
            f"is called '{self.new}' now; '{self.old}' works until version {self.until}. "
            "`checkout-age config migrate FILE` writes the file anew"
        )


def _months_of_days(days: str) -> str:
    """The nearest number of months; what is no number stays, and is complained of under the new name."""
    return str(max(1, round(int(days) / 30.4375))) if re.fullmatch(r"[0-9]{1,5}", days) else days


RENAMED: Final[tuple[Renamed, ...]] = (
    Renamed(section="state", old="sales_days", new="sales_months", until="0.2", convert=_months_of_days),
)
"""Add a line when a key gets another name, and take it out in the release that `until` names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """The text of a configuration with today's names, comments and order as they were, and what was changed."""

    text: str
    changes: tuple[str, ...]


def migrated(raw: bytes, *, file: str, renamed: Sequence[Renamed] = RENAMED) -> Migrated:
    """Give every renamed key its new name, nothing else. Raises ConfigError where the file cannot be read as YAML."""
    from yaml.nodes import ScalarNode

    from edge.config.tree import read_tree

    tree = read_tree(raw, file)
    if isinstance(tree, Problem):
        raise ConfigError([tree])
    by_place = {(each.section, each.old): each for each in renamed}
    text = raw.decode("utf-8-sig")
    changes: list[str] = []
    found = [entry for entry in _entries(tree) if (entry[0], entry[1].value) in by_place]
    # From the end, since marks count characters: what is replaced stands behind what is still to be replaced.
    for section, key, value in sorted(found, key=lambda entry: entry[1].start_mark.index, reverse=True):
        rule = by_place[section, key.value]
        told = ""
        if isinstance(value, ScalarNode) and (new := rule.convert(value.value)) != value.value:
            text = text[: value.start_mark.index] + new + text[value.end_mark.index :]
            told = f" ({value.value} -> {new})"
        text = text[: key.start_mark.index] + rule.new + text[key.end_mark.index :]
        where = f"{section}." if section else ""
        changes.append(f"{file}:{key.start_mark.line + 1}: {where}{rule.old} -> {where}{rule.new}{told}")
    return Migrated(text=text, changes=tuple(reversed(changes)))


def _entries(tree: Node) -> Iterator[tuple[str, ScalarNode, Node]]:
    """Every key with its section and its value; a node that is used twice (an alias) is looked at once."""
    from yaml.nodes import MappingNode, ScalarNode, SequenceNode

    seen: set[int] = set()
    waiting: list[tuple[str, Node]] = [("", tree)]
    while waiting:
        section, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            waiting += [(f"{section}[]", each) for each in node.value]
        elif isinstance(node, MappingNode):
            for key, value in node.value:
                if isinstance(key, ScalarNode):
                    yield section, key, value
                    waiting.append((f"{section}.{key.value}" if section else key.value, value))
