"""The life of one lane's receipts: prompts as facts arrive, outcomes and alerts when lateness has passed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from edge.flow import Role, Sighting, TillEvent, TrackReport
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
from edge.rules.judge import (
    GRID_NS,
    GRID_POINTS_MAX,
    Circumstances,
    Due,
    Verdict,
    check_due_at,
    judge,
    severity,
)
from edge.rules.memory import LaneMemory
from edge.rules.policy import Policy
from edge.rules.receipt import fold

__all__ = ["LaneRules"]

_HOLD_NS = 30 * 10**9
"""A person who left is told after so long even where their receipt is still open."""
_KEEP_NS = 180 * 10**9
"""Sightings are kept for so long before the oldest receipt that is not decided yet."""


@dataclass(slots=True)
class _Receipt:
    events: list[TillEvent] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    prompted: bool = False
    restricted_ns: int | None = None
    grid_point: int = 0

    def add(self, event: TillEvent) -> bool:
        if event.id in self.ids:
            return False
        self.ids.add(event.id)
        self.events.append(event)
        if event.restricted and (self.restricted_ns is None or event.at_ns < self.restricted_ns):
            self.restricted_ns, self.grid_point = event.at_ns, 0
        return True


class LaneRules:
    """One lane: `on_till`, `on_sightings`, `on_age`, `on_camera`, `tick(now)`. Deterministic; no I/O, no clock.

    Times of till events are the till's own; those of cameras and `now` are the box's. The policy's
    `clock_offset_s` is added to the first to compare them with the others.
    """

    def __init__(self, *, lane: str, policy: Policy, restarted_ns: int | None = None) -> None:
        self.lane = lane
        self._policy = policy
        self._restarted_ns = restarted_ns
        self._offset_ns = round(policy.clock_offset_s * 1e9)
        self._memory = LaneMemory()
        self._open: dict[str, _Receipt] = {}
        self._decided: dict[str, int] = {}
        self._served: dict[str, int] = {}
        self._left: list[TrackReport] = []
        self._roles: dict[str, tuple[Role, int]] = {}
        self._blind_from_ns: int | None = None
        self._blind_spans: list[tuple[int, int]] = []
        self._blind_count = 0

    def on_till(self, event: TillEvent) -> list[Decision]:
        """One fact of the till, in any order; a repeated id and a receipt that has ended change nothing."""
        if event.lane != self.lane:
            raise ValueError(f"rules of lane {self.lane} got an event of lane {event.lane}")
        if event.receipt in self._decided:
            return []
        receipt = self._open.setdefault(event.receipt, _Receipt())
        if not receipt.add(event):
            return []
        return self._prompts(event.receipt, max(one.at_ns for one in receipt.events))

    def on_sightings(self, sightings: Iterable[Sighting]) -> None:
        """Who was to be seen in one searched frame."""
        self._memory.see(sightings)

    def on_age(self, report: TrackReport) -> list[Decision]:
        """A changed estimate, or a track that ended: that one is told once its role is known."""
        self._memory.learn(report)
        if report.ended:
            self._left.append(report)
            return []
        return self._prompts_of_all(report.to_ns - self._offset_ns)

    def on_camera(self, *, blind: bool, at_ns: int) -> list[Decision]:
        """The lane lost or regained its sight. A blind lane has one alert, open as long as it is blind."""
        if blind and self._blind_from_ns is None:
            self._blind_from_ns, self._blind_count = at_ns, 0
            return [self._blind_alert(at_ns, receipt=None, items=())]
        if not blind and self._blind_from_ns is not None:
            self._blind_spans.append((self._blind_from_ns, at_ns))
            self._blind_from_ns = None
        return []

    def tick(self, now_ns: int) -> list[Decision]:
        """Time has passed: what waited long enough for late facts is decided, in order of event time."""
        decisions = self._prompts_by_time(now_ns)
        lateness_ns = round(self._policy.lateness_s * 1e9)
        timeout_ns = round(self._policy.receipt_timeout_s * 1e9)
        ripe = []
        for name, receipt in self._open.items():
            facts = fold(receipt.events)
            end_ns = facts.closed_ns if facts.closed_ns is not None else facts.cancelled_ns
            due_ns = facts.last_ns + timeout_ns if end_ns is None else end_ns + lateness_ns
            if due_ns + self._offset_ns <= now_ns:
                ripe.append((facts.last_ns if end_ns is None else end_ns, name))
        for end_ns, name in sorted(ripe):
            decisions += self._end(name, end_ns)
        decisions += self._tell_left(now_ns)
        self._forget(now_ns)
        return decisions

    def finish(self, now_ns: int) -> list[Decision]:
        """Nothing comes any more (a clip's end): open receipts are abandoned, everybody is told."""
        decisions = []
        for _, name in sorted((fold(receipt.events).last_ns, name) for name, receipt in self._open.items()):
            decisions += self._end(name, fold(self._open[name].events).last_ns)
        return decisions + self._tell_left(now_ns + _HOLD_NS)

    def explain(self, receipt: str) -> Verdict | None:
        """How an open receipt would end now; None for one that is not open."""
        found = self._open.get(receipt)
        return None if found is None else judge(found.events, self._memory, self._policy, self._around())

    def _prompts_of_all(self, at_ns: int) -> list[Decision]:
        return [decision for name in list(self._open) for decision in self._prompts(name, at_ns)]

    def _prompts_by_time(self, now_ns: int) -> list[Decision]:
        """Payers become clear without a new fact: look again at the same moments at which `first_due` looks."""
        decisions: list[Decision] = []
        for name, receipt in self._open.items():
            if receipt.prompted or receipt.restricted_ns is None:
                continue
            point = (now_ns - self._offset_ns - receipt.restricted_ns) // GRID_NS
            if receipt.grid_point < point < GRID_POINTS_MAX:
                receipt.grid_point = point
                decisions += self._prompts(name, receipt.restricted_ns + point * GRID_NS)
        return decisions

    def _prompts(self, name: str, at_ns: int) -> list[Decision]:
        receipt = self._open[name]
        if receipt.prompted or receipt.restricted_ns is None:
            return []
        closed_ns = fold(receipt.events).closed_ns
        at_ns = max(at_ns if closed_ns is None else min(at_ns, closed_ns), receipt.restricted_ns)
        due = check_due_at(receipt.events, self._memory, self._policy, self._around(), at_ns)
        if due is None:
            return []
        receipt.prompted = True
        return [self._request(name, due)]

    def _request(self, receipt: str, due: Due) -> CheckRequested:
        return CheckRequested(
            lane=self.lane,
            receipt=receipt,
            track=due.track,
            at_ns=due.at_ns,
            p_under=dict(due.estimate.p_under),
            challenge_age=due.rule.challenge_age,
            tau=due.rule.tau,
            items=due.items,
            model=self._memory.model(due.track),
        )

    def _end(self, name: str, end_ns: int) -> list[Decision]:
        verdict = judge(self._open[name].events, self._memory, self._policy, self._around())
        del self._open[name]
        self._decided[name] = end_ns
        payer = verdict.party.payer
        facts = verdict.facts
        if payer is not None and facts.cancelled_ns is None and facts.closed_ns is not None:
            self._served[payer] = end_ns
            self._roles[payer] = (Role.CUSTOMER, end_ns + self._offset_ns)
            for companion in verdict.party.companions:
                self._roles.setdefault(companion, (Role.COMPANION, end_ns + self._offset_ns))
        checked_ns = facts.verified_ns if facts.verified_ns is not None else facts.known_ns
        delay_ns = None if verdict.due is None or checked_ns is None else checked_ns - verdict.due.at_ns
        ended = SaleEnded(
            lane=self.lane,
            receipt=name,
            at_ns=end_ns,
            outcome=verdict.outcome,
            reason=verdict.reason,
            track=payer,
            estimate=verdict.estimate,
            check_delay_s=None if delay_ns is None or delay_ns < 0 else delay_ns / 1e9,
            model=self._memory.model(payer),
            candidates=verdict.party.candidates,
            cashier=facts.cashier,
        )
        return [ended, *self._alerts(name, verdict, end_ns)]

    def _alerts(self, name: str, verdict: Verdict, end_ns: int) -> list[Decision]:
        items = tuple(line.sku for line in verdict.facts.restricted)
        if verdict.outcome is Outcome.UNCHECKED and verdict.reason is None:
            return [self._sale_alert(AlertKind.UNCHECKED_SALE, name, verdict, end_ns, items)]
        if verdict.outcome is not Outcome.UNSEEN:
            return []
        if self._blind_from_ns is not None and self._blind_from_ns <= end_ns + self._offset_ns:
            self._blind_count += 1
            return [self._blind_alert(end_ns, receipt=name, items=items)]
        return [self._sale_alert(AlertKind.UNSEEN_CUSTOMER, name, verdict, end_ns, items)]

    def _sale_alert(
        self, kind: AlertKind, receipt: str, verdict: Verdict, end_ns: int, items: tuple[str, ...]
    ) -> AlertRaised:
        padding_ns = round(self._policy.alert_padding_s * 1e9)
        return AlertRaised(
            lane=self.lane,
            alert=_alert_id(self.lane, kind, receipt),
            kind=kind,
            severity=severity(verdict.estimate, verdict.rule),
            receipt=receipt,
            items=items,
            at_ns=end_ns,
            from_ns=verdict.facts.opened_ns + self._offset_ns - padding_ns,
            to_ns=end_ns + self._offset_ns + padding_ns,
            estimate=verdict.estimate,
            count=1,
            model=self._memory.model(verdict.party.payer),
            cashier=verdict.facts.cashier,
        )

    def _blind_alert(self, at_ns: int, *, receipt: str | None, items: tuple[str, ...]) -> AlertRaised:
        began_ns = at_ns if self._blind_from_ns is None else self._blind_from_ns
        return AlertRaised(
            lane=self.lane,
            alert=_alert_id(self.lane, AlertKind.CAMERA_BLIND, str(began_ns)),
            kind=AlertKind.CAMERA_BLIND,
            severity=Severity.LOW,
            receipt=receipt,
            items=items,
            at_ns=at_ns,
            from_ns=began_ns,
            to_ns=at_ns,
            estimate=None,
            count=self._blind_count,
            model="",
            cashier=None,
        )

    def _tell_left(self, now_ns: int) -> list[Decision]:
        """Who left is told when no undecided receipt can still name their role, or after `_HOLD_NS`."""
        told: list[Decision] = []
        waiting = []
        lateness_ns = round(self._policy.lateness_s * 1e9)
        for report in self._left:
            held = now_ns < report.to_ns + lateness_ns or any(
                self._overlaps(receipt, report) for receipt in self._open.values()
            )
            if held and now_ns < report.to_ns + _HOLD_NS:
                waiting.append(report)
            else:
                told.append(PersonTold(report=self._with_role(report)))
        self._left = waiting
        return told

    def _overlaps(self, receipt: _Receipt, report: TrackReport) -> bool:
        times = [event.at_ns + self._offset_ns for event in receipt.events]
        facts = fold(receipt.events)
        return min(times) <= report.to_ns and (facts.open or max(times) >= report.from_ns)

    def _with_role(self, report: TrackReport) -> TrackReport:
        """The role and, for a payer, the estimate as it stood at the close: one figure for event, outcome, alert."""
        role, closed_ns = self._roles.pop(report.track, (report.role, report.to_ns))
        if role is not Role.CUSTOMER:
            return replace(report, role=role)
        frozen = self._memory.estimate(report.track, closed_ns)
        return replace(report, role=role, estimate=report.estimate if frozen is None else frozen)

    def _around(self) -> Circumstances:
        spans = list(self._blind_spans)
        if self._blind_from_ns is not None:
            spans.append((self._blind_from_ns, 2**63))
        return Circumstances(
            served=frozenset(self._served), blind_spans_ns=tuple(spans), restarted_ns=self._restarted_ns
        )

    def _forget(self, now_ns: int) -> None:
        oldest_ns = min(
            (fold(receipt.events).opened_ns + self._offset_ns for receipt in self._open.values()),
            default=now_ns,
        )
        before_ns = min(oldest_ns, now_ns) - _KEEP_NS
        self._memory.forget(before_ns)
        for book in (self._served, self._decided):
            for name in [own for own, at_ns in book.items() if at_ns + self._offset_ns < before_ns]:
                del book[name]
        self._blind_spans = [span for span in self._blind_spans if span[1] >= before_ns]


def _alert_id(lane: str, kind: AlertKind, about: str) -> str:
    """The same alert has the same name after a restart."""
    return "a-" + hashlib.blake2s(f"{lane}|{kind}|{about}".encode(), digest_size=8).hexdigest()
