"""What printed age events, till events and policy imply for every receipt, found by a second way than the rules'.

It knows `schemas.md` and nothing of `edge`: a receipt is folded anew, times and figures are compared as printed.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

__all__ = ["complaints"]

Event = dict[str, Any]
_AGE, _CHECK = "checkout.age.estimated.v1", "checkout.check.requested.v1"
_OUTCOME, _ALERT = "checkout.sale.outcome.v1", "checkout.alert.raised.v1"


def complaints(printed: list[Event], till: list[Event], *, reports: str = "till") -> list[str]:
    """Everything that does not follow; an empty list where all does."""
    told = _Told(printed)
    wrong = []
    receipts: dict[str, list[Event]] = defaultdict(list)
    for event in till:
        receipts[event["receipt"]].append(event)
    for name in {*told.outcomes, *told.checks, *told.alerts} - set(receipts):
        wrong.append(f"{name}: told of, but the till never was")
    for name, events in receipts.items():
        wrong += [f"{name}: {text}" for text in _receipt(name, events, told, reports)]
    sequences = [int(event["sequence"]) for event in printed]
    if sequences != list(range(1, len(printed) + 1)):
        wrong.append("sequences do not rise one by one")
    if len({event["id"] for event in printed}) != len(printed):
        wrong.append("an id is given twice")
    return wrong


class _Told:
    def __init__(self, printed: list[Event]) -> None:
        self.ages = {event["subject"]: event for event in printed if event["type"] == _AGE}
        self.outcomes = _by_receipt(printed, _OUTCOME)
        self.checks = _by_receipt(printed, _CHECK)
        self.alerts = _by_receipt(printed, _ALERT)


def _receipt(name: str, events: list[Event], told: _Told, reports: str) -> list[str]:
    outcomes, checks, alerts = told.outcomes[name], told.checks[name], told.alerts[name]
    if len(outcomes) != 1:
        return [f"{len(outcomes)} outcomes instead of one"]
    if len(checks) > 1:
        return [f"{len(checks)} prompts instead of one at most"]
    outcome = outcomes[0]
    sale = _Sale(events)
    wrong = _prompt(sale, checks[0], told) if checks else []
    wrong += _payer(outcome, told)
    expected = _expected(sale, outcome, prompted=bool(checks), reports=reports)
    found = (outcome["data"]["outcome"], outcome["data"]["reason"])
    if found not in expected:
        wrong.append(f"ended as {found}, implied is {expected}")
    if _at(outcome["time"]) != sale.end:
        wrong.append(f"the outcome's time is {outcome['time']}, the close was {sale.end}")
    if outcome["data"]["outcome"] == "unchecked" and not checks:
        wrong.append("unchecked, but nobody was ever asked")
    wanted = {"unchecked": ["unchecked_sale"], "unseen": ["unseen_customer"]}.get(found[0], [])
    if found[1] == "not_reported" or reports == "none":
        wanted = []
    if [alert["data"]["kind"] for alert in alerts] != wanted:
        wrong.append(f"alerts {[alert['data']['kind'] for alert in alerts]}, implied are {wanted}")
    for alert in alerts:
        wrong += _alert(sale, alert, outcome)
    return wrong


class _Sale:
    """One receipt, folded by hand: goods are lines of units, a void takes units from the newest line."""

    def __init__(self, events: list[Event]) -> None:
        ordered = sorted(events, key=lambda event: _at(event["at"]))
        self.first: dict[str, datetime] = {}
        self.lines: list[list[Any]] = []
        self.begin = _at(ordered[0]["at"])
        self.end = _at(ordered[-1]["at"])
        self.restricted_at: datetime | None = None
        for event in ordered:
            self.first.setdefault(event["type"], _at(event["at"]))
            if event["type"] == "item.added":
                restricted = bool(event.get("restricted") or event.get("min_age"))
                self.lines.append([event["sku"], Decimal(str(event.get("quantity", 1))), restricted])
                if restricted and self.restricted_at is None:
                    self.restricted_at = _at(event["at"])
            elif event["type"] == "item.voided":
                self._void(event["sku"], Decimal(str(event.get("quantity", 1))))
            if event["type"] in ("receipt.closed", "receipt.cancelled"):
                self.end = _at(event["at"])
                break

    def _void(self, sku: str, units: Decimal) -> None:
        for line in reversed(self.lines):
            if line[0] == sku:
                taken = min(units, line[1])
                line[1] -= taken
                units -= taken

    @property
    def restricted(self) -> list[str]:
        return [sku for sku, units, restricted in self.lines if restricted and units > 0]


def _expected(sale: _Sale, outcome: Event, *, prompted: bool, reports: str) -> list[tuple[str, str | None]]:
    data = outcome["data"]
    if "receipt.cancelled" in sale.first:
        return [("cancelled", "till")]
    if "receipt.closed" not in sale.first:
        return [("cancelled", "abandoned")]
    if "sale.refused" in sale.first:
        return [("refused", None)]
    if not sale.restricted:
        return [("no_restricted_item", None)]
    if "id.verified" in sale.first:
        return [("checked", None)]
    if "id.known" in sale.first:
        return [("checked", "customer_known")]
    if data["track"] is None:
        return [("unseen", reason) for reason in ("no_face", "ambiguous", "restart", "camera_blind")]
    if data["p_under"] is None:
        reasons = ["too_small", "blurred", "turned_away", "too_dark", "overexposed", "too_short"]
        return [("unseen", reason) for reason in reasons]
    policy = data["policy"]
    if data["p_under"][str(policy["challenge_age"])] >= policy["tau"]:
        return [("unchecked", "not_reported" if reports == "none" else None)]
    return [("not_prompted", "prompt_withdrawn" if prompted else None)]


def _payer(outcome: Event, told: _Told) -> list[str]:
    data = outcome["data"]
    if data["track"] is None:
        return [] if data["p_under"] is None else ["figures of nobody"]
    age = told.ages.get(data["track"])
    if age is None:
        return [f"the payer {data['track']} has no age event"]
    wrong = []
    if age["data"]["role"] != "customer":
        wrong.append(f"the payer's role is {age['data']['role']}")
    if (age["data"]["p_under"], age["data"]["age"]) != (data["p_under"], data["age"]):
        wrong.append(f"age event and outcome differ: {age['data']['p_under']} and {data['p_under']}")
    if data["p_under"] is None and data["outcome"] == "unseen" and age["data"]["reason"] != data["reason"]:
        wrong.append(f"unknown for {age['data']['reason']}, outcome says {data['reason']}")
    if _at(age["data"]["from"]) > _at(outcome["time"]):
        wrong.append("the payer came after the close")
    return wrong


def _prompt(sale: _Sale, check: Event, told: _Told) -> list[str]:
    data, at = check["data"], _at(check["time"])
    policy, wrong = data["policy"], []
    if data["p_under"][str(data["challenge_age"])] < policy["tau"]:
        wrong.append("asked although p_under is below tau")
    if sale.restricted_at is None or not sale.restricted_at <= at <= sale.end:
        wrong.append(f"asked at {at}, outside of first restricted item and close")
    done = [sale.first[kind] for kind in ("id.verified", "id.known", "sale.refused") if kind in sale.first]
    if done and at > min(done):
        wrong.append("asked after the check was done")
    age = told.ages.get(data["track"])
    if age is None or _at(age["data"]["from"]) > at:
        wrong.append("asked for somebody who was not there")
    return wrong


def _alert(sale: _Sale, alert: Event, outcome: Event) -> list[str]:
    data, wrong = alert["data"], []
    policy, p_under = data["policy"], data["p_under"]
    severity = "low"
    if p_under is not None and p_under[str(policy["challenge_age"])] >= 0.5:
        severity = "medium"
    if p_under is not None and p_under[str(policy["legal_age"])] >= 0.5:
        severity = "high"
    if data["severity"] != severity:
        wrong.append(f"severity {data['severity']}, implied is {severity}")
    if (p_under, data["age"]) != (outcome["data"]["p_under"], outcome["data"]["age"]):
        wrong.append("alert and outcome differ in figures")
    if sorted(data["items"]) != sorted(sale.restricted):
        wrong.append(f"items {data['items']}, restricted were {sale.restricted}")
    padding = timedelta(seconds=5)
    if (_at(data["from"]), _at(data["to"])) != (sale.begin - padding, sale.end + padding):
        wrong.append(f"span {data['from']} to {data['to']}")
    if _at(alert["time"]) != sale.end:
        wrong.append("the alert's time is not the close")
    return wrong


def _by_receipt(printed: list[Event], kind: str) -> defaultdict[str, list[Event]]:
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for event in printed:
        if event["type"] == kind:
            found[event["data"]["receipt"]].append(event)
    return found


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
