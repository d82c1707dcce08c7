"""A file of till events, one JSON object a line, read as a whole (`replay --till`)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge.flow import TillEvent
from edge.till.reading import TillReader, parse_json
from edge.till.refusal import TillEventRefused

__all__ = ["read_lines_file"]


def read_lines_file(file: Path, reader: TillReader, *, refused: Callable[[str], None]) -> list[TillEvent]:
    """Every event of the file in its order; `refused` hears of each line that is none, as `FILE:LINE: reason`.

    A repeated id is taken once. Raises OSError where the file cannot be read, TillEventRefused (the first reason)
    where it has lines and none of them is an event.
    """
    events: dict[str, TillEvent] = {}
    first: TillEventRefused | None = None
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            event = reader.read(parse_json(line))
        except TillEventRefused as error:
            first = first or error
            refused(f"{file}:{number}: {error}")
            continue
        events.setdefault(event.id, event)
    if first is not None and not events:
        raise first
    return list(events.values())
