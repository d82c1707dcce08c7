"""What each role sees of a fact. Estimates are for those who may judge a sale, a cashier's name for the manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge.page.people import Role

__all__ = ["alert_seen_by", "digest_seen", "event_seen_by", "explanation_seen_by"]

_ALERT, _ACK = "checkout.alert.raised.v1", "checkout.alert.acknowledged.v1"
_ESCALATED, _DIGEST = "checkout.alert.escalated.v1", "checkout.shift.digest.v1"
_FOR_ALL = (
    "alert", "lane", "kind", "severity", "receipt", "items", "camera", "from", "to", "count", "open", "acknowledged",
    "box", "elsewhere", "test", "escalated", "reason",
)  # fmt: skip
_FOR_SECURITY = (*_FOR_ALL, "vms_url", "by")
_FOR_MANAGER = (*_FOR_SECURITY, "cashier")
_FIELDS = {
    Role.DISPLAY: _FOR_ALL,
    Role.VIEWER: _FOR_ALL,
    Role.SECURITY: _FOR_SECURITY,
    Role.MANAGER: _FOR_MANAGER,
}


def alert_seen_by(role: Role, alert: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of an alert that this role may see; nothing for a cashier. Never an age."""
    fields = _FIELDS.get(role, ())
    seen = {name: alert[name] for name in fields if name in alert}
    told = seen.get("acknowledged")
    if told is not None and role not in (Role.SECURITY, Role.MANAGER):
        seen["acknowledged"] = {name: told.get(name) for name in ("outcome", "at")}
    return seen


def event_seen_by(role: Role, event: Mapping[str, Any]) -> dict[str, Any] | None:
    """An event as the security staff's page gets it; None where it is nothing for this role."""
    data = event["data"]
    if role not in _FIELDS:
        return None
    if event["type"] == _ALERT:
        return {"type": "alert", "at": event["time"], "alert": alert_seen_by(role, data)}
    if event["type"] == _ACK:
        told = {name: data.get(name) for name in ("outcome", "by", "note")} | {"at": event["time"]}
        if role not in (Role.SECURITY, Role.MANAGER):
            told = {name: told[name] for name in ("outcome", "at")}
        return {"type": "acknowledged", "alert": data["alert"], "acknowledged": told}
    if event["type"] == _ESCALATED:
        return {"type": "escalated", "alert": data["alert"], "at": event["time"]}
    if event["type"] == _DIGEST:
        return {"type": "digest", "digest": digest_seen(data)}
    return None


def digest_seen(digest: Mapping[str, Any]) -> dict[str, Any]:
    """A shift's digest for everybody who watches: counts by lane, nothing of a person."""
    lanes = [
        {name: lane.get(name) for name in ("lane", "count", "sales", "reasons")}
        for lane in digest.get("lanes", ())
        if isinstance(lane, Mapping)
    ]
    return {**{name: digest.get(name) for name in ("from", "to", "count", "sales", "box")}, "lanes": lanes}


def explanation_seen_by(role: Role, fact: Mapping[str, Any]) -> dict[str, Any]:
    """One fact behind a receipt; the cashier's name, wherever it stands, is the manager's."""
    return _without_cashier(dict(fact)) if role is not Role.MANAGER else dict(fact)


def _without_cashier(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_cashier(member) for name, member in value.items() if name != "cashier"}
    if isinstance(value, list | tuple):
        return [_without_cashier(member) for member in value]
    return value
