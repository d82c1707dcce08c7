"""Which partitions a folder of marketing's files has. What may not be looked into is an error, never left out."""

from __future__ import annotations

from pathlib import Path

__all__ = ["files_of", "partitions_in"]


def partitions_in(root: Path) -> list[tuple[str, str, Path]]:
    """Store, day as it is written and folder of every `store=…/date=…`, sorted; none where `root` is not there.

    `Path.glob` passes over a folder without the right to read it; this raises PermissionError, which names it.
    """
    if not root.is_dir():
        return []
    return [
        (store.name.partition("=")[2], day.name.partition("=")[2], day)
        for store in _folders(root, "store=")
        for day in _folders(store, "date=")
    ]


def files_of(folder: Path, kind: str) -> list[Path]:
    """The files with rows of a partition. Raises PermissionError."""
    return sorted(
        file for file in folder.iterdir() if file.name.startswith("part-") and file.suffix == f".{kind}"
    )


def _folders(root: Path, prefix: str) -> list[Path]:
    return sorted(one for one in root.iterdir() if one.name.startswith(prefix) and one.is_dir())
