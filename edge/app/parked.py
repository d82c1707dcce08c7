"""Deliveries that a receiver refused for good: seen on the page, sent again when the manager says so."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from edge.app.couriers import build_receiver
from edge.config import Config, SecretError
from edge.events import SinkDown, Store, StoreError, format_time, without_cashier
from edge.events.attention import parked_at, parked_events, unpark

if TYPE_CHECKING:
    from edge.app.outbox import Outbox

__all__ = ["ParkedDeliveries"]

_log = logging.getLogger(__name__)
_AT_ONCE = 200
_GIVE_UP_AFTER = 3
_COMMIT_S = 10.0
_RETRY_S = 20.0


class ParkedDeliveries:
    """Any thread may ask; one retry goes on at a time."""

    def __init__(self, config: Config, outbox: Outbox) -> None:
        self._config = config
        self._outbox = outbox
        self._one_at_a_time = threading.Lock()

    def rows(self, store: Store) -> list[dict[str, Any]]:
        """What is parked: `sink`, `count`, `oldest` (when it was parked), `reason`."""
        return [
            {
                "sink": one.sink,
                "count": one.count,
                "oldest": format_time(one.oldest_ms * 10**6),
                "reason": one.reason,
            }
            for one in store.read(parked_at)
        ]

    def retry(self, sink: str) -> Mapping[str, Any]:
        """Send the sink's parked events once more: `sent`, `left`, and `reason` where one was refused again.

        Each is tried once; after three refusals in a row, or 20 s, the rest stays. Raises KeyError for a sink that is
        not configured, StoreError where there is no store.
        """
        configured = {one.name: one for one in self._config.sinks}[sink]
        store = self._outbox.store
        if store is None:
            raise StoreError("there is no store now")
        with self._one_at_a_time:
            waiting = store.read(lambda connection: parked_events(connection, sink, limit=_AT_ONCE))
            sent: list[int] = []
            reason: str | None = None
            in_a_row = 0
            try:
                receiver = build_receiver(configured, self._config)
            except (SecretError, ValueError) as error:
                return {"sent": 0, "left": len(waiting), "reason": str(error)}
            until_s = time.monotonic() + _RETRY_S
            try:
                for event in waiting:
                    if in_a_row == _GIVE_UP_AFTER or time.monotonic() > until_s:
                        break
                    try:
                        taken = receiver.deliver([replace(event, body=without_cashier(event.body))])
                    except SinkDown as down:
                        taken, reason = 0, str(down)
                    in_a_row = 0 if taken else in_a_row + 1
                    sent += [event.position] if taken else []
            finally:
                receiver.close()
            if sent:
                self._outbox.submit(
                    lambda transaction: unpark(transaction.connection, sink, sent), now=True
                ).result(_COMMIT_S)
            _log.info("parked events were sent again", extra={"sink": sink, "sent": len(sent)})
            return {"sent": len(sent), "left": len(waiting) - len(sent), "reason": reason}
