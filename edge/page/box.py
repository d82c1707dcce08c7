"""What the pages ask of a box: plain callables, so that the pages know no store, no desk and no camera."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Action", "Box", "CashierAct", "FeedEvent"]

Action = Literal["verified", "known", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """One committed event: its place in the order of commits and the CloudEvent's line of JSON."""

    position: int
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CashierAct:
    """A button of the cashier's page: it becomes a till event of the receipt."""

    lane: str
    receipt: str
    action: Action
    by: str


def _nothing_open() -> Iterable[tuple[str, str]]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The box behind the pages. Every callable may take milliseconds and is called outside the event loop.

    `newest()`: place of the newest committed event, 0 where there is none.
    `after(position, limit)`: events of the feed (prompts, outcomes, alerts, acknowledgements, camera states) behind it.
    `alerts(limit)`: the newest alerts, newest first: the alert event's `data` with `open` and `acknowledged`
    ({"by", "outcome", "note", "at"} or None) beside it.
    `state()`: {"lanes": [{"lane", "camera": {"name", "state", "reason", "fps", "warnings"}, "till": {"state", "last"},
    "last_customer", "checks"}], "labels": [counts by kind of alert], "notices": [text]}; times RFC 3339 or None,
    `till.state` one of up, silent, none; `warnings` of moved, soiled, drift.
    `acknowledge(alert, by, outcome, note)`: done after commit; False for no such alert.
    `act(CashierAct)`: done when the till event is in the inbox. `assist(lane, by)`: done when the call is committed.
    `open_prompts()`: `(lane, receipt)` of prompts that stood when the process began.
    `explain(receipt, lane)`: the facts behind a receipt, newest last; None where the box has no such thing.
    `gaps()`: [{"lane", "kind", "from", "to"}], spans in which camera or till was blind.
    `test_alert(by)`: puts a marked test into the feed and sends it through every sink; [{"sink", "ok", "detail"}].
    `digests()`: the newest shift digests' `data`, newest first.
    `retry_parked(sink)`: sends what is parked once more; {"sent", "left", "reason"}. KeyError for no such sink.
    `weeks()`: weeks that can be shown, newest first. `week(name)`: the figures of one; ValueError for no week.
    `sign_week(name, by)`: done when the sign-off is in the register; the future raises ValueError with a word.

    On a store's hub, `state()` has "boxes" ([{"box", "state", "heard"}], `state` one of up, waiting, silent, offline)
    and lanes and alerts carry "box"; those of other boxes "elsewhere" too, and their alerts are named `box:alert`.
    """

    lanes: tuple[str, ...]
    newest: Callable[[], int]
    after: Callable[[int, int], Sequence[FeedEvent]]
    alerts: Callable[[int], Sequence[Mapping[str, Any]]]
    state: Callable[[], Mapping[str, Any]]
    acknowledge: Callable[[str, str, str, str], Future[bool]]
    act: Callable[[CashierAct], Future[Any]] | None = None
    assist: Callable[[str, str], Future[Any]] | None = None
    open_prompts: Callable[[], Iterable[tuple[str, str]]] = _nothing_open
    explain: Callable[[str, str | None], Sequence[Mapping[str, Any]]] | None = None
    gaps: Callable[[], Sequence[Mapping[str, Any]]] | None = None
    test_alert: Callable[[str], Sequence[Mapping[str, Any]]] | None = None
    digests: Callable[[], Sequence[Mapping[str, Any]]] | None = None
    retry_parked: Callable[[str], Mapping[str, Any]] | None = None
    weeks: Callable[[], Sequence[str]] | None = None
    week: Callable[[str], Mapping[str, Any]] | None = None
    sign_week: Callable[[str, str], Future[Any]] | None = None
    buttons: frozenset[str] = frozenset()
    """Lanes whose checks are told by the cashier's page (`reports_id_checks: page`)."""
    unreported: frozenset[str] = frozenset()
    """Lanes where nobody tells checks (`reports_id_checks: none`)."""
