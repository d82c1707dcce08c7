"""A cashier's screen follows what is being scanned, and never loses a request nor brings one up twice."""

from __future__ import annotations

from edge.flow import TillEvent, TillEventType
from edge.page import LaneScreen, PromptBoard

IDLE = LaneScreen()


class Till:
    """One lane's till in front of a board."""

    def __init__(self) -> None:
        self.changes = 0
        self.board = PromptBoard(self._changed)
        self._ids = 0

    def tell(self, receipt: str, kind: TillEventType = TillEventType.ITEM_ADDED) -> LaneScreen:
        self._ids += 1
        event = TillEvent(id=str(self._ids), lane="lane-1", at_ns=self._ids, type=kind, receipt=receipt)
        self.board.till(event)
        return self.board.screen("lane-1")

    def ask(self, receipt: str) -> LaneScreen:
        self.board.requested("lane-1", receipt)
        return self.board.screen("lane-1")

    def _changed(self) -> None:
        self.changes += 1


def test_a_parked_receipt_comes_back_with_its_request() -> None:
    till = Till()
    till.tell("r-1")
    assert till.ask("r-1") == LaneScreen(receipt="r-1", asks=True)
    assert till.tell("r-2") == LaneScreen(receipt="r-2")
    assert till.tell("r-2", TillEventType.RECEIPT_CLOSED) == IDLE
    assert till.tell("r-1") == LaneScreen(receipt="r-1", asks=True)
    assert till.tell("r-1", TillEventType.ID_VERIFIED) == LaneScreen(receipt="r-1")
    till.tell("r-3")
    assert till.tell("r-1") == LaneScreen(receipt="r-1"), "what was answered is not asked again"


def test_a_late_fact_of_a_receipt_that_is_over_takes_no_request_away() -> None:
    till = Till()
    till.tell("r-1")
    till.tell("r-1", TillEventType.RECEIPT_CLOSED)
    till.tell("r-2")
    till.ask("r-2")
    changes = till.changes
    assert till.tell("r-1") == LaneScreen(receipt="r-2", asks=True)
    assert till.tell("r-1", TillEventType.ID_VERIFIED) == LaneScreen(receipt="r-2", asks=True)
    assert till.ask("r-1") == LaneScreen(receipt="r-2", asks=True)
    assert till.changes == changes
    till.board.ended("lane-1", "r-2")
    assert till.board.screen("lane-1") == IDLE


def test_one_lane_says_nothing_on_the_screen_of_another() -> None:
    till = Till()
    till.ask("r-1")
    assert till.board.screen("lane-2") == IDLE
    till.board.ended("lane-2", "r-1")
    assert till.board.screen("lane-1") == LaneScreen(receipt="r-1", asks=True)
