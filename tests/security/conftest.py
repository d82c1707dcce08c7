"""One guarded box for the tests of this folder: none of them harms it for the others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.security.guarded_box import GuardedBox, guarded_box


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBox]:
    with guarded_box(tmp_path_factory.mktemp("guarded")) as box:
        yield box
