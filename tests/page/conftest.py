"""A shop with its pages open, with one user of each role."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.page.shop import PASSWORD, Shop


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The users file of a whole staff, made once: hashing takes its time by design."""
    shop = Shop(tmp_path_factory.mktemp("staff"))
    for name, role, *lanes in (
        ("vera", "viewer"), ("sam", "security"), ("max", "manager"), ("kate", "cashier", "lane-1"),
    ):  # fmt: skip
        shop.user(name, role, *lanes)
    return shop.people.path.read_bytes()


@pytest.fixture
def shop(tmp_path: Path, staffed: bytes) -> Iterator[Shop]:
    """Three lanes, four people, all with the same password."""
    assert PASSWORD
    (tmp_path / "users.json").write_bytes(staffed)
    shop = Shop(tmp_path).start()
    yield shop
    shop.stop()
