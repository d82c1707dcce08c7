"""One receipt, judged: when a check had to be asked for, and how the sale ended. Pure functions of event time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge.flow import AgeEstimate, TillEvent
from edge.rules.decisions import Outcome, Severity
from edge.rules.memory import LaneMemory
from edge.rules.party import PartyVerdict, choose_payer
from edge.rules.policy import AgeRule, Policy
from edge.rules.receipt import ReceiptFacts, fold

__all__ = [
    "GRID_NS",
    "GRID_POINTS_MAX",
    "Circumstances",
    "Due",
    "Verdict",
    "check_due_at",
    "first_due",
    "judge",
    "severity",
]

GRID_NS = 1_000_000_000
GRID_POINTS_MAX = 300
"""A receipt is looked at once a second for five minutes after its first restricted item; later only at new facts."""
_P_DIGITS = 4
"""Probabilities decide as events print them, so that whoever reads the events comes to the same end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """At `at_ns` (the till's time) the customer looked young with a restricted item on the receipt."""

    at_ns: int
    track: str
    estimate: AgeEstimate
    rule: AgeRule
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a receipt ended, and everything that led there."""

    facts: ReceiptFacts
    party: PartyVerdict
    outcome: Outcome
    reason: str | None
    estimate: AgeEstimate | None
    due: Due | None
    rule: AgeRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What else decides: served payers before, spans without sight, the moment of a restart."""

    served: frozenset[str] = frozenset()
    blind_spans_ns: tuple[tuple[int, int], ...] = ()
    restarted_ns: int | None = None

    def blind(self, from_ns: int, to_ns: int) -> bool:
        """Was the lane without sight in any part of the span?"""
        return any(began <= to_ns and ended >= from_ns for began, ended in self.blind_spans_ns)


def check_due_at(
    facts: ReceiptFacts, memory: LaneMemory, policy: Policy, circumstances: Circumstances, at_ns: int
) -> Due | None:
    """Would the cashier be asked for a check at this moment (till time)? `facts` are those up to it."""
    if not facts.restricted or facts.first_item_ns is None or facts.answered:
        return None
    rule = _rule(facts, policy)
    party = _party(facts, memory, policy, circumstances, at_ns)
    for track in _judged(party, policy):
        estimate = memory.estimate(track, at_ns + policy.clock_offset_ns)
        if _looks_young(estimate, rule):
            items = tuple(line.sku for line in facts.restricted)
            return Due(at_ns=at_ns, track=track, estimate=estimate, rule=rule, items=items)
    return None


def customer_at(
    facts: ReceiptFacts, memory: LaneMemory, policy: Policy, circumstances: Circumstances, at_ns: int
) -> AgeEstimate | None:
    """What is known of who would pay if the receipt closed now (till time); None where nobody does for sure."""
    payer = _party(facts, memory, policy, circumstances, at_ns).payer
    return None if payer is None else memory.estimate(payer, at_ns + policy.clock_offset_ns)


def first_due(
    events: Sequence[TillEvent], memory: LaneMemory, policy: Policy, circumstances: Circumstances
) -> Due | None:
    """The first moment up to the close at which a check was due, found anew from event times alone."""
    scanned = [event.at_ns for event in events if event.restricted]
    if not scanned:
        return None
    whole = fold(events)
    from_ns = min(scanned)
    to_ns = whole.closed_ns if whole.closed_ns is not None else whole.last_ns
    offset_ns = policy.clock_offset_ns
    moments = {event.at_ns for event in events if from_ns <= event.at_ns <= to_ns}
    moments |= {at - offset_ns for at in memory.changes(from_ns + offset_ns, to_ns + offset_ns)}
    moments |= set(range(from_ns, to_ns, GRID_NS)[:GRID_POINTS_MAX])
    told, facts = 0, whole
    for at_ns in sorted(moments):
        known = [event for event in events if event.at_ns <= at_ns]
        if len(known) != told:
            told, facts = len(known), fold(known)
        due = check_due_at(facts, memory, policy, circumstances, at_ns)
        if due is not None:
            return due
    return None


def judge(
    events: Sequence[TillEvent], memory: LaneMemory, policy: Policy, circumstances: Circumstances
) -> Verdict:
    """How the receipt ended: the first that holds, in the order of `Outcome`. An open receipt was abandoned."""
    facts = fold(events)
    end_ns = facts.closed_ns if facts.closed_ns is not None else facts.last_ns
    party = _party(facts, memory, policy, circumstances, end_ns)
    estimate = None
    if party.payer is not None:
        estimate = memory.estimate(party.payer, end_ns + policy.clock_offset_ns)
    due = first_due(events, memory, policy, circumstances)
    outcome, reason = _outcome(
        facts, party, estimate, due, memory=memory, policy=policy, circumstances=circumstances
    )
    return Verdict(
        facts=facts,
        party=party,
        outcome=outcome,
        reason=reason,
        estimate=estimate,
        due=due,
        rule=_rule(facts, policy),
    )


def severity(estimate: AgeEstimate | None, rule: AgeRule) -> Severity:
    """How urgent an alert is: by the probability of a minor, then of somebody under the challenge age."""
    if estimate is None or estimate.mean_years is None:
        return Severity.LOW
    if _p_under(estimate, rule.legal_age) >= 0.5:
        return Severity.HIGH
    return Severity.MEDIUM if _p_under(estimate, rule.challenge_age) >= 0.5 else Severity.LOW


def _outcome(
    facts: ReceiptFacts,
    party: PartyVerdict,
    estimate: AgeEstimate | None,
    due: Due | None,
    *,
    memory: LaneMemory,
    policy: Policy,
    circumstances: Circumstances,
) -> tuple[Outcome, str | None]:
    if facts.cancelled_ns is not None:
        return Outcome.CANCELLED, "till"
    if facts.closed_ns is None:
        return Outcome.CANCELLED, "abandoned"
    if facts.refused_ns is not None:
        return Outcome.REFUSED, None
    if not facts.restricted:
        return Outcome.NO_RESTRICTED_ITEM, None
    if facts.verified_ns is not None:
        return Outcome.CHECKED, None
    if facts.known_ns is not None:
        return Outcome.CHECKED, "customer_known"
    if estimate is None:
        return Outcome.UNSEEN, _nobody(facts, party, policy, circumstances)
    if estimate.reason is not None:
        return Outcome.UNSEEN, estimate.reason.value
    rule, close_ns = _rule(facts, policy), facts.closed_ns + policy.clock_offset_ns
    if any(_looks_young(memory.estimate(track, close_ns), rule) for track in _judged(party, policy)):
        return Outcome.UNCHECKED, "not_reported" if policy.reports_id_checks == "none" else None
    return Outcome.NOT_PROMPTED, None if due is None else "prompt_withdrawn"


def _nobody(facts: ReceiptFacts, party: PartyVerdict, policy: Policy, circumstances: Circumstances) -> str:
    if party.ambiguous:
        return "ambiguous"
    began = facts.opened_ns if facts.first_item_ns is None else facts.first_item_ns
    end = facts.closed_ns if facts.closed_ns is not None else facts.last_ns
    offset_ns = policy.clock_offset_ns
    if circumstances.restarted_ns is not None and facts.opened_ns + offset_ns <= circumstances.restarted_ns:
        return "restart"
    return "camera_blind" if circumstances.blind(began + offset_ns, end + offset_ns) else "no_face"


def _party(
    facts: ReceiptFacts, memory: LaneMemory, policy: Policy, circumstances: Circumstances, at_ns: int
) -> PartyVerdict:
    from_ns = facts.opened_ns if facts.first_item_ns is None else facts.first_item_ns
    from_ns, to_ns = from_ns + policy.clock_offset_ns, at_ns + policy.clock_offset_ns
    return choose_payer(
        memory.standing(min(from_ns, to_ns - 10**9), to_ns),
        from_ns=from_ns,
        to_ns=to_ns,
        served=circumstances.served,
    )


def _judged(party: PartyVerdict, policy: Policy) -> tuple[str, ...]:
    if policy.party == "anyone":
        return tuple(candidate.track for candidate in party.candidates)
    return () if party.payer is None else (party.payer,)


def _rule(facts: ReceiptFacts, policy: Policy) -> AgeRule:
    default = policy.default_rule.legal_age
    ages = frozenset(default if age is None else age for age in facts.min_ages)
    return policy.rule_for(ages) if ages else policy.default_rule


def _looks_young(estimate: AgeEstimate, rule: AgeRule) -> bool:
    return estimate.reason is None and _p_under(estimate, rule.challenge_age) >= rule.tau


def _p_under(estimate: AgeEstimate, age: int) -> float:
    return round(estimate.p_under.get(age, 0.0), _P_DIGITS)
