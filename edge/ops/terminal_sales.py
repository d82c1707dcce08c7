"""Prompts, outcomes and alerts as lines of the terminal view."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from edge.ops.terminal_view import Happening, Style
from edge.ops.terminal_words import WORDS, Language

__all__ = ["sale_told"]

_CHECK, _OUTCOME = "checkout.check.requested.v1", "checkout.sale.outcome.v1"
_ALERT, _ACK = "checkout.alert.raised.v1", "checkout.alert.acknowledged.v1"
_ALERT_STYLE: Mapping[str, Style] = {"high": "bad", "medium": "bad"}


def sale_told(event: Mapping[str, Any], *, language: Language = "en") -> Happening | None:
    """A committed event in words; None for one that is no prompt, outcome, alert or acknowledgement."""
    words, data = WORDS[language], event["data"]
    kind = event["type"]
    style: Style = "plain"
    receipt = words["receipt"].format(receipt=data.get("receipt"))
    told: list[str]
    if kind == _CHECK:
        age = data["challenge_age"]
        p_under = data["p_under"][str(age)]
        told = [
            f"{receipt}: {words['prompt']}",
            f"{words['under'].format(age=age)} {p_under:.2f} ≥ τ {data['policy']['tau']:.2f}",
        ]
        style = "warn"
    elif kind == _OUTCOME:
        told = [f"{receipt}: {words.get('outcome.' + data['outcome'], data['outcome'])}"]
        if data["reason"] is not None:
            told.append(words.get(f"reason.{data['reason']}", data["reason"]))
        if data["check_delay_s"] is not None:
            told.append(words["after"].format(seconds=data["check_delay_s"]))
    elif kind == _ALERT:
        name = words.get(f"alert.{data['kind']}", data["kind"])
        told = [f"{words['alert']} {name}" + (f", {receipt}" if data.get("receipt") else "")]
        style = _ALERT_STYLE.get(data["severity"], "warn")
    elif kind == _ACK:
        told = [words["acknowledged"].format(by=data["by"], outcome=data["outcome"])]
    else:
        return None
    at_ns = round(datetime.fromisoformat(event["time"]).timestamp() * 1e9)
    return Happening(at_ns=at_ns, lane=data.get("lane", ""), text=", ".join(told), style=style)
