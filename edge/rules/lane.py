"""The life of one lane's receipts: prompts as facts arrive, outcomes and alerts when lateness has passed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from edge.flow import AgeEstimate, Role, Sighting, TillEvent, TrackReport
from edge.rules.decisions import (
    AlertKind,
    AlertRaised,
    CheckRequested,
    Decision,
    Outcome,
    PersonTold,
    SaleEnded,
)
from edge.rules.gaps import Blindness, Silence, alert_id
from edge.rules.judge import (
    GRID_NS,
    GRID_POINTS_MAX,
    Circumstances,
    Due,
    Verdict,
    check_due_at,
    customer_at,
    judge,
    severity,
)
from edge.rules.memory import UNREAD, LaneMemory
from edge.rules.policy import Policy
from edge.rules.receipt import ReceiptFacts, fold

__all__ = ["AtTill", "LaneRules"]

_HOLD_NS = 30 * 10**9
"""A person who left is told after so long even where their receipt is still open."""
_KEEP_NS = 180 * 10**9
"""Sightings are kept for so long before the oldest receipt that is not decided yet."""
_BEFORE_NS, _DECIDED_NS = 6 * 3600 * 10**9, 3600 * 10**9
"""A fact of so long before to so long after the end of a receipt is of that receipt, and changes nothing any more; one
of another time is of another receipt, whose number was given anew."""
_REMEMBER_NS, _REMEMBER_MAX = 26 * 3600 * 10**9, 20_000
"""So late a fact may come: by another door, say, that tells of the whole day at night. More receipts than so many no
lane has in a day: the oldest go."""
_FORGET_EVERY_NS = 10 * 10**9


@dataclass(slots=True)
class _Receipt:
    facts: ReceiptFacts
    events: list[TillEvent] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    prompted: bool = False
    restricted_ns: int | None = None
    grid_point: int = 0

    @classmethod
    def begun_by(cls, event: TillEvent) -> _Receipt:
        receipt = cls(facts=fold([event]))
        receipt.add(event)
        return receipt

    @property
    def receipt_ns(self) -> int:
        return self.events[0].at_ns

    @property
    def end_ns(self) -> int | None:
        """The till's time of close or cancel."""
        return self.facts.closed_ns if self.facts.closed_ns is not None else self.facts.cancelled_ns

    def add(self, event: TillEvent) -> bool:
        if event.id in self.ids:
            return False
        self.ids.add(event.id)
        self.events.append(event)
        if event.restricted and (self.restricted_ns is None or event.at_ns < self.restricted_ns):
            self.restricted_ns, self.grid_point = event.at_ns, 0
        if len(self.events) > 1:
            self.facts = fold(self.events)
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class AtTill:
    """An open receipt, and its customer as far as anything is known; `receipt_ns` as in `CheckRequested`."""

    receipt_ns: int
    facts: ReceiptFacts
    customer: AgeEstimate | None


class LaneRules:
    """One lane: `on_till`, `on_sightings`, `on_age`, `on_camera`, `tick(now)`. Deterministic; no I/O, no clock.

    Times of till events are the till's own; those of cameras, of `now` and of decisions are the box's. The policy's
    `clock_offset_s` is added to the first to compare them with the others.
    """

    def __init__(
        self,
        *,
        lane: str,
        policy: Policy,
        restarted_ns: int | None = None,
        decided: Mapping[str, int] | None = None,
        prompted: Collection[str] = (),
        silent_ns: int | None = None,
    ) -> None:
        """After a restart: its moment; receipts that ended lately, with the till's time of their ends; open ones
        whose cashier was asked already; since when the till is silent, where that was told already."""
        self.lane = lane
        self.policy = policy
        self._restarted_ns = restarted_ns
        self._offset_ns = policy.clock_offset_ns
        self._memory = LaneMemory()
        self._open: dict[str, _Receipt] = {}
        self._decided: dict[str, int] = dict(decided or {})
        self._asked = set(prompted)
        self._served: dict[str, int] = {}
        self._left: list[TrackReport] = []
        self._roles: dict[str, tuple[Role, int]] = {}
        self._blindness = Blindness(lane, policy)
        self._silence = Silence(lane, policy, since_ns=restarted_ns, told_ns=silent_ns)
        self._forgotten_ns = 0

    def on_till(self, event: TillEvent) -> list[Decision]:
        """One fact of the till, in any order; a repeated id and a receipt that has ended change nothing."""
        if event.lane != self.lane:
            raise ValueError(f"rules of lane {self.lane} got an event of lane {event.lane}")
        self._silence.heard(event.at_ns + self._offset_ns)
        if self.ended(event):
            return []
        receipt = self._open.get(event.receipt)
        if receipt is None:
            receipt = self._open[event.receipt] = _Receipt.begun_by(event)
            receipt.prompted = event.receipt in self._asked
            self._asked.discard(event.receipt)
        elif not receipt.add(event):
            return []
        return self._prompts(event.receipt, max(one.at_ns for one in receipt.events))

    def ended(self, event: TillEvent) -> bool:
        """Has the receipt of this event ended already, so that it changes nothing?"""
        ended_ns = self._decided.get(event.receipt)
        return ended_ns is not None and -_BEFORE_NS <= event.at_ns - ended_ns <= _DECIDED_NS

    def on_sightings(self, sightings: Iterable[Sighting]) -> None:
        """Who was to be seen in one searched frame."""
        self._memory.see(sightings)

    def on_age(self, report: TrackReport) -> list[Decision]:
        """A changed estimate, or a track that ended: that one is told once its role is known."""
        self._memory.learn(report)
        if report.ended:
            self._left.append(report)
            self._silence.left(report)
            return []
        return self._prompts_of_all(report.to_ns - self._offset_ns)

    def on_camera(self, *, blind: bool, at_ns: int, count: int = 0) -> list[Decision]:
        """The lane lost or regained its sight. A blind lane has one alert, open as long as it is blind.

        `count`: after a restart, how many unseen sales the alert that began at `at_ns` had counted already.
        """
        if not blind:
            self._blindness.end(at_ns)
            return []
        alert = self._blindness.begin(at_ns, count=count)
        return [] if alert is None else [alert]

    def tick(self, now_ns: int) -> list[Decision]:
        """Time has passed: what waited long enough for late facts is decided, in order of event time."""
        decisions = self._prompts_by_time(now_ns)
        lateness_ns = round(self.policy.lateness_s * 1e9)
        timeout_ns = round(self.policy.receipt_timeout_s * 1e9)
        ripe = []
        for name, receipt in self._open.items():
            end_ns = receipt.end_ns
            due_ns = receipt.facts.last_ns + timeout_ns if end_ns is None else end_ns + lateness_ns
            if due_ns + self._offset_ns <= now_ns:
                ripe.append((receipt.facts.last_ns if end_ns is None else end_ns, name))
        for end_ns, name in sorted(ripe):
            decisions += self._end(name, end_ns)
        decisions += self._tell_left(now_ns)
        silent = self._silence.tick(now_ns)
        if silent is not None:
            decisions.append(silent)
        if now_ns - self._forgotten_ns >= _FORGET_EVERY_NS:
            self._forget(now_ns)
        return decisions

    def finish(self, now_ns: int) -> list[Decision]:
        """Nothing comes any more (a clip's end): open receipts are abandoned, everybody is told."""
        decisions = []
        for last_ns, name in sorted((receipt.facts.last_ns, name) for name, receipt in self._open.items()):
            decisions += self._end(name, last_ns)
        return decisions + self.tell_all(now_ns)

    def tell_all(self, now_ns: int) -> list[Decision]:
        """Everybody who left is told now, open receipts stay open: the process ends."""
        return self._tell_left(now_ns + _HOLD_NS)

    def at_till(self, now_ns: int) -> list[AtTill]:
        """Every open receipt with goods on it, and what is known of its customer now (the box's time)."""
        at_ns = now_ns - self._offset_ns
        return [
            AtTill(
                receipt_ns=receipt.receipt_ns,
                facts=receipt.facts,
                customer=customer_at(receipt.facts, self._memory, self.policy, self._around(), at_ns),
            )
            for receipt in self._open.values()
            if receipt.facts.open and receipt.facts.lines
        ]

    @property
    def open_receipts(self) -> int:
        """Receipts that have begun and not ended; those that wait for late facts are among them."""
        return len(self._open)

    def explain(self, receipt: str) -> Verdict | None:
        """How an open receipt would end now; None for one that is not open."""
        found = self._open.get(receipt)
        return None if found is None else judge(found.events, self._memory, self.policy, self._around())

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
        """Ask where a check was due at this moment; an estimate may be younger than the answer that came meanwhile."""
        receipt = self._open[name]
        if receipt.prompted or receipt.restricted_ns is None or receipt.facts.answered:
            return []
        closed_ns = receipt.facts.closed_ns
        at_ns = max(at_ns if closed_ns is None else min(at_ns, closed_ns), receipt.restricted_ns)
        known = [event for event in receipt.events if event.at_ns <= at_ns]
        facts = receipt.facts if len(known) == len(receipt.events) else fold(known)
        due = check_due_at(facts, self._memory, self.policy, self._around(), at_ns)
        return [] if due is None else [self._request(name, receipt, due)]

    def _request(self, name: str, receipt: _Receipt, due: Due) -> CheckRequested:
        receipt.prompted = True
        return CheckRequested(
            lane=self.lane,
            receipt=name,
            receipt_ns=receipt.receipt_ns,
            track=due.track,
            at_ns=due.at_ns + self._offset_ns,
            estimate=due.estimate,
            rule=due.rule,
            items=due.items,
            model=self._memory.model(due.track),
            cashier=receipt.facts.cashier,
        )

    def _end(self, name: str, end_ns: int) -> list[Decision]:
        receipt = self._open.pop(name)
        verdict = judge(receipt.events, self._memory, self.policy, self._around())
        self._decided[name] = end_ns
        payer, facts = verdict.party.payer, verdict.facts
        at_ns = end_ns + self._offset_ns
        if payer is not None and facts.cancelled_ns is None and facts.closed_ns is not None:
            self._served[payer] = end_ns
            self._memory.freeze(payer, at_ns)
            self._roles[payer] = (Role.CUSTOMER, at_ns)
            for companion in verdict.party.companions:
                self._roles.setdefault(companion, (Role.COMPANION, at_ns))
        decisions: list[Decision] = []
        if verdict.outcome is Outcome.UNCHECKED and verdict.due is not None and not receipt.prompted:
            # Everything came at once, at the close: the outcome says "asked for, not done", so it must be asked.
            decisions.append(self._request(name, receipt, verdict.due))
        checked_ns = facts.verified_ns if facts.verified_ns is not None else facts.known_ns
        delay_ns = None if verdict.due is None or checked_ns is None else checked_ns - verdict.due.at_ns
        ended = SaleEnded(
            lane=self.lane,
            receipt=name,
            receipt_ns=receipt.receipt_ns,
            opened_ns=facts.opened_ns + self._offset_ns,
            at_ns=at_ns,
            outcome=verdict.outcome,
            reason=verdict.reason,
            track=payer,
            estimate=verdict.estimate,
            due_ns=None if verdict.due is None else verdict.due.at_ns + self._offset_ns,
            check_delay_s=None if delay_ns is None or delay_ns < 0 else delay_ns / 1e9,
            restricted=bool(facts.restricted),
            rule=verdict.rule,
            model=self._memory.model(payer),
            candidates=verdict.party.candidates,
            cashier=facts.cashier,
            lines=facts.lines,
            refused=facts.refused_ns is not None,
        )
        return [*decisions, ended, *self._alerts(receipt, verdict, at_ns)]

    def _alerts(self, receipt: _Receipt, verdict: Verdict, at_ns: int) -> list[Decision]:
        if verdict.outcome is Outcome.UNCHECKED and verdict.reason is None:
            return [self._sale_alert(AlertKind.UNCHECKED_SALE, receipt, verdict, at_ns)]
        if verdict.outcome is not Outcome.UNSEEN or self.policy.reports_id_checks == "none":
            return []
        # A sale that nobody was seen for because the lane was blind in a part of it is no isolated one.
        whole = verdict.reason == "camera_blind"
        blind = self._blindness.counts(
            verdict.facts.opened_ns + self._offset_ns if whole else at_ns,
            at_ns,
            receipt=verdict.facts.receipt,
            receipt_ns=receipt.receipt_ns,
            items=tuple(line.sku for line in verdict.facts.restricted),
        )
        return [
            self._sale_alert(AlertKind.UNSEEN_CUSTOMER, receipt, verdict, at_ns) if blind is None else blind
        ]

    def _sale_alert(self, kind: AlertKind, receipt: _Receipt, verdict: Verdict, at_ns: int) -> AlertRaised:
        padding_ns = round(self.policy.alert_padding_s * 1e9)
        name = verdict.facts.receipt
        return AlertRaised(
            lane=self.lane,
            alert=alert_id(self.lane, kind, f"{name}|{receipt.receipt_ns}"),
            kind=kind,
            severity=severity(verdict.estimate, verdict.rule),
            receipt=name,
            receipt_ns=receipt.receipt_ns,
            items=tuple(line.sku for line in verdict.facts.restricted),
            at_ns=at_ns,
            from_ns=verdict.facts.opened_ns + self._offset_ns - padding_ns,
            to_ns=at_ns + padding_ns,
            estimate=verdict.estimate,
            count=1,
            rule=verdict.rule,
            model=self._memory.model(verdict.party.payer),
            cashier=verdict.facts.cashier,
        )

    def _tell_left(self, now_ns: int) -> list[Decision]:
        """Who left is told when no undecided receipt can still name their role, or after `_HOLD_NS`."""
        told: list[Decision] = []
        waiting = []
        lateness_ns = round(self.policy.lateness_s * 1e9)
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
        """May this receipt still name the person's role? An open one, or one that waits for late facts."""
        began_ns = receipt.facts.opened_ns + self._offset_ns
        ended_ns = receipt.end_ns
        return began_ns <= report.to_ns and (ended_ns is None or ended_ns + self._offset_ns >= report.from_ns)

    def _with_role(self, report: TrackReport) -> TrackReport:
        """The role and, for a payer, what was known at the close: one figure for age event, outcome and alert."""
        role, closed_ns = self._roles.pop(report.track, (report.role, report.to_ns))
        if role is not Role.CUSTOMER or report.track not in self._served:
            return replace(report, role=role)
        known = self._memory.report(report.track, closed_ns)
        if known is None:
            return replace(report, role=role, estimate=UNREAD)
        return replace(
            report,
            role=role,
            estimate=known.estimate,
            seen_ns=known.seen_ns,
            seen_box_px=known.seen_box_px,
            face_px=known.face_px,
        )

    def _around(self) -> Circumstances:
        return Circumstances(
            served=frozenset(self._served),
            blind_spans_ns=self._blindness.spans,
            restarted_ns=self._restarted_ns,
        )

    def _forget(self, now_ns: int) -> None:
        self._forgotten_ns = now_ns
        oldest_ns = min(
            (receipt.facts.opened_ns + self._offset_ns for receipt in self._open.values()), default=now_ns
        )
        before_ns = min(oldest_ns, now_ns) - _KEEP_NS
        self._memory.forget(before_ns)
        self._blindness.forget(before_ns)
        for book, kept_ns in ((self._served, 0), (self._decided, _REMEMBER_NS)):
            for name in [own for own, at_ns in book.items() if at_ns + self._offset_ns < before_ns - kept_ns]:
                del book[name]
        for name in list(self._decided)[: max(0, len(self._decided) - _REMEMBER_MAX)]:
            del self._decided[name]
        for track in [own for own, (_, at_ns) in self._roles.items() if at_ns < before_ns - _DECIDED_NS]:
            del self._roles[track]
