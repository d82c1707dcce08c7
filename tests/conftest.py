"""Fixtures that every room's tests may use."""

from __future__ import annotations

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SHARED = CHECKOUT.parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of research material beside the checkout; a test that needs it fails where it is missing."""
    if not (SHARED / "models").is_dir():
        pytest.fail("the folder 'shared' with data, models and video must stand beside the checkout")
    return SHARED
