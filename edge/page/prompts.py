"""What stands on a cashier's screen: one open receipt a lane, and whether an ID is asked for. Never an age."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

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
    """Follows prompts and till events of every lane. Any thread may tell; `changed` is called after each change."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self.changed = changed
        self._lock = threading.Lock()
        self._screens: dict[str, LaneScreen] = {}
        self._answered: dict[str, dict[str, None]] = {}

    def screen(self, lane: str) -> LaneScreen:
        """What the lane's screen shows now."""
        with self._lock:
            return self._screens.get(lane, LaneScreen())

    def requested(self, lane: str, receipt: str) -> None:
        """A check was asked for; nothing comes up where it was answered or over by then."""
        with self._lock:
            if receipt in self._answered.get(lane, ()):
                return
            self._screens[lane] = LaneScreen(receipt=receipt, asks=True)
        self.changed()

    def till(self, event: TillEvent) -> None:
        """What the till or this page told."""
        lane, receipt = event.lane, event.receipt
        with self._lock:
            now = self._screens.get(lane, LaneScreen())
            if event.type in _END:
                self._note_answer(lane, receipt)
                after = LaneScreen() if now.receipt == receipt else now
            elif event.type in _ANSWER:
                self._note_answer(lane, receipt)
                after = replace(now, asks=False) if now.receipt == receipt else now
            elif now.receipt == receipt:
                after = now
            else:
                after = LaneScreen(receipt=receipt)
            self._screens[lane] = after
        if after != now:
            self.changed()

    def ended(self, lane: str, receipt: str) -> None:
        """The rules ended the receipt, perhaps without a word from the till."""
        with self._lock:
            self._note_answer(lane, receipt)
            now = self._screens.get(lane)
            if now is None or now.receipt != receipt:
                return
            self._screens[lane] = LaneScreen()
        self.changed()

    def _note_answer(self, lane: str, receipt: str) -> None:
        mine = self._answered.setdefault(lane, {})
        mine.pop(receipt, None)
        mine[receipt] = None
        if len(mine) > _REMEMBERED:
            del mine[next(iter(mine))]
