"""What the rules decide; whoever drives them makes events of it. All times are the box's own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge.flow import AgeEstimate, TrackReport
from edge.rules.party import Candidate
from edge.rules.policy import AgeRule
from edge.rules.receipt import Line

__all__ = [
    "AlertKind",
    "AlertRaised",
    "CheckRequested",
    "Decision",
    "Outcome",
    "PersonTold",
    "SaleEnded",
    "Severity",
]


class Outcome(StrEnum):
    """How a receipt ended; the order is the precedence (`schemas.md`)."""

    CANCELLED = "cancelled"
    REFUSED = "refused"
    NO_RESTRICTED_ITEM = "no_restricted_item"
    CHECKED = "checked"
    UNSEEN = "unseen"
    UNCHECKED = "unchecked"
    NOT_PROMPTED = "not_prompted"


class AlertKind(StrEnum):
    """Why security staff are called."""

    UNCHECKED_SALE = "unchecked_sale"
    UNSEEN_CUSTOMER = "unseen_customer"
    CAMERA_BLIND = "camera_blind"
    TILL_SILENT = "till_silent"


class Severity(StrEnum):
    """`high` where a minor is likelier than not, `medium` where somebody under the challenge age is."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRequested:
    """Ask the cashier for an ID check; `at_ns` is the later of item and estimate.

    `receipt_ns` is the time of the receipt's first fact to arrive: with the number it names the receipt for good,
    since tills give a number again on another day.
    """

    lane: str
    receipt: str
    receipt_ns: int
    track: str
    at_ns: int
    estimate: AgeEstimate
    rule: AgeRule
    items: tuple[str, ...]
    model: str
    cashier: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleEnded:
    """The one end of a receipt. `estimate` is the payer's, frozen at the close; None without a payer.

    `due_ns` is when a check became due by event times alone, None where it never did; `restricted` says whether
    restricted goods were left on the receipt, `refused` whether their sale was refused, however the receipt ended
    afterwards (most are cancelled or the goods struck); `candidates` are all who may have paid, best first
    (`explain`); `lines` are what voids left on it.
    """

    lane: str
    receipt: str
    receipt_ns: int
    opened_ns: int
    at_ns: int
    outcome: Outcome
    reason: str | None
    track: str | None
    estimate: AgeEstimate | None
    due_ns: int | None
    check_delay_s: float | None
    restricted: bool
    rule: AgeRule
    model: str
    candidates: tuple[Candidate, ...]
    cashier: str | None
    lines: tuple[Line, ...] = ()
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised:
    """Security staff should look. `count` grows where one alert stands for several sales.

    `from_ns`..`to_ns` is the span to look at in a recorder, padded. `receipt_ns` as in `CheckRequested`.
    """

    lane: str
    alert: str
    kind: AlertKind
    severity: Severity
    receipt: str | None
    receipt_ns: int
    items: tuple[str, ...]
    at_ns: int
    from_ns: int
    to_ns: int
    estimate: AgeEstimate | None
    count: int
    rule: AgeRule
    model: str
    cashier: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonTold:
    """A track that ended, with the role and the estimate that its receipt gave it."""

    report: TrackReport


Decision = CheckRequested | SaleEnded | AlertRaised | PersonTold
