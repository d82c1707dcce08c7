"""The JSON Schema says what the loader does."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from edge.config import Config, Inference, json_schema, parse_config


def test_every_section_and_setting_is_described() -> None:
    schema = json_schema()
    assert list(schema["properties"]) == [field.name for field in fields(Config)]
    assert schema["required"] == ["cameras", "lanes"]

    def undescribed(node: dict, name: str) -> list[str]:
        found = []
        for key, value in node.get("properties", {}).items():
            if "description" not in value and value.get("enum") is None:
                found.append(f"{name}.{key}")
            found += undescribed(value, f"{name}.{key}") + undescribed(
                value.get("items", {}), f"{name}.{key}[]"
            )
        for each in node.get("anyOf", []):
            found += undescribed(each, name)
        return found

    assert undescribed(schema, "") == []


def test_unknown_keys_are_refused_at_every_level() -> None:
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert schema["properties"]["cameras"]["items"]["additionalProperties"] is False


def test_choices_bounds_and_defaults_are_those_of_the_declaration() -> None:
    inference = json_schema()["properties"]["inference"]["properties"]
    assert inference["provider"]["enum"] == ["auto", "cpu", "cuda"]
    assert inference["provider"]["default"] == Inference().provider
    assert (inference["threads"]["minimum"], inference["threads"]["maximum"]) == (0, 256)
    policy = json_schema()["properties"]["policy"]["properties"]
    assert policy["challenge_age"]["enum"] == [18, 21, 25, 30]


@pytest.mark.parametrize("word", ["5", "0", "1.10", "'5'"])
def test_a_bare_number_is_a_name_for_the_loader_and_for_the_schema(word: str) -> None:
    """Tills number their lanes: the loader took `name: 5`, and editors that obey the schema marked it as wrong."""
    raw = f"cameras: [{{name: {word}, source: demo}}]\nlanes: [{{name: {word}, camera: {word}}}]"
    config = parse_config(raw.encode(), file="f.yaml", folder=Path())
    assert (config.lanes[0].name, config.lanes[0].camera) == (word.strip("'"), word.strip("'"))
    lane = json_schema()["properties"]["lanes"]["items"]["properties"]
    assert lane["name"]["type"] == lane["camera"]["type"] == ["string", "number"]


def test_a_sink_is_one_of_its_kinds() -> None:
    kinds = json_schema()["properties"]["sinks"]["items"]["anyOf"]
    assert [kind["properties"]["kind"]["enum"] for kind in kinds] == [["file"], ["mqtt"], ["webhook"]]
