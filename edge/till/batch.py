"""One message of a till (HTTP body, MQTT payload, lines of a file) taken apart: good events, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge.flow import TillEvent
from edge.till.birth import without_birth_dates
from edge.till.inbox import DeadLetter, Kept
from edge.till.reading import TillReader, parse_json
from edge.till.refusal import Refusal, TillEventRefused

__all__ = ["Batch", "Rejected", "answer", "read_batch", "read_documents"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The place of a refused event within its batch, its id where it had one, and why."""

    index: int
    id: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a message held: events to keep, refusals for the sender, and the same as dead letters."""

    events: tuple[TillEvent, ...]
    rejected: tuple[Rejected, ...]
    letters: tuple[DeadLetter, ...]


def read_batch(raw: bytes, reader: TillReader, *, door: str) -> Batch:
    """One event or an array of them. Raises TillEventRefused where nothing could be parsed: no object, no array."""
    document = parse_json(raw)
    if not isinstance(document, dict | list):
        raise TillEventRefused(Refusal.NOT_AN_OBJECT, "one event as a JSON object, or an array of them")
    return read_documents(document if isinstance(document, list) else [document], reader, door=door)


def read_documents(documents: Sequence[Any], reader: TillReader, *, door: str) -> Batch:
    """Parsed JSON, event by event; a bad one does not keep the good ones back."""
    events, rejected, letters = [], [], []
    for index, document in enumerate(documents):
        try:
            events.append(reader.read(document))
        except TillEventRefused as refused:
            rejected.append(Rejected(index=index, id=refused.event_id, reason=str(refused)))
            letters.append(
                DeadLetter(
                    door=door,
                    reason=refused.reason,
                    detail=refused.detail,
                    event_id=refused.event_id,
                    document=without_birth_dates(document)[0],
                )
            )
    return Batch(events=tuple(events), rejected=tuple(rejected), letters=tuple(letters))


def answer(batch: Batch, kept: Kept) -> dict[str, Any]:
    """The body of a 200 (`schemas.md`): what became of a batch, after its commit."""
    return {
        "accepted": len(kept.new),
        "duplicate": kept.duplicates,
        "rejected": [{"index": one.index, "id": one.id, "reason": one.reason} for one in batch.rejected],
    }
