"""Places where scenes of this room happen."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.events import Store


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Opens the store of this test, again and again; closes what is left open."""
    opened: list[Store] = []

    def open_(**settings: Any) -> Store:
        store = Store(
            tmp_path / "state" / "security.db", **{"group_s": 0.005, "reserve_bytes": 0, **settings}
        )
        opened.append(store)
        return store

    yield open_
    for store in opened:
        store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB that a test may fill."""
    if os.geteuid() != 0:
        pytest.fail("this test mounts a small tmpfs and needs root: run the suite as root, in a container")
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)
