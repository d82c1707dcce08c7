"""The order of events within a source."""

from __future__ import annotations

from collections.abc import Mapping

from edge.events.cloudevent import CloudEvent

__all__ = ["Sequencer"]


class Sequencer:
    """Numbers events 1, 2, 3 … within each source, in the order in which they are given.

    For one thread. `last` is where each source stood; the store keeps its own numbers on disk.
    """

    def __init__(self, *, last: Mapping[str, int] | None = None) -> None:
        self._last = dict(last or {})

    def number(self, event: CloudEvent) -> CloudEvent:
        """Give the event the next number of its source."""
        sequence = self._last.get(event.source, 0) + 1
        self._last[event.source] = sequence
        return event.numbered(sequence)
