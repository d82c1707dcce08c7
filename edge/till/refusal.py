"""Why something a till sent is no event; the reason goes back to the sender or into the dead-letter table."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Refusal", "TillEventRefused", "storable"]


def storable(text: str) -> str:
    """The same text, half a surrogate pair written out: JSON may hold one, no database and no answer can."""
    return text.encode("utf-8", "backslashreplace").decode()


class Refusal(StrEnum):
    """The kinds of refusal, in words that a till's integrator can search for."""

    NOT_JSON = "not_json"
    NOT_XML = "not_xml"
    NOT_AN_OBJECT = "not_an_object"
    TOO_LARGE = "too_large"
    MISSING = "missing_field"
    BAD_TEXT = "bad_text"
    BAD_TIME = "bad_time"
    BAD_NUMBER = "bad_number"
    BAD_FLAG = "bad_flag"
    UNKNOWN_TYPE = "unknown_type"
    UNKNOWN_LANE = "unknown_lane"


class TillEventRefused(ValueError):  # noqa: N818 - a state with a reason, not a fault of the program
    """One event is not taken. `reason` is typed, the text adds which field and what was expected."""

    def __init__(self, reason: Refusal, detail: str, *, event_id: str | None = None) -> None:
        self.detail = storable(detail)
        super().__init__(f"{reason.value}: {self.detail}")
        self.reason = reason
        self.event_id = None if event_id is None else storable(event_id)
