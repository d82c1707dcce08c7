"""The Ansible role hangs together: its files are YAML, what it includes exists, its variables are told of.

Whether it does what it says is tried on a booted Debian: tests/systemd/test_booted_container.py.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import CHECKOUT

DEPLOY = CHECKOUT / "deploy"
ROLE = DEPLOY / "roles" / "checkout_age"
INCLUDE = "ansible.builtin.include_tasks"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def tasks_of(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every task, those in blocks too."""
    found = []
    for entry in entries:
        found.append(entry)
        for part in ("block", "always", "rescue"):
            found += tasks_of(entry.get(part, []))
    return found


def all_tasks() -> list[dict[str, Any]]:
    return [task for file in sorted((ROLE / "tasks").glob("*.yml")) for task in tasks_of(read(file))]


def test_every_file_is_yaml_and_every_task_has_a_name() -> None:
    files = [*DEPLOY.rglob("*.yml"), *DEPLOY.rglob("*.yaml")]
    assert len(files) >= 7
    assert all(read(file) for file in files)
    assert [task for task in all_tasks() if not task.get("name")] == []


def test_what_is_included_is_there_and_every_file_is_included() -> None:
    included = {task[INCLUDE] for task in all_tasks() if INCLUDE in task}
    assert included | {"main.yml"} == {file.name for file in (ROLE / "tasks").iterdir()}


def test_what_the_service_must_take_is_noted_and_looked_for_under_the_same_name() -> None:
    (noted,) = [task for task in all_tasks() if task["name"] == "Note what the service has not taken yet"]
    (looked_for,) = [task for task in all_tasks() if task["name"] == "What the service has not taken yet"]
    assert [each["due"] for each in noted["loop"]] == looked_for["loop"]
    assert not [task["name"] for task in all_tasks() if "notify" in task]  # lost where a play breaks off


def test_every_variable_is_told_of() -> None:
    told = set(re.findall(r"^\| `(checkout_age_\w+)` \|", (DEPLOY / "README.md").read_text(), re.MULTILINE))
    assert told == set(read(ROLE / "defaults" / "main.yml"))


def test_no_secret_is_shown_and_every_command_says_when_it_changed_something() -> None:
    for task in all_tasks():
        if not {"ansible.builtin.command", "ansible.builtin.raw"}.isdisjoint(task):
            assert "changed_when" in task, task["name"]
        if "credentials" in str(task.get("loop", "")) and "secret" not in task["name"]:
            assert task.get("no_log") is True or isinstance(task["loop"], list), task["name"]
