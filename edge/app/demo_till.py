"""The demo's till: rings up whoever stands in the customer zone and tells of it by HTTP, as a real till would."""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from edge.events import format_time
from edge.flow import Role, TillEventType

if TYPE_CHECKING:
    from edge.app.daemon import Daemon

__all__ = ["DemoTill", "till_of"]

_log = logging.getLogger(__name__)
_LOOK_S = 0.1
_AGAIN_S = 10.0
"""Who still stands there after so long buys once more: before a camera of one's own nobody else may come."""
_SCAN_S = 0.5
_ASKED_WITHIN_S = 2.0
_CHECK_S = 2.2
"""A check that takes less counts as hasty (`policy.min_check_seconds`)."""
_TIMEOUT_S = 5.0
_BREAD = {"sku": "4600000000017", "name": "Bread", "category": "bakery", "unit_price": "0.95"}
_BEER = {"sku": "4600000000024", "name": "Lager 0.5", "category": "alcohol", "unit_price": "1.29"}
_ANSWERS = (TillEventType.ID_VERIFIED, None, TillEventType.SALE_REFUSED)
"""What the cashier does when asked, in turn: sees an ID, sells without, refuses."""


class DemoTill:
    """One till with its cashier, in a thread of its own between `start` and `stop`."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        lane: str,
        customer: Callable[[], str | None],
        asks: Callable[[str], bool],
    ) -> None:
        """`customer`: the track of who stands at the till now. `asks`: does the cashier's screen ask about a receipt?

        `url` is the box's own, `token` that of its HTTP door.
        """
        self._address = urlsplit(url).netloc
        self._token = token
        self._lane = lane
        self._customer = customer
        self._asks = asks
        self._answers = cycle(_ANSWERS)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo till", daemon=True)
        self._told = 0
        self.failures = 0

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the customer standing."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_TIMEOUT_S + 1)

    def _run(self) -> None:
        served, served_s = None, 0.0
        receipt = 0
        while not self._stopping.wait(_LOOK_S):
            track = self._customer()
            if track is None or (track == served and time.monotonic() - served_s < _AGAIN_S):
                continue
            receipt += 1
            try:
                self._sale(f"demo-{receipt}")
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.failures += 1
                _log.warning("the demo's till was not heard: %s", error, extra={"receipt": f"demo-{receipt}"})
            served, served_s = track, time.monotonic()

    def _sale(self, receipt: str) -> None:
        """Bread and beer; the cashier answers a request or not, by turns."""
        self._tell(TillEventType.RECEIPT_OPENED, receipt)
        self._stopping.wait(_SCAN_S)
        self._tell(TillEventType.ITEM_ADDED, receipt, _BREAD)
        self._stopping.wait(_SCAN_S)
        self._tell(TillEventType.ITEM_ADDED, receipt, _BEER)
        answer = next(self._answers) if self._is_asked(receipt) else None
        if answer is not None:
            self._stopping.wait(_CHECK_S)
            self._tell(answer, receipt)
        if answer is TillEventType.SALE_REFUSED:
            self._tell(TillEventType.ITEM_VOIDED, receipt, {"sku": _BEER["sku"]})
        self._stopping.wait(_SCAN_S)
        self._tell(TillEventType.RECEIPT_CLOSED, receipt)

    def _is_asked(self, receipt: str) -> bool:
        end_s = time.monotonic() + _ASKED_WITHIN_S
        while time.monotonic() < end_s and not self._stopping.wait(_LOOK_S):
            if self._asks(receipt):
                return True
        return False

    def _tell(self, kind: TillEventType, receipt: str, goods: Mapping[str, Any] | None = None) -> None:
        """Raises OSError, HTTPException or ValueError where the box does not take it."""
        self._told += 1
        event = {
            "id": f"{receipt}-{self._told}",
            "lane": self._lane,
            "at": format_time(time.time_ns()),
            "type": kind.value,
            "receipt": receipt,
            "cashier": "demo",
            **(goods or {}),
        }
        line = http.client.HTTPConnection(self._address, timeout=_TIMEOUT_S)
        try:
            headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
            line.request("POST", "/api/till", json.dumps(event), headers)
            answer = line.getresponse()
            told = answer.read().decode("utf-8", "replace")
        finally:
            line.close()
        if answer.status != 200 or json.loads(told)["accepted"] != 1:
            raise ValueError(f"{answer.status} {told[:200]}")


def till_of(daemon: Daemon, token: str) -> DemoTill:
    """A till at the first lane of a box that has been started. Its cashier sees what the cashier's page shows."""
    lane = daemon.config.lanes[0].name
    board = daemon.page_side.pages.board

    def customer() -> str | None:
        here = tuple(daemon.lanes_now[lane].copy().values())
        return next((report.track for report in here if report.role is Role.CUSTOMER), None)

    def asks(receipt: str) -> bool:
        screen = board.screen(lane)
        return screen.asks and screen.receipt == receipt

    return DemoTill(daemon.web.url if daemon.web else "", token, lane=lane, customer=customer, asks=asks)
