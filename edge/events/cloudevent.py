"""A CloudEvents 1.0 event as one deterministic line of JSON."""

from __future__ import annotations

import json
import math
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn
from urllib.parse import quote, unquote

from edge.events.rfc3339 import parse_time

__all__ = ["CloudEvent", "EventError", "event_id", "lane_source", "source_parts"]

SPECVERSION = "1.0"
_NAMESPACE = uuid.UUID("6f9f3b1e-52c7-5a0e-9d0c-6d1f6f1d4e7a")
"""Ids of all events of this program lie under this one random name; a new one would rename every old fact."""

# The CloudEvents extension `sequence` is compared as a string: leading zeros make that the numbers' order.
_SEQUENCE_DIGITS = 12
_TYPE = re.compile(r"[a-z][a-z0-9]*(\.[a-z0-9]+)+")
# `/`, `+` and `#` would change the shape of the source and of the MQTT topic that follows it.
_NO_NAME = re.compile(r"[/+#\x00-\x1f\x7f]|^\s|\s$|^\$|^$|^\.{1,2}$")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class EventError(ValueError):
    """A text or a value is no event of ours: says which attribute, what was expected and what came."""


def lane_source(store: str, box: str, lane: str) -> str:
    """Name where an event comes from: `/{store}/{box}/{lane}`, each name percent-encoded.

    Raises EventError for a name that is empty, begins with `$` or holds `/ + #` or control characters.
    """
    for word, name in (("store", store), ("box", box), ("lane", lane)):
        if _NO_NAME.search(name):
            raise EventError(
                f"{word} {name!r} cannot be part of an event's source: "
                "give a name without '/', '+', '#', control characters, outer spaces or a leading '$'"
            )
    return "/" + "/".join(quote(name, safe="") for name in (store, box, lane))


def source_parts(source: str) -> tuple[str, str, str]:
    """Give back store, box and lane of a source. Raises EventError where it is no `/{store}/{box}/{lane}`."""
    parts = source.split("/")
    if len(parts) != 4 or parts[0] or not all(parts[1:]):
        raise EventError(f"source: expected /store/box/lane, got {source!r}")
    return unquote(parts[1]), unquote(parts[2]), unquote(parts[3])


def event_id(source: str, type_: str, subject: str, identity: Sequence[str | int]) -> str:
    """Name a fact: the same fact gets the same id after a restart, in a replay, on another machine.

    `identity` is what tells this fact from others of the same source, type and subject, and nothing
    that may be computed differently next time. UUID version 5 over the four (RFC 9562).
    """
    fact = json.dumps([source, type_, subject, *identity], ensure_ascii=True, separators=(",", ":"))
    return str(uuid.uuid5(_NAMESPACE, fact))


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudEvent:
    """One fact for the world outside. It owns its `data`, a plain JSON object nobody changes.

    `time` is the time of the fact. `sequence` is None until a `Sequencer` or the store numbers the
    event; only a numbered event can be written. Numbers in `data` are already rounded by who built
    it (ages 2 decimals, probabilities 4, quality 3); nan and infinity are refused.
    Raises EventError with the attribute at fault.
    """

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: Mapping[str, Any]
    sequence: int | None = None
    datacontenttype: str = "application/json"
    specversion: str = SPECVERSION

    def __post_init__(self) -> None:
        if self.specversion != SPECVERSION:
            raise EventError(f"specversion: expected {SPECVERSION!r}, got {self.specversion!r}")
        if self.datacontenttype != "application/json":
            raise EventError(f"datacontenttype: expected 'application/json', got {self.datacontenttype!r}")
        for name in ("id", "subject"):
            if not getattr(self, name):
                raise EventError(f"{name}: expected a text that is not empty")
        source_parts(self.source)
        if not _TYPE.fullmatch(self.type):
            raise EventError(f"type: expected words joined by dots, got {self.type!r}")
        try:
            parse_time(self.time)
        except ValueError as error:
            raise EventError(f"time: {error}") from error
        if self.sequence is not None and self.sequence < 1:
            raise EventError(f"sequence: expected 1 or more, got {self.sequence}")
        object.__setattr__(self, "data", _own(self.data, "data"))

    @property
    def time_ns(self) -> int:
        """The time of the fact in nanoseconds since 1970, exact to the millisecond."""
        return parse_time(self.time)

    def numbered(self, sequence: int) -> CloudEvent:
        """The same fact with its place in the order of its source."""
        return replace(self, sequence=sequence)

    def to_json(self) -> str:
        """Write one line without its line end: UTF-8 text, keys in the order of `schemas.md`, no spaces.

        The same event gives the same bytes on every machine. Raises EventError where no sequence was given.
        """
        if self.sequence is None:
            raise EventError(f"event {self.id} has no sequence yet: number it before it goes out")
        return json.dumps(
            {
                "specversion": self.specversion,
                "id": self.id,
                "source": self.source,
                "type": self.type,
                "subject": self.subject,
                "time": self.time,
                "datacontenttype": self.datacontenttype,
                "sequence": f"{self.sequence:0{_SEQUENCE_DIGITS}d}",
                "data": self.data,
            },
            ensure_ascii=False,
            allow_nan=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str | bytes) -> CloudEvent:
        """Read one event. Every attribute of `schemas.md` must be there, once and of its type.

        An attribute that we do not know is passed over: a newer box may add some. Raises EventError.
        """
        try:
            found = json.loads(
                text, object_pairs_hook=_object_without_repeats, parse_constant=_refuse_constant
            )
        except (ValueError, RecursionError) as error:
            raise EventError(f"not one event in JSON: {error}") from error
        if not isinstance(found, dict):
            raise EventError(f"expected a JSON object, got {type(found).__name__}")
        texts = {name: _text(found, name) for name in _TEXT_ATTRIBUTES}
        sequence = texts.pop("sequence")
        if not (sequence.isascii() and sequence.isdecimal()):
            raise EventError(f"sequence: expected a decimal string, got {sequence!r}")
        if not isinstance(found.get("data"), dict):
            raise EventError("data: expected a JSON object")
        return cls(sequence=int(sequence), data=found["data"], **texts)


_TEXT_ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "sequence")


def _text(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str):
        raise EventError(f"{name}: expected a text, got {'nothing' if value is None else repr(value)}")
    return value


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise EventError("a key stands twice in one JSON object")
    return found


def _refuse_constant(word: str) -> NoReturn:
    raise EventError(f"{word} is no JSON number")


def _own(value: Any, where: str) -> Any:
    """Copy a JSON value, so that the event shares nothing with its builder; refuse what JSON cannot say."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        if not value.isascii() and _LONE_SURROGATE.search(value):
            raise EventError(f"{where}: half a surrogate pair is no text")
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise EventError(f"{where}: {value} cannot be written as JSON")
        return float(value) + 0.0  # -0.0 becomes 0.0: one number, one text
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise EventError(f"{where}: keys must be texts, got {key!r}")
        return {str(key): _own(member, f"{where}.{key}") for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_own(member, f"{where}[{place}]") for place, member in enumerate(value)]
    raise EventError(f"{where}: {type(value).__name__} is no JSON value")
