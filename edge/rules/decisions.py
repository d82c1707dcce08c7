"""What the rules decide; whoever drives them makes events of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge.flow import AgeEstimate, TrackReport
from edge.rules.party import Candidate

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
    """Ask the cashier for an ID check; `at_ns` is the later of item and estimate."""

    lane: str
    receipt: str
    track: str
    at_ns: int
    p_under: dict[int, float]
    challenge_age: int
    tau: float
    items: tuple[str, ...]
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleEnded:
    """The one end of a receipt. `estimate` is the payer's, frozen at the close; None without a payer."""

    lane: str
    receipt: str
    at_ns: int
    outcome: Outcome
    reason: str | None
    track: str | None
    estimate: AgeEstimate | None
    check_delay_s: float | None
    model: str
    candidates: tuple[Candidate, ...]
    cashier: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRaised:
    """Security staff should look. `count` grows where one alert stands for several sales."""

    lane: str
    alert: str
    kind: AlertKind
    severity: Severity
    receipt: str | None
    items: tuple[str, ...]
    at_ns: int
    from_ns: int
    to_ns: int
    estimate: AgeEstimate | None
    count: int
    model: str
    cashier: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonTold:
    """A track that ended, with the role and the estimate that its receipt gave it."""

    report: TrackReport


Decision = CheckRequested | SaleEnded | AlertRaised | PersonTold
