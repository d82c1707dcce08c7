"""Sales as lines for whoever watches the terminal, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from edge.ops.terminal import sale_told
from edge.ops.terminal_words import WORDS
from edge.rules import AlertKind, Outcome


def an_event(kind: str, /, **data: Any) -> dict[str, Any]:
    return {
        "type": f"checkout.{kind}.v1",
        "time": "2026-01-05T10:00:05.000Z",
        "data": {"lane": "lane-1", **data},
    }


def words_of(event: dict[str, Any], language: str = "en") -> str:
    told = sale_told(event, language=language)  # type: ignore[arg-type]
    assert told is not None
    return told.text


def test_a_prompt_says_what_decided() -> None:
    policy = {"tau": 0.2553}
    event = an_event(
        "check.requested", receipt="r-1", challenge_age=25, p_under={"18": 0.1, "25": 0.91}, policy=policy
    )
    assert words_of(event) == "receipt r-1: please check ID, P(<25) 0.91 ≥ τ 0.26"
    assert words_of(event, "ru") == "чек r-1: проверьте документ, P(<25) 0.91 ≥ τ 0.26"


def test_an_outcome_has_its_reason_and_how_long_the_check_took() -> None:
    ended = an_event("sale.outcome", receipt="r-1", outcome="checked", reason=None, check_delay_s=2.41)
    assert words_of(ended) == "receipt r-1: ID checked, 2.4 s after the request"
    unseen = an_event(
        "sale.outcome", receipt="r-2", outcome="unseen", reason="turned_away", check_delay_s=None
    )
    assert words_of(unseen) == "receipt r-2: customer not seen, turned away"


def test_an_alert_stands_out_and_an_age_event_is_none() -> None:
    event = an_event("alert.raised", kind="camera_blind", severity="low", receipt=None)
    assert words_of(event) == "ALERT: camera is blind"
    high = sale_told(an_event("alert.raised", kind="unchecked_sale", severity="high", receipt="r-1"))
    assert high is not None
    assert high.style == "bad"
    assert sale_told(an_event("age.estimated")) is None


@pytest.mark.parametrize("language", ["en", "ru"])
def test_every_outcome_and_alert_has_words_that_accuse_and_clear_nobody(language: str) -> None:
    words = WORDS[language]  # type: ignore[index]
    assert {f"outcome.{one.value}" for one in Outcome} <= set(words)
    assert {f"alert.{one.value}" for one in AlertKind} <= set(words)
    assert set(words) == set(WORDS["en"])
    assert not [text for text in words.values() if "underage" in text.lower() or "old enough" in text.lower()]
