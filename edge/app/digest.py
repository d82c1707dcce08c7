"""The shift's digest: isolated sales without a seen customer, told once when the shift is over."""

from __future__ import annotations

from collections import Counter
from typing import Any

from edge.app.digest_shifts import shift_of
from edge.config import Config
from edge.events import CloudEvent, Transaction, build_event, format_time
from edge.events.attention import restricted_sales, unseen_sales
from edge.events.types import SHIFT_DIGEST, WHOLE_BOX

__all__ = ["current_shift", "tell_ended_shifts"]

_UNTIL = "digest until"
_SETTLE_NS = 10 * 10**9
"""A shift is told so long after its end: what was decided in its last second is committed by then."""
_RECEIPTS_MAX = 50
_DAY_NS = 86_400 * 10**9


def current_shift(config: Config, *, at_ns: int) -> tuple[int, int]:
    """`(from_ns, to_ns)` of the shift that runs."""
    return shift_of(at_ns, begin=config.shifts.begin, zone=config.site.time_zone)


def tell_ended_shifts(transaction: Transaction, config: Config, *, at_ns: int) -> int:
    """Commit the digest of every shift that has ended since the last one told; how many there were.

    A sale counts where its alert was committed, so that each is told exactly once, whatever came late or was
    restarted. A shift without any is passed over in silence. The first start begins with the shift that runs; so does
    a box whose clock went back, and one that comes from a clock that was never set begins with what is still kept.
    """
    until_ms = transaction.mark(_UNTIL)
    running_ms = current_shift(config, at_ns=at_ns)[0] // 10**6
    if not until_ms or until_ms > running_ms:
        transaction.set_mark(_UNTIL, running_ms)
        return 0
    kept_ns = at_ns - config.state.security_days * _DAY_NS
    until_ms = max(until_ms, current_shift(config, at_ns=kept_ns)[0] // 10**6)
    told = 0
    while True:
        from_ns = until_ms * 10**6
        to_ns = current_shift(config, at_ns=from_ns)[1]
        if to_ns + _SETTLE_NS > at_ns:
            return told
        event = _digest(transaction, config, from_ns=from_ns, to_ns=to_ns)
        if event is not None:
            told += len(transaction.append([event]).sequences)
        until_ms = to_ns // 10**6
        transaction.set_mark(_UNTIL, until_ms)


def _digest(transaction: Transaction, config: Config, *, from_ns: int, to_ns: int) -> CloudEvent | None:
    unseen = unseen_sales(transaction.connection, from_ms=from_ns // 10**6, to_ms=to_ns // 10**6)
    if not unseen:
        return None
    sales = restricted_sales(transaction.connection, from_ns=from_ns, to_ns=to_ns)
    lanes: list[dict[str, Any]] = []
    for lane in sorted({one.lane for one in unseen}):
        own = [one for one in unseen if one.lane == lane]
        lanes.append(
            {
                "lane": lane,
                "count": len(own),
                "sales": sales.get(lane, 0),
                "reasons": dict(sorted(Counter(one.reason for one in own).items())),
                "receipts": [one.receipt for one in own if one.receipt][:_RECEIPTS_MAX],
            }
        )
    begun, ended = format_time(from_ns), format_time(to_ns)
    return build_event(
        SHIFT_DIGEST,
        store=config.site.store,
        box=config.site.box,
        lane=WHOLE_BOX,
        subject=begun,
        at_ns=to_ns,
        identity=(ended,),
        data={"from": begun, "to": ended, "count": len(unseen), "sales": sum(sales.values()), "lanes": lanes},
    )
