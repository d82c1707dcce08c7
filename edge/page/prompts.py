"""What stands on a cashier's screen: one open receipt a lane, and whether an ID is asked for. Never an age."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from edge.flow import TillEvent, TillEventType

__all__ = ["LaneScreen", "PromptBoard"]

_END = {TillEventType.RECEIPT_CLOSED, TillEventType.RECEIPT_CANCELLED}
_ANSWER = {TillEventType.ID_VERIFIED, TillEventType.ID_KNOWN, TillEventType.SALE_REFUSED}
_REMEMBERED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneScreen:
    """`receipt` is the open one or None, `asks`: the cashier is asked to check an ID."""

    receipt: str | None = None
    asks: bool = False


class PromptBoard:
    """Follows prompts and till events of every lane. Any thread may tell; `changed` is called after each change.

    What the till touched last is on the screen. A receipt that was parked comes back with its request; a late fact of
    one that is over brings nothing up.
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self.changed = changed
        self._lock = threading.Lock()
        self._lanes: dict[str, _Lane] = {}

    def screen(self, lane: str) -> LaneScreen:
        """What the lane's screen shows now."""
        with self._lock:
            return self._lanes.get(lane, _Lane()).screen

    def requested(self, lane: str, receipt: str) -> None:
        """A check was asked for; nothing comes up where it was answered or over by then."""
        with self._lock:
            mine = self._lanes.setdefault(lane, _Lane())
            if receipt in mine.answered or receipt in mine.over:
                return
            _note(mine.asked, receipt)
            mine.screen = LaneScreen(receipt=receipt, asks=True)
        self.changed()

    def till(self, event: TillEvent) -> None:
        """What the till or this page told."""
        receipt = event.receipt
        with self._lock:
            mine = self._lanes.setdefault(event.lane, _Lane())
            before = mine.screen
            if event.type in _END:
                self._end(mine, receipt)
            elif event.type in _ANSWER:
                _note(mine.answered, receipt)
                if before.receipt == receipt:
                    mine.screen = replace(before, asks=False)
            elif receipt not in mine.over and before.receipt != receipt:
                asks = receipt in mine.asked and receipt not in mine.answered
                mine.screen = LaneScreen(receipt=receipt, asks=asks)
            told = mine.screen != before
        if told:
            self.changed()

    def ended(self, lane: str, receipt: str) -> None:
        """The rules ended the receipt, perhaps without a word from the till."""
        with self._lock:
            mine = self._lanes.setdefault(lane, _Lane())
            before = mine.screen
            self._end(mine, receipt)
            told = mine.screen != before
        if told:
            self.changed()

    def _end(self, mine: _Lane, receipt: str) -> None:
        _note(mine.over, receipt)
        if mine.screen.receipt == receipt:
            mine.screen = LaneScreen()


@dataclass(slots=True)
class _Lane:
    """The newest receipts of one lane that were asked about, answered, or are over; and what its screen shows."""

    screen: LaneScreen = field(default_factory=LaneScreen)
    asked: dict[str, None] = field(default_factory=dict)
    answered: dict[str, None] = field(default_factory=dict)
    over: dict[str, None] = field(default_factory=dict)


def _note(book: dict[str, None], receipt: str) -> None:
    book.pop(receipt, None)
    book[receipt] = None
    if len(book) > _REMEMBERED:
        del book[next(iter(book))]
