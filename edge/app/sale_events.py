"""What the rules decided, as events for the world outside (`schemas.md`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from edge.events import CloudEvent, age_event, age_figures, build_event, format_time, p_under_figures
from edge.events.types import ALERT_RAISED, CHECK_REQUESTED, SALE_OUTCOME
from edge.flow import AgeEstimate
from edge.rules import (
    AgeRule,
    AlertKind,
    AlertRaised,
    CheckRequested,
    Decision,
    PersonTold,
    Policy,
    SaleEnded,
)

__all__ = ["SaleEvents", "policy_figures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleEvents:
    """Makes events of one lane's decisions. Ids follow from lane, receipt and its first fact alone.

    `model`: the one in use, for alerts about somebody whose face nothing has read. `blind_because`: why the lane's
    camera cannot be used (`down`, `covered`, `moved`), for its alert; None where that is not known.
    """

    store: str
    box: str
    camera: str
    policy: Policy
    vms_url_template: str | None = None
    model: str | None = None
    blind_because: str | None = None

    def event(self, decision: Decision) -> CloudEvent:
        """The event without its sequence."""
        if isinstance(decision, PersonTold):
            return age_event(decision.report, store=self.store, box=self.box)
        if isinstance(decision, CheckRequested):
            return self._check(decision)
        if isinstance(decision, SaleEnded):
            return self._outcome(decision)
        return self._alert(decision)

    def _check(self, told: CheckRequested) -> CloudEvent:
        return build_event(
            CHECK_REQUESTED,
            store=self.store,
            box=self.box,
            lane=told.lane,
            subject=told.receipt,
            at_ns=told.at_ns,
            identity=(format_time(told.receipt_ns),),
            data={
                "receipt": told.receipt,
                "track": told.track,
                "p_under": p_under_figures(told.estimate),
                "challenge_age": told.rule.challenge_age,
                "items": list(told.items),
                "policy": policy_figures(self.policy, told.rule),
                "model": told.model,
                "camera": self.camera,
                "clock_offset_s": self.policy.clock_offset_s,
            },
        )

    def _outcome(self, told: SaleEnded) -> CloudEvent:
        age, p_under = _figures(told.estimate)
        return build_event(
            SALE_OUTCOME,
            store=self.store,
            box=self.box,
            lane=told.lane,
            subject=told.receipt,
            at_ns=told.at_ns,
            identity=(format_time(told.receipt_ns),),
            data={
                "receipt": told.receipt,
                "outcome": told.outcome.value,
                "reason": told.reason,
                "track": told.track,
                "age": age,
                "p_under": p_under,
                "check_delay_s": None if told.check_delay_s is None else round(told.check_delay_s, 3),
                "model": told.model or None,
                "policy": policy_figures(self.policy, told.rule),
                "clock_offset_s": self.policy.clock_offset_s,
            },
        )

    def _alert(self, told: AlertRaised) -> CloudEvent:
        age, p_under = _figures(told.estimate)
        return build_event(
            ALERT_RAISED,
            store=self.store,
            box=self.box,
            lane=told.lane,
            subject=told.receipt or told.alert,
            at_ns=told.at_ns,
            identity=(told.alert, told.count, format_time(told.receipt_ns)),
            data={
                "alert": told.alert,
                "kind": told.kind.value,
                "severity": told.severity.value,
                "receipt": told.receipt,
                "items": list(told.items),
                "camera": self.camera,
                "from": format_time(told.from_ns),
                "to": format_time(told.to_ns),
                "age": age,
                "p_under": p_under,
                "count": told.count,
                "vms_url": self._recorder(told),
                "model": told.model or self.model,
                "policy": policy_figures(self.policy, told.rule),
                "clock_offset_s": self.policy.clock_offset_s,
                **({"reason": self.blind_because} if told.kind is AlertKind.CAMERA_BLIND else {}),
                **({} if told.cashier is None else {"cashier": told.cashier}),
            },
        )

    def _recorder(self, told: AlertRaised) -> str | None:
        if self.vms_url_template is None:
            return None
        safe: Callable[[str], str] = lambda text: quote(text, safe="")  # noqa: E731 - three uses, one line
        return self.vms_url_template.format(
            **{
                "lane": safe(told.lane),
                "camera": safe(self.camera),
                "receipt": safe(told.receipt or ""),
                "from": safe(format_time(told.from_ns)),
                "to": safe(format_time(told.to_ns)),
                "from_s": str(told.from_ns // 10**9),
                "to_s": str(-(-told.to_ns // 10**9)),
            }
        )


def policy_figures(policy: Policy, rule: AgeRule) -> dict[str, Any]:
    """`policy` as every prompt, outcome and alert carries it."""
    return {
        "name": policy.name,
        "legal_age": rule.legal_age,
        "challenge_age": rule.challenge_age,
        "miss_rate": rule.miss_rate,
        "tau": rule.tau,
        "party": policy.party,
        "reports_id_checks": policy.reports_id_checks,
        "config_hash": policy.config_hash,
    }


def _figures(estimate: AgeEstimate | None) -> tuple[Mapping[str, float] | None, Mapping[str, float] | None]:
    return (None, None) if estimate is None else (age_figures(estimate), p_under_figures(estimate))
