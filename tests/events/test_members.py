"""The room's listing is what neighbours may use, and the room knows no neighbour."""

from __future__ import annotations

import ast
from pathlib import Path

from edge import events

ROOM = Path(events.__file__).parent


def test_the_listing_and_the_imports_are_the_same_names() -> None:
    tree = ast.parse((ROOM / "__init__.py").read_text())
    imported = [
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]

    assert sorted(imported) == sorted(events.__all__)


def test_the_room_imports_flow_and_itself_only() -> None:
    found = {
        node.module
        for path in ROOM.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("edge")
    }

    assert {module for module in found if not module.startswith("edge.events")} == {"edge.flow"}
