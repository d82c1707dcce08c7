"""The rules that a setting's annotation carries beside its type.

A setting is a field of a frozen dataclass: `hz: Annotated[float, "what it means", Within(1, 30)] = 5.0`. The
string is its description; a rule says what is allowed, checks a value and writes itself into the JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

__all__ = [
    "NAME",
    "Beside",
    "Count",
    "Existing",
    "Located",
    "Matches",
    "OneOf",
    "Parsed",
    "Refers",
    "Rule",
    "Unique",
    "Within",
]


class Rule(Protocol):
    """What every rule can do: say what it wants, look at a value of the field's type, describe itself."""

    def objection(self, value: Any) -> str | None:
        """What is allowed instead, as the end of a sentence; None where the value is fine."""

    def schema(self) -> dict[str, Any]:
        """The JSON Schema keywords that say the same, empty where JSON Schema has none."""


@dataclass(frozen=True, slots=True)
class Within:
    """A number from `low` to `high`, both included."""

    low: float
    high: float

    def objection(self, value: Any) -> str | None:
        return None if self.low <= value <= self.high else f"a number from {self.low:g} to {self.high:g}"

    def schema(self) -> dict[str, Any]:
        return {"minimum": self.low, "maximum": self.high}


class OneOf:
    """One of a few numbers."""

    __slots__ = ("values",)

    def __init__(self, *values: float) -> None:
        self.values = values

    def objection(self, value: Any) -> str | None:
        return None if value in self.values else "one of " + ", ".join(f"{each:g}" for each in self.values)

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.values)}


@dataclass(frozen=True, slots=True)
class Count:
    """A list of `low` to `high` entries. Every list has a bound, so that no alias trick can fill the memory."""

    low: int
    high: int

    def objection(self, value: Any) -> str | None:
        return None if self.low <= len(value) <= self.high else f"a list of {self.low} to {self.high} entries"

    def schema(self) -> dict[str, Any]:
        return {"minItems": self.low, "maxItems": self.high}


@dataclass(frozen=True, slots=True)
class Matches:
    """Text of which the whole fits `pattern`; `words` tells a person what that means."""

    pattern: str
    words: str

    def objection(self, value: Any) -> str | None:
        return None if re.fullmatch(self.pattern, value) else self.words

    def schema(self) -> dict[str, Any]:
        return {"pattern": f"^(?:{self.pattern})$"}


@dataclass(frozen=True, slots=True)
class Existing:
    """A path that is there when the configuration is read: `what` is "file" or "folder".

    Such a path may be relative to the folder of the configuration file.
    """

    what: str

    def objection(self, value: Any) -> str | None:
        path: Path = value
        try:
            there = path.is_dir() if self.what == "folder" else path.exists() and not path.is_dir()
        except OSError as error:
            return f"a {self.what} that can be looked at ({error.strerror})"
        return None if there else f"a {self.what} that exists"

    def schema(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Parsed:
    """Text that a function of the section reads further; it raises ValueError with what is allowed."""

    check: Callable[[str], object]

    def objection(self, value: Any) -> str | None:
        try:
            self.check(value)
        except ValueError as error:
            return str(error)
        return None

    def schema(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Beside:
    """A path that, where it is relative, begins at the configuration's folder."""

    def objection(self, value: Any) -> str | None:  # noqa: ARG002 - it need not exist yet
        return None

    def schema(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Located:
    """Text that is a path where `is_path` says so: then a file, which may be relative to the configuration."""

    is_path: Callable[[str], bool]
    wanted: str

    def objection(self, value: Any) -> str | None:  # noqa: ARG002 - only the loader knows the folder
        return None

    def schema(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Unique:
    """A name that no other entry of the same list has."""

    def objection(self, value: Any) -> str | None:  # noqa: ARG002 - the list is looked at as a whole
        return None

    def schema(self) -> dict[str, Any]:
        return {}


@dataclass(frozen=True, slots=True)
class Refers:
    """The name of an entry of the top-level list `section`."""

    section: str

    def objection(self, value: Any) -> str | None:  # noqa: ARG002 - the lists are looked at when all are read
        return None

    def schema(self) -> dict[str, Any]:
        return {}


NAME = Matches(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}",
    "1 to 63 letters (a-z), digits, '.', '_' or '-', the first a letter or a digit (it becomes part of topics)",
)
"""What may name a store, a box, a lane, a camera or a sink: it travels in MQTT topics and event sources."""
