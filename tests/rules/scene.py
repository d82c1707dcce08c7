"""A lane in words: who stands where, what the till says, and what was told in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from edge.flow import AgeEstimate, Role, Sighting, TillEvent, TillEventType, TrackReport, Zone
from edge.rules import (
    AgeRule,
    AlertRaised,
    CheckRequested,
    Decision,
    LaneRules,
    PersonTold,
    Policy,
    SaleEnded,
)

START_NS = 1_767_607_200 * 10**9
LANE = "lane-1"


def ns(at_s: float) -> int:
    return START_NS + round(at_s * 1e9)


def a_policy(**changes: Any) -> Policy:
    rule = AgeRule(legal_age=18, challenge_age=25, tau=0.3)
    return Policy(**{"name": "test", "rules": {18: rule}, **changes})


@dataclass(frozen=True)
class Fact:
    """Something that reaches the rules at its own time: a till event, sightings or a report."""

    at_s: float
    what: TillEvent | tuple[Sighting, ...] | TrackReport


@dataclass
class Scene:
    """Collects facts, plays them to `LaneRules` in order of time and keeps everything that was decided."""

    policy: Policy = field(default_factory=a_policy)
    facts: list[Fact] = field(default_factory=list)
    blind: list[tuple[float, bool]] = field(default_factory=list)
    restarted_s: float | None = None
    _ids: int = 0

    def person(
        self,
        track: str,
        *,
        from_s: float,
        to_s: float,
        p_under_25: float | None = 0.0,
        p_under_18: float = 0.0,
        face_px: float = 120,
        zone: Zone = Zone.CUSTOMER,
        known_s: float | None = None,
        later_p: tuple[float, float] | None = None,
        away: tuple[float, float] | None = None,
    ) -> Scene:
        """Somebody is seen five times a second; their age is known from `known_s` on (0.4 s after they came).

        `later_p` = (at_s, p): from then on the estimate is another one.
        """
        steps = round((to_s - from_s) * 5)
        for step in range(steps + 1):
            at_s = from_s + step / 5
            if away is not None and away[0] <= at_s <= away[1]:
                continue
            seen = Sighting(
                lane=LANE, camera="cam-1", track=track, at_ns=ns(at_s), zone=zone, face_px=face_px
            )
            self.facts.append(Fact(at_s, (seen,)))
        estimate = _estimate(p_under_25, p_under_18)
        first_s = from_s + 0.4 if known_s is None else known_s
        self.facts.append(Fact(first_s, _report(track, from_s, first_s, estimate, ended=False)))
        if later_p is not None:
            estimate = _estimate(later_p[1], p_under_18)
            self.facts.append(Fact(later_p[0], _report(track, from_s, later_p[0], estimate, ended=False)))
        self.facts.append(Fact(to_s + 1.5, _report(track, from_s, to_s, estimate, ended=True)))
        return self

    def till(self, kind: str, *, at_s: float, receipt: str = "r-1", **more: Any) -> Scene:
        """The till tells one fact."""
        self._ids += 1
        known: dict[str, Any] = {"id": f"e-{self._ids}", **more}
        self.facts.append(
            Fact(
                at_s,
                TillEvent(lane=LANE, at_ns=ns(at_s), type=TillEventType(kind), receipt=receipt, **known),
            )
        )
        return self

    def beer(self, *, at_s: float, receipt: str = "r-1", sku: str = "lager", quantity: int = 1) -> Scene:
        return self.till(
            "item.added",
            at_s=at_s,
            receipt=receipt,
            sku=sku,
            restricted=True,
            min_age=18,
            quantity=Decimal(quantity),
        )

    def bread(self, *, at_s: float, receipt: str = "r-1") -> Scene:
        return self.till("item.added", at_s=at_s, receipt=receipt, sku="bread")

    def play(
        self, order: list[Fact] | None = None, *, arriving: Callable[[Fact], float] | None = None
    ) -> list[Decision]:
        """Everything decided, facts arriving in `order` (by default that of their own times).

        `arriving`: when each fact comes, in seconds of the box's clock, which then goes on by that.
        """
        rules = LaneRules(
            lane=LANE,
            policy=self.policy,
            restarted_ns=None if self.restarted_s is None else ns(self.restarted_s),
        )
        told: list[Decision] = []
        marks = sorted(self.blind)
        comes: Callable[[Fact], float] = arriving or (lambda fact: fact.at_s)
        now_s = 0.0
        for fact in sorted(self.facts, key=comes) if order is None else order:
            while marks and marks[0][0] <= comes(fact):
                now_s, blind = marks.pop(0)
                told += rules.tick(ns(now_s))
                told += rules.on_camera(blind=blind, at_ns=ns(now_s))
            now_s = max(now_s, comes(fact))
            told += rules.tick(ns(now_s))
            told += _give(rules, fact)
            told += rules.tick(ns(now_s))
        for at_s, blind in marks:
            now_s = max(now_s, at_s)
            told += rules.tick(ns(now_s))
            told += rules.on_camera(blind=blind, at_ns=ns(at_s))
        return told + rules.tick(ns(now_s + self.policy.lateness_s)) + rules.finish(ns(now_s + 60))

    def told(self) -> list[tuple[Any, ...]]:
        """The same in words, people left out."""
        return [words(decision) for decision in self.play() if not isinstance(decision, PersonTold)]

    def people(self) -> dict[str, Role]:
        """Who was told with which role."""
        return {
            decision.report.track: decision.report.role
            for decision in self.play()
            if isinstance(decision, PersonTold)
        }


def words(decision: Decision) -> tuple[Any, ...]:
    if isinstance(decision, CheckRequested):
        return ("check", decision.receipt, decision.track)
    if isinstance(decision, SaleEnded):
        return ("outcome", decision.receipt, decision.outcome.value, decision.reason, decision.track)
    if isinstance(decision, AlertRaised):
        return ("alert", decision.receipt, decision.kind.value, decision.severity.value)
    return ("person", decision.report.track, decision.report.role.value)


def _give(rules: LaneRules, fact: Fact) -> list[Decision]:
    if isinstance(fact.what, TillEvent):
        return rules.on_till(fact.what)
    if isinstance(fact.what, TrackReport):
        return rules.on_age(fact.what)
    rules.on_sightings(fact.what)
    return []


def _estimate(p_under_25: float | None, p_under_18: float) -> AgeEstimate:
    if p_under_25 is None:
        from edge.flow import UnknownReason

        return AgeEstimate(reason=UnknownReason.TURNED_AWAY)
    years = 40 - 25 * p_under_25
    return AgeEstimate(
        mean_years=years,
        median_years=years,
        low_years=years - 6,
        high_years=years + 6,
        p_under={18: min(p_under_18, p_under_25), 25: p_under_25},
        quality=0.8,
        crops=3,
    )


def _report(track: str, from_s: float, to_s: float, estimate: AgeEstimate, *, ended: bool) -> TrackReport:
    return TrackReport(
        lane=LANE,
        camera="cam-1",
        track=track,
        from_ns=ns(from_s),
        to_ns=ns(to_s),
        zone=Zone.CUSTOMER,
        role=Role.CUSTOMER,
        estimate=estimate,
        seen_ns=ns(from_s),
        seen_box_px=(0, 0, 100, 120),
        face_px=100,
        customer_zone_s=to_s - from_s,
        box_px=(0, 0, 100, 120),
        model="m/1",
        ended=ended,
    )
