"""What a sink is, and what it may be given."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Protocol

from edge.events.store import StoredEvent
from edge.events.types import EVENT_TYPES, Purpose

__all__ = ["Sink", "allowed_types", "without_cashier"]


class Sink(Protocol):
    """Hands events on to one receiver; the courier calls it from its own thread."""

    def deliver(self, batch: Sequence[StoredEvent]) -> int:
        """Hand on the batch in order and return how many of its first events the receiver has for good.

        Fewer than all means: come again with the rest. Raises SinkDown where none was taken. Ends
        within about 30 s, whatever the receiver does.
        """

    def close(self) -> None:
        """Let go of the receiver and make a `deliver` under way end soon. From any thread; safe to repeat."""


def allowed_types(purpose: str, narrow: Collection[str] | None = None) -> frozenset[str]:
    """The event types that a sink of this purpose gets, or those of them that it asked for.

    Raises ValueError for a purpose or type that is unknown or outside the purpose, with what is allowed.
    """
    try:
        known = Purpose(purpose)
    except ValueError as error:
        raise ValueError(f"purpose {purpose!r} is not known: one of {', '.join(Purpose)}") from error
    within = frozenset(name for name, kind in EVENT_TYPES.items() if known in kind.purposes)
    if narrow is None:
        return within
    outside = sorted(set(narrow) - within)
    if outside:
        raise ValueError(
            f"a sink for {known.value} does not get {', '.join(outside)}: allowed are {', '.join(sorted(within))}"
        )
    return frozenset(narrow)


def without_cashier(body: str) -> str:
    """The event without the cashier's name, byte for byte the same where there is none."""
    if '"cashier"' not in body:
        return body
    event = json.loads(body)
    event["data"].pop("cashier", None)
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))
