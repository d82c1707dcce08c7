"""`docs/privacy.md` leaves nothing out: every table of the databases and every file of a box's state is named there."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from edge.events.migrations import migrate
from edge.events.sales_schema import SALES_MIGRATIONS
from edge.events.schema import SECURITY_MIGRATIONS
from tests.scenarios.box import Box, until

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "privacy.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([^`\s]+)`", PAGE))
OF_EVERY_DATABASE = {"schema_steps"}


@pytest.mark.parametrize("steps", [SECURITY_MIGRATIONS, SALES_MIGRATIONS])
def test_every_table_is_named(steps) -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection, steps)
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert tables - OF_EVERY_DATABASE - NAMED == set()
    assert len(tables) > 4


def test_every_file_that_a_box_leaves_is_named(tmp_path: Path) -> None:
    """A running box with tills, marketing and a sink: what lies in its state folder, temporary names left out."""
    (tmp_path / "token").write_text("a-till-token-of-32-characters-ok\n")
    config = {
        "cameras": [{"name": "cam-1", "source": "demo"}],
        "lanes": [{"name": "lane-1", "camera": "cam-1"}],
        "till": {"http": {"token_file": str(tmp_path / "token")}},
        "sales": {"enabled": True},
        "inference": {"detector": "mtcnn", "threads": 1},
    }
    with Box(tmp_path, config, models=tmp_path) as box:
        until(lambda: box.ask("/api/version")[0] == 200, within_s=180, what="the box is up")
        left = {file.name for file in (tmp_path / "state").rglob("*") if file.is_file()}
        box.end()
    names = {re.sub(r"\.db(-wal|-shm|\.lock)$", ".db", name) for name in left}
    assert {"security.db", "sales.db", "sales.key", "identity.json"} <= names
    assert names - NAMED == set()
