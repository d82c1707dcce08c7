"""What the events of one receipt add up to, whatever order they came in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum

from edge.flow import TillEvent, TillEventType

__all__ = ["Line", "ReceiptFacts", "fold", "in_till_order"]


class _Rank(IntEnum):
    """Facts of the same moment: what opens comes before what adds, what ends comes last."""

    OPEN = 0
    ADD = 1
    VOID = 2
    CHECK = 3
    END = 4


_RANKS = {
    TillEventType.RECEIPT_OPENED: _Rank.OPEN,
    TillEventType.ITEM_ADDED: _Rank.ADD,
    TillEventType.ITEM_VOIDED: _Rank.VOID,
    TillEventType.ID_VERIFIED: _Rank.CHECK,
    TillEventType.ID_KNOWN: _Rank.CHECK,
    TillEventType.SALE_REFUSED: _Rank.CHECK,
    TillEventType.RECEIPT_CLOSED: _Rank.END,
    TillEventType.RECEIPT_CANCELLED: _Rank.END,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of goods that is still on the receipt: `quantity` is what voids left, above zero."""

    sku: str
    name: str | None
    quantity: Decimal
    added_ns: int
    restricted: bool
    min_age: int | None
    category: str | None = None
    unit_price: Decimal | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptFacts:
    """A receipt at one moment. Times are the till's; None where it has not happened (yet)."""

    receipt: str
    lane: str
    opened_ns: int
    last_ns: int
    first_item_ns: int | None
    closed_ns: int | None
    cancelled_ns: int | None
    refused_ns: int | None
    verified_ns: int | None
    known_ns: int | None
    cashier: str | None
    lines: tuple[Line, ...]

    @property
    def restricted(self) -> tuple[Line, ...]:
        """The lines that need an age, in the order of the scan."""
        return tuple(line for line in self.lines if line.restricted)

    @property
    def min_ages(self) -> frozenset[int | None]:
        """The legal ages of what is restricted; None stands for goods whose age only the policy knows."""
        return frozenset(line.min_age for line in self.restricted)

    @property
    def answered(self) -> bool:
        """Was an ID looked at, the customer known, or the sale refused or cancelled? Then nobody is asked any more."""
        done = (self.verified_ns, self.known_ns, self.refused_ns, self.cancelled_ns)
        return any(at_ns is not None for at_ns in done)

    @property
    def open(self) -> bool:
        """Neither closed nor cancelled."""
        return self.closed_ns is None and self.cancelled_ns is None


def fold(events: Iterable[TillEvent]) -> ReceiptFacts:
    """Add up the events of one receipt. Order of arrival does not matter, a repeated id counts once.

    A void takes back quantity from the newest line that it names (by `line`, by `sku` where no goods have that line),
    and from older ones for the rest; what it takes back beyond the receipt is ignored. Events after the first close or
    cancel still count where their own time lies before it. Raises ValueError for no events or for several receipts.
    """
    ordered = in_till_order({event.id: event for event in events}.values())
    if not ordered:
        raise ValueError("a receipt has at least one event; got none")
    if len({event.receipt for event in ordered}) != 1:
        raise ValueError(f"events of one receipt; got {sorted({event.receipt for event in ordered})}")
    ends = (TillEventType.RECEIPT_CLOSED, TillEventType.RECEIPT_CANCELLED)
    end = next((number for number, event in enumerate(ordered) if event.type in ends), len(ordered) - 1)
    ordered = ordered[: end + 1]
    first: dict[TillEventType, int] = {}
    for event in ordered:
        first.setdefault(event.type, event.at_ns)
    return ReceiptFacts(
        receipt=ordered[0].receipt,
        lane=ordered[0].lane,
        opened_ns=ordered[0].at_ns,
        last_ns=ordered[-1].at_ns,
        first_item_ns=first.get(TillEventType.ITEM_ADDED),
        closed_ns=first.get(TillEventType.RECEIPT_CLOSED),
        cancelled_ns=first.get(TillEventType.RECEIPT_CANCELLED),
        refused_ns=first.get(TillEventType.SALE_REFUSED),
        verified_ns=first.get(TillEventType.ID_VERIFIED),
        known_ns=first.get(TillEventType.ID_KNOWN),
        cashier=next((event.cashier for event in ordered if event.cashier is not None), None),
        lines=_after_voids(ordered),
    )


def in_till_order(events: Iterable[TillEvent]) -> list[TillEvent]:
    """By the till's time; facts of one moment in the order in which a sale goes, whatever order they came in."""
    return sorted(events, key=lambda event: (event.at_ns, _RANKS[event.type], event.id))


def _after_voids(ordered: list[TillEvent]) -> tuple[Line, ...]:
    """Quantities per scanned line; a void looks backwards, as a cashier does who strikes the last one."""
    lines: list[tuple[TillEvent, Decimal]] = []
    for event in ordered:
        if event.type is TillEventType.ITEM_ADDED:
            lines.append((event, event.quantity))
        elif event.type is TillEventType.ITEM_VOIDED:
            named, left = _named(lines, event)
            for number in named:
                added, quantity = lines[number]
                taken = min(left, quantity)
                lines[number] = (added, quantity - taken)
                left -= taken
    return tuple(
        Line(
            sku=added.sku or "",
            name=added.name,
            quantity=quantity,
            added_ns=added.at_ns,
            restricted=added.restricted,
            min_age=added.min_age,
            category=added.category,
            unit_price=added.unit_price,
            currency=added.currency,
        )
        for added, quantity in lines
        if quantity > 0
    )


def _named(lines: list[tuple[TillEvent, Decimal]], void: TillEvent) -> tuple[list[int], Decimal]:
    """Which lines a void takes from, newest first, and how much in all.

    Some tills number the void's own line: where no goods have that number, its `sku` says what is meant, and without a
    quantity that fits the newest such line goes as a whole.
    """
    backwards = range(len(lines) - 1, -1, -1)
    if void.line is None:
        return [number for number in backwards if lines[number][0].sku == void.sku], void.quantity
    by_line = [number for number in backwards if lines[number][0].line == void.line]
    if by_line or void.sku is None:
        return by_line, void.quantity
    by_sku = [number for number in backwards if lines[number][0].sku == void.sku and lines[number][1] > 0]
    if void.quantity > sum(lines[number][1] for number in by_sku):
        return by_sku[:1], void.quantity
    return by_sku, void.quantity
