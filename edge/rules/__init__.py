"""Who is the customer, whether a check is due, how a receipt ends: pure, no I/O, no clock, no chance."""

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
from edge.rules.lane import LaneRules
from edge.rules.party import Candidate, PartyVerdict, choose_payer
from edge.rules.policy import AgeRule, Policy
from edge.rules.receipt import Line, ReceiptFacts, fold, in_till_order

__all__ = [
    "AgeRule",
    "AlertKind",
    "AlertRaised",
    "Candidate",
    "CheckRequested",
    "Decision",
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
    "fold",
    "in_till_order",
]
