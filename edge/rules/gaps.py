"""Spans without evidence: a camera that sees nothing, a till that tells nothing. Each is one alert while it lasts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from edge.flow import Role, TrackReport
from edge.rules.decisions import AlertKind, AlertRaised, Severity
from edge.rules.policy import Policy

__all__ = ["Blindness", "Silence", "alert_id"]

_SILENT_CUSTOMERS_MIN = 3
"""Fewer who come and go without a receipt may be people who ask for something."""


def alert_id(lane: str, kind: AlertKind, about: str) -> str:
    """The same alert has the same name after a restart."""
    return "a-" + hashlib.blake2s(f"{lane}|{kind}|{about}".encode(), digest_size=8).hexdigest()


@dataclass(slots=True)
class _Span:
    from_ns: int
    to_ns: int = 2**63
    """2**63 while it lasts."""
    count: int = 0


class Blindness:
    """The spans in which a lane had no sight, and the one alert of each that counts its unseen sales."""

    def __init__(self, lane: str, policy: Policy) -> None:
        self._lane = lane
        self._policy = policy
        self._now: _Span | None = None
        self._past: list[_Span] = []

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """All spans that are remembered; one that lasts still ends never."""
        return tuple((span.from_ns, span.to_ns) for span in self._all())

    def begin(self, at_ns: int, *, count: int = 0) -> AlertRaised | None:
        """Sight was lost; None where it was lost already. `count`: what an alert open since then has counted."""
        if self._now is not None:
            return None
        self._now = _Span(at_ns, count=count)
        return self._alert(self._now, at_ns)

    def end(self, at_ns: int) -> None:
        """Sight is back."""
        if self._now is not None:
            self._now.to_ns = at_ns
            self._past.append(self._now)
            self._now = None

    def counts(
        self, from_ns: int, to_ns: int, *, receipt: str, receipt_ns: int, items: tuple[str, ...]
    ) -> AlertRaised | None:
        """The alert of the newest span that touches an unseen sale's, with its new count; None where there is none.

        A sale is judged some time after its close: the lane may see again by then.
        """
        touched = [span for span in self._all() if span.from_ns <= to_ns and span.to_ns >= from_ns]
        if not touched:
            return None
        touched[-1].count += 1
        return self._alert(touched[-1], to_ns, receipt=receipt, receipt_ns=receipt_ns, items=items)

    def forget(self, before_ns: int) -> None:
        """Drop spans that ended before this moment."""
        self._past = [span for span in self._past if span.to_ns >= before_ns]

    def _all(self) -> list[_Span]:
        return self._past if self._now is None else [*self._past, self._now]

    def _alert(
        self,
        span: _Span,
        at_ns: int,
        *,
        receipt: str | None = None,
        receipt_ns: int = 0,
        items: tuple[str, ...] = (),
    ) -> AlertRaised:
        return AlertRaised(
            lane=self._lane,
            alert=alert_id(self._lane, AlertKind.CAMERA_BLIND, str(span.from_ns)),
            kind=AlertKind.CAMERA_BLIND,
            severity=Severity.LOW,
            receipt=receipt,
            receipt_ns=receipt_ns,
            items=items,
            at_ns=at_ns,
            from_ns=span.from_ns,
            to_ns=at_ns,
            estimate=None,
            count=span.count,
            rule=self._policy.default_rule,
            model="",
            cashier=None,
        )


class Silence:
    """A till that tells nothing while customers come and go: one alert until it speaks again."""

    def __init__(
        self, lane: str, policy: Policy, *, since_ns: int | None = None, told_ns: int | None = None
    ) -> None:
        """`told_ns`: since when it is silent, where its alert has been open from before a restart."""
        self._lane = lane
        self._policy = policy
        self._since_ns = since_ns if told_ns is None else told_ns
        self._customers = 0
        self._told = told_ns is not None

    def heard(self, at_ns: int) -> None:
        """The till told something at this moment of the box's clock."""
        if self._since_ns is None or at_ns > self._since_ns:
            self._since_ns = at_ns
        self._customers, self._told = 0, False

    def left(self, report: TrackReport) -> None:
        """Somebody left the lane."""
        if self._since_ns is None:
            self._since_ns = report.from_ns
        if report.role is Role.CUSTOMER and report.from_ns >= self._since_ns:
            self._customers += 1

    def tick(self, now_ns: int) -> AlertRaised | None:
        """The alert, once, when silence has lasted long enough and was not an empty shop's."""
        limit_ns = round(self._policy.till_silent_s * 1e9)
        if not limit_ns or self._told or self._since_ns is None or self._customers < _SILENT_CUSTOMERS_MIN:
            return None
        if now_ns - self._since_ns < limit_ns:
            return None
        self._told = True
        return AlertRaised(
            lane=self._lane,
            alert=alert_id(self._lane, AlertKind.TILL_SILENT, str(self._since_ns)),
            kind=AlertKind.TILL_SILENT,
            severity=Severity.LOW,
            receipt=None,
            receipt_ns=0,
            items=(),
            at_ns=now_ns,
            from_ns=self._since_ns,
            to_ns=now_ns,
            estimate=None,
            count=self._customers,
            rule=self._policy.default_rule,
            model="",
            cashier=None,
        )
