"""The JSON Schema of the configuration, from the same declarations that the loader obeys."""

from __future__ import annotations

import types
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from edge.config.build import split_annotation
from edge.config.config import Config

__all__ = ["json_schema"]

_SIMPLE = {
    str: ["string", "number"],  # `name: 5` and `source: 0` are read as the text that stands there
    Path: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
}


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a configuration file, for editors and other programs."""
    described = _section(Config)
    described["properties"]["hub"]["anyOf"].append({"type": "boolean"})  # as `shorthand` reads it
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "checkout-age configuration",
        **described,
    }


def _section(section: type) -> dict[str, Any]:
    hints = get_type_hints(section, include_extras=True)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for field in fields(section):
        properties[field.name] = _value(hints[field.name])
        if field.default is MISSING and field.default_factory is MISSING:
            required.append(field.name)
        elif field.default is not MISSING:
            properties[field.name]["default"] = _plain(field.default)
    described = {"type": "object", "properties": properties, "additionalProperties": False}
    return described | ({"required": required} if required else {})


def _value(hint: Any) -> dict[str, Any]:
    kind, doc, rules = split_annotation(hint)
    described = _typed(kind)
    for rule in rules:
        described |= rule.schema()
    return described | ({"description": doc} if doc else {})


def _typed(kind: Any) -> dict[str, Any]:
    if isinstance(kind, type) and is_dataclass(kind):
        return _section(kind)
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_value(each) for each in args]}
    if origin is Literal:
        return {"enum": list(args)}
    if origin is tuple and args[-1] is Ellipsis:
        return {"type": "array", "items": _value(args[0])}
    if origin is tuple:
        return {
            "type": "array",
            "prefixItems": [_value(each) for each in args],
            "minItems": len(args),
            "maxItems": len(args),
        }
    if kind is types.NoneType:
        return {"type": "null"}
    return {"type": _SIMPLE[kind]}


def _plain(default: Any) -> Any:
    if isinstance(default, tuple):
        return [_plain(each) for each in default]
    return str(default) if isinstance(default, Path) else default
