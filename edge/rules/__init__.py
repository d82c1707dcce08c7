"""Who is the customer, whether a check is due, how a receipt ends: pure, no I/O, no clock, no chance."""

from edge.rules.clock_offset import ClockOffset, estimate_offset
from edge.rules.decisions import (
    AlertKind,
    AlertRaised,
    CheckRequested,
    Decision,
    Outcome,
    PersonTold,
    SaleEnded,
    Severity,
)
from edge.rules.honesty import Challenge, Honesty, honesty, wilson
from edge.rules.lane import AtTill, LaneRules
from edge.rules.party import Candidate, PartyVerdict, choose_payer
from edge.rules.policy import AgeRule, Policy
from edge.rules.receipt import Line, ReceiptFacts, fold, in_till_order

__all__ = [
    "AgeRule",
    "AlertKind",
    "AlertRaised",
    "AtTill",
    "Candidate",
    "Challenge",
    "CheckRequested",
    "ClockOffset",
    "Decision",
    "Honesty",
    "LaneRules",
    "Line",
    "Outcome",
    "PartyVerdict",
    "PersonTold",
    "Policy",
    "ReceiptFacts",
    "SaleEnded",
    "Severity",
    "choose_payer",
    "estimate_offset",
    "fold",
    "honesty",
    "in_till_order",
    "wilson",
]
