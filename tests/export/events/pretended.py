"""Pretended stores for the tests of this room: simulated, exported, reported by the commands themselves."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.cli import main


def simulated(state: Path, *options: str) -> dict[str, Any]:
    """Simulate a store; its truth."""
    assert main(["simulate-store", "--out", str(state), *options]) == 0
    return dict(json.loads((state / "truth.json").read_text(encoding="utf-8")))


def exported(state: Path, out: Path) -> Path:
    """Export a store's days."""
    assert main(["export-events", "--from", str(state), "--to", str(out)]) == 0
    return out


def reported(data: Path, folder: Path, *options: str) -> dict[str, Any]:
    """Report an export; the JSON."""
    told = folder / "report.json"
    assert (
        main(["report", str(data), "--out", str(folder / "report.html"), "--json", str(told), *options]) == 0
    )
    return dict(json.loads(told.read_text(encoding="utf-8")))


def said_to_nobody(act: Callable[[], object], folder: Path) -> str:
    """The words of what `act` raises for a user without rights; `folder` and what leads to it is opened to him.

    Root may look into anything, so there a child becomes nobody first.
    """
    for one in (folder, *list(folder.parents)[:3]):
        one.chmod(one.stat().st_mode | 0o055)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "nothing was raised"
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            act()
        except Exception as error:  # noqa: BLE001 - told to the test
            said = f"{type(error).__name__}: {error}"
        finally:
            os.write(writing, said.encode())
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as stream:
        return stream.read().decode()
