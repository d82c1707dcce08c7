"""The Ansible role hangs together: its files are YAML, its handlers exist, its variables are told of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.conftest import CHECKOUT

DEPLOY = CHECKOUT / "deploy"
ROLE = DEPLOY / "roles" / "checkout_age"


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


def test_what_is_notified_is_there() -> None:
    handlers = {handler["name"] for handler in read(ROLE / "handlers" / "main.yml")}
    assert {task["notify"] for task in all_tasks() if "notify" in task} == handlers


def test_every_variable_is_told_of() -> None:
    told = set(re.findall(r"^\| `(checkout_age_\w+)` \|", (DEPLOY / "README.md").read_text(), re.MULTILINE))
    assert told == set(read(ROLE / "defaults" / "main.yml"))


def test_no_secret_is_shown_and_every_command_says_when_it_changed_something() -> None:
    for task in [*all_tasks(), *read(ROLE / "handlers" / "main.yml")]:
        if "ansible.builtin.command" in task:
            assert "changed_when" in task, task["name"]
        if "credentials" in str(task.get("loop", "")) and "secret" not in task["name"]:
            assert task.get("no_log") is True or isinstance(task["loop"], list), task["name"]
