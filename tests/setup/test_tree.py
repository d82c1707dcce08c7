"""What is committed names no machine and no package registry, and the documents say what is there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

from tests.conftest import CHECKOUT

ABSOLUTE = re.compile(r"(?<![\w.$}])/(?:" + "|".join(("work", "root", "home/[a-z]", "Users")) + r")/\w")
REGISTRY = re.compile(
    "|".join(
        (
            "py" r"pi\.org",
            "python" r"hosted\.org",
            "npm" r"js\.(?:org|com)",
            r"deb\.deb" "ian",
            r"conda\." "io",
        )
    ),
    re.IGNORECASE,
)

GROUP = "checkout_age.commands"


@cache
def tracked_texts() -> dict[str, str]:
    """Every committed text file: path in the checkout -> content."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=CHECKOUT, check=True, capture_output=True, text=True
    ).stdout
    texts = {}
    for name in filter(None, names.split("\0")):
        try:
            texts[name] = (CHECKOUT / name).read_text(encoding="utf-8")
        except (
            UnicodeDecodeError,
            FileNotFoundError,
        ):  # a picture or a model; or deleted and not yet committed
            continue
    return texts


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in tracked_texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(REGISTRY) == []


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    assert lines_with(ABSOLUTE) == []


def test_the_patterns_find_what_they_look_for() -> None:
    assert REGISTRY.search("https://" + "py" + "pi.org/simple")
    assert ABSOLUTE.search('open("/' + "work" + '/main/x")')
    assert not ABSOLUTE.search("docs/work/main")


def test_links_between_the_documents_lead_somewhere() -> None:
    broken = [
        f"{name}: {target}"
        for name, text in tracked_texts().items()
        if name.endswith(".md")
        for target in re.findall(r"\]\((?!\w+:|#)([^)#\s]+)", text)
        if not ((CHECKOUT / name).parent / target).exists()
    ]

    assert broken == []


def test_the_readme_lists_the_commands_that_there_are() -> None:
    cells = re.findall(r"^\| (`[a-z-]+[^|]*) \|", tracked_texts()["README.md"], re.MULTILINE)
    table = {name for cell in cells for name in re.findall(r"`([a-z-]+)", cell)}
    help_text = subprocess.run(
        [sys.executable, "-m", "edge", "--help"], cwd=CHECKOUT, check=True, capture_output=True, text=True
    ).stdout
    offered = set(re.findall(r"^  ([a-z][a-z-]*) ", help_text, re.MULTILINE))

    assert table == offered


def test_every_command_of_training_and_export_is_registered() -> None:
    registered = set(
        tomllib.loads(tracked_texts()["pyproject.toml"])["project"]["entry-points"][GROUP].values()
    )
    written = {
        name.removesuffix(".py").replace("/", ".")
        for name, text in tracked_texts().items()
        if name.startswith(("training/", "export/")) and re.search(r"^HELP = ", text, re.MULTILINE)
    }

    assert registered == written


def test_rules_import_the_standard_library_and_what_travels() -> None:
    foreign = [
        f"{file.relative_to(CHECKOUT)}: {module}"
        for file in sorted((CHECKOUT / "edge" / "rules").rglob("*.py"))
        for module in imported_by(file)
        if module.split(".")[0] not in sys.stdlib_module_names
        and not module.startswith(("edge.flow", "edge.rules"))
    ]

    assert foreign == []


def imported_by(file: Path) -> list[str]:
    """Modules that a file imports, by their full names."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return plain + [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
