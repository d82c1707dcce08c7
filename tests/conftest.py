"""Fixtures that every room's tests may use."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SHARED = CHECKOUT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of research material beside the checkout; a test that needs it fails where it is missing."""
    if not (SHARED / "models").is_dir():
        pytest.fail("the folder 'shared' with data, models and video must stand beside the checkout")
    return SHARED


class Measured(Protocol):
    """`measured("camera unplugged", "told after 2.1 s")`: for this fault's row in docs/reliability.md.

    The fault is a plain string: `tests/reliability` finds by it which tests a row rests on. Counts stand for the `{}`
    of the words, and are added up over a test's parameters.
    """

    def __call__(self, fault: str, words: str, *counts: int) -> None: ...


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Measured:
    """Takes down what a test saw."""

    def take_down(fault: str, words: str, *counts: int) -> None:
        record_property(f"measured {fault}", json.dumps([words, *counts], ensure_ascii=False))

    return take_down
