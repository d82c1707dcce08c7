"""From nodes to the declared dataclasses, collecting every problem on the way instead of stopping at the first."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from edge.config.address import masked_text
from edge.config.migrate import Renamed
from edge.config.problem import Problem
from edge.config.rule import Beside, Count, Existing, Located, Refers, Unique

if TYPE_CHECKING:
    from yaml.nodes import MappingNode, Node, ScalarNode

__all__ = ["BAD", "Builder", "section_of", "split_annotation"]

Place = tuple[str | int, ...]
BAD: Final = object()
"""Stands for a value whose problem is already noted."""

_INT = re.compile(r"[-+]?[0-9][0-9_]{0,17}")
_FLOAT = re.compile(r"[-+]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})([eE][-+]?[0-9]{1,3})?")
_MANY = 1000  # entries of a list or mapping without a bound of its own
_SECRET_WORDS = ("pass", "secret", "token", "key", "pwd")


def split_annotation(hint: Any) -> tuple[Any, str, list[Any]]:
    """The type, description and rules of `Annotated[type, "description", rule, ...]`."""
    if get_origin(hint) is not Annotated:
        return hint, "", []
    kind, *extras = get_args(hint)
    doc = next((extra for extra in extras if isinstance(extra, str)), "")
    return kind, doc, [extra for extra in extras if not isinstance(extra, str)]


class Builder:
    """Builds one configuration; `problems` and `warnings` grow, `_marks` knows where every key was written.

    `renamed`: keys that had another name a version ago; the old name still works, with a warning. `newer`: the file
    may be a newer version's, whose further keys are left out, with a warning.
    """

    def __init__(
        self, *, file: str, folder: Path, renamed: Sequence[Renamed] = (), newer: bool = False
    ) -> None:
        self._newer = newer
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self._file = file
        self._folder = folder
        self._renamed = {(each.section, each.old): each for each in renamed}
        self._marks: dict[Place, tuple[str, int]] = {}
        self._names: dict[Place, dict[str, tuple[str, int]]] = {}
        self._references: list[tuple[Place, str, str]] = []

    def build(self, node: Node, root: type) -> Any:
        """The dataclass `root` from its mapping node, or BAD; afterwards `problems` is complete and in order."""
        value = self._section(node, root, ())
        for place, section, name in self._references:
            self._resolve(place, section, name)
        for found in (self.problems, self.warnings):
            found.sort(key=lambda one: (one.file != self._file, one.file, one.line))
        return value

    def _say(self, place: Place, message: str, mark: tuple[str, int] | None = None) -> None:
        self.problems.append(self._problem(place, message, mark))

    def _problem(self, place: Place, message: str, mark: tuple[str, int] | None) -> Problem:
        at = place
        while at and at not in self._marks:
            at = at[:-1]
        file, line = self._marks.get(at, (self._file, 1)) if mark is None else mark
        return Problem(file=file, line=line, key=_dotted(place), message=message)

    def _resolve(self, place: Place, section: str, name: str) -> None:
        known = self._names.get((section,))
        if known is None or name in known:
            return
        message = f"'{_short(name)}' is not among {section}: {', '.join(known)}"
        self._say(place, message + _did_you_mean(name, known))

    # --- mappings -----------------------------------------------------------------------------------------

    def _section(self, node: Node, section: type, place: Place) -> Any:
        from yaml.nodes import MappingNode

        hints = _hints(section)
        if _is_null(node):
            entries: dict[str, Node] = {}
        elif isinstance(node, MappingNode):
            entries = self._entries(node, list(hints), place)
        else:
            self._say(place, f"{_shown(node)} is not allowed; a mapping with {', '.join(hints)}")
            return BAD
        values: dict[str, Any] = {}
        for field in fields(section):
            if field.name in entries:
                values[field.name] = self._value(entries[field.name], hints[field.name], (*place, field.name))
            elif field.default is MISSING and field.default_factory is MISSING:
                _, doc, _ = split_annotation(hints[field.name])
                self._say((*place, field.name), f"missing; give {doc or 'a value'}")
                values[field.name] = BAD
        return self._constructed(section, values, place)

    def _entries(self, node: MappingNode, allowed: list[str], place: Place) -> dict[str, Node]:
        from yaml.nodes import ScalarNode

        entries: dict[str, Node] = {}
        for key, given in node.value[:_MANY]:
            mark = _mark(key)
            if not isinstance(key, ScalarNode):
                self._say(place, "a key must be a plain word", mark)
                continue
            name, value = (key.value, given) if key.value in allowed else self._as_now(place, key, given)
            at = (*place, name)
            if name in entries:
                self._say(at, f"given twice, first in {_line(self._marks[at], mark)}; keep one", mark)
            elif name not in allowed and self._newer:
                self.warnings.append(self._problem((*place, _short(name)), "unknown here, left out", mark))
            elif name not in allowed:
                hint = _did_you_mean(name, allowed)
                self._say(
                    (*place, _short(name)), f"unknown key{hint or '.'} Allowed: {', '.join(allowed)}", mark
                )
            else:
                self._marks[at] = mark
                entries[name] = value
        if len(node.value) > _MANY:
            self._say(place, f"{len(node.value)} keys are too many")
        return entries

    def _as_now(self, place: Place, key: ScalarNode, value: Node) -> tuple[str, Node]:
        """What a key is called today, and its value; a word of warning where the file has its old name."""
        from yaml.nodes import ScalarNode

        renamed = self._renamed.get((section_of(place), key.value))
        if renamed is None:
            return key.value, value
        self.warnings.append(self._problem((*place, key.value), renamed.told, _mark(key)))
        if isinstance(value, ScalarNode):
            new = renamed.convert(value.value)
            value = ScalarNode(value.tag, new, value.start_mark, value.end_mark, style=value.style)
        return renamed.new, value

    def _constructed(self, section: type, values: dict[str, Any], place: Place) -> Any:
        """The section itself; bad values are replaced by their defaults while its own rules look at the rest."""
        bad = {name for name, value in values.items() if value is BAD}
        without_default = {
            field.name
            for field in fields(section)
            if field.default is MISSING and field.default_factory is MISSING
        }
        if bad & without_default:
            return BAD
        built = section(**{name: value for name, value in values.items() if name not in bad})
        for keys, message in _own_problems(built):
            if not bad.intersection(keys):
                self._say((*place, keys[0]), message)
                bad.add(keys[0])
        return BAD if bad else built

    def _variant(self, node: Node, sections: tuple[type, ...], place: Place) -> Any:
        """A member of a union of sections, told apart by its `kind`."""
        from yaml.nodes import MappingNode, ScalarNode

        by_kind = {get_args(split_annotation(_hints(each)["kind"])[0])[0]: each for each in sections}
        kinds = ", ".join(by_kind)
        if not isinstance(node, MappingNode):
            self._say(place, f"{_shown(node)} is not allowed; a mapping with 'kind: {kinds}'")
            return BAD
        found = [
            (key, value) for key, value in node.value if isinstance(key, ScalarNode) and key.value == "kind"
        ]
        if not found:
            self._say((*place, "kind"), f"missing; one of {kinds}")
            return BAD
        key, kind = found[0]
        if not isinstance(kind, ScalarNode) or kind.value not in by_kind:
            hint = _did_you_mean(kind.value, by_kind) if isinstance(kind, ScalarNode) else ""
            self._say((*place, "kind"), f"{_shown(kind)} is not allowed; one of {kinds}{hint}", _mark(key))
            return BAD
        return self._section(node, by_kind[kind.value], place)

    # --- values -------------------------------------------------------------------------------------------

    def _value(self, node: Node, hint: Any, place: Place) -> Any:
        kind, _, rules = split_annotation(hint)
        value = self._typed(node, kind, rules, place)
        if value is BAD or value is None:
            return value
        if any(isinstance(rule, Existing | Beside) for rule in rules):
            value = self._folder / Path(value).expanduser()
        for rule in rules:
            objection = rule.objection(value)
            if objection:
                self._say(place, f"{_shown(node)} is not allowed; {objection}")
                return BAD
            if isinstance(rule, Located) and rule.is_path(value):
                path = self._folder / Path(value).expanduser()
                if not path.is_file():
                    self._say(place, f"{_shown(node)} is not allowed; {rule.wanted}")
                    return BAD
                value = str(path)
            elif isinstance(rule, Refers):
                self._references.append((place, rule.section, value))
            elif isinstance(rule, Unique):
                self._note_name(place, value)
        return value

    def _note_name(self, place: Place, name: str) -> None:
        names = self._names.setdefault(place[:-2], {})
        mark = self._marks[place]
        if name in names:
            other = _line(names[name], mark)
            self._say(place, f"'{name}' is also the name in {other}; names differ within a list")
        names.setdefault(name, mark)

    def _typed(self, node: Node, kind: Any, rules: list[Any], place: Place) -> Any:
        if isinstance(kind, type) and is_dataclass(kind):
            return self._section(node, kind, place)
        origin, args = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            if types.NoneType in args:
                inner = [each for each in args if each is not types.NoneType]
                return None if _is_null(node) else self._value(node, inner[0], place)
            return self._variant(node, args, place)
        if origin is tuple:
            return self._list(node, args, rules, place)
        value, wanted = _scalar(node, kind)
        if value is BAD:
            hint = (
                _did_you_mean(node.value, args) if origin is Literal and isinstance(node.value, str) else ""
            )
            self._say(place, f"{_shown(node)} is not allowed; {wanted}{hint}")
        return value

    def _list(self, node: Node, args: tuple[Any, ...], rules: list[Any], place: Place) -> Any:
        from yaml.nodes import SequenceNode

        fixed = args[-1] is not Ellipsis
        bound = next((rule for rule in rules if isinstance(rule, Count)), Count(0, _MANY))
        wanted = f"a list of {len(args)}" if fixed else "a list"
        empty = _is_null(node) and not fixed and bound.low == 0
        if not isinstance(node, SequenceNode) and not empty:
            self._say(place, f"{_shown(node)} is not allowed; {wanted}")
            return BAD
        nodes = [] if empty else node.value
        if fixed and len(nodes) != len(args):
            self._say(place, f"{len(nodes)} entries are not allowed; {wanted}")
            return BAD
        objection = None if fixed else bound.objection(nodes)
        if objection:
            self._say(place, f"{len(nodes)} entries are not allowed; {objection}")
            nodes = nodes[: bound.high]
        values = [BAD] if objection else []
        for index, entry in enumerate(nodes):
            at = (*place, index)
            self._marks[at] = _mark(entry)
            values.append(self._value(entry, args[index] if fixed else args[0], at))
        return BAD if any(value is BAD for value in values) else tuple(values)


def section_of(place: Place) -> str:
    """The section of a place without the numbers of list entries: `lanes[].zones_px`."""
    return re.sub(r"\[[0-9]+\]", "[]", _dotted(place))


def _mark(node: Node) -> tuple[str, int]:
    """File and line (from 1) where a node was written."""
    return str(node.start_mark.name), node.start_mark.line + 1


def _line(mark: tuple[str, int], seen_from: tuple[str, int]) -> str:
    """`line 4`, with the file where that is another one."""
    return f"line {mark[1]}" if mark[0] == seen_from[0] else f"{mark[0]}:{mark[1]}"


def _own_problems(built: Any) -> Iterator[tuple[tuple[str, ...], str]]:
    """What the section says of itself, where it has something to say."""
    check = getattr(built, "problems", None)
    if check is not None:
        yield from check()


def _scalar(node: Node, kind: Any) -> tuple[Any, str]:
    """A single value of `kind`, and the words for what is wanted; BAD where the node is none."""
    from yaml.nodes import ScalarNode

    choices = get_args(kind) if get_origin(kind) is Literal else ()
    wanted = "one of " + ", ".join(choices) if choices else _WANTED[kind]
    if not isinstance(node, ScalarNode) or _is_null(node):
        return BAD, wanted
    text, plain = node.value, node.style is None
    if choices:
        return (text if text in choices else BAD), wanted
    if kind in (str, Path):
        clean = text.isprintable() and text.strip() == text != ""
        return (kind(text) if clean else BAD), wanted
    if kind is bool:
        return ({"true": True, "false": False}.get(text.lower(), BAD) if plain else BAD), wanted
    pattern = _INT if kind is int else _FLOAT
    if not plain or not pattern.fullmatch(text) or text.endswith("_"):
        return BAD, wanted
    return kind(text), wanted


_WANTED = {
    str: "text in one line, not empty",
    Path: "a path",
    bool: "true or false",
    int: "a whole number, without quotes",
    float: "a number, without quotes",
}


@cache
def _hints(section: type) -> dict[str, Any]:
    """The types of a section's fields; to work them out takes longer than to read a file."""
    return get_type_hints(section, include_extras=True)


def _is_null(node: Node) -> bool:
    return bool(node.tag == "tag:yaml.org,2002:null")


def _shown(node: Node) -> str:
    """The value as its writer knows it, in one short line and without any password."""
    from yaml.nodes import MappingNode, SequenceNode

    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    if _is_null(node):
        return "nothing"
    return f"'{_short(masked_text(re.sub(r'//[^/@]*@', '//***@', str(node.value))))}'"


def _short(text: str, limit: int = 60) -> str:
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _dotted(place: Place) -> str:
    """The key as people write it: `lanes[0].camera`."""
    dotted = ""
    for part in place:
        dotted += f"[{part}]" if isinstance(part, int) else f".{part}" if dotted else part
    return dotted


def _did_you_mean(word: str, known: Any) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word[:100], [str(each) for each in known], n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""
