"""Where this box stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from edge.config.rule import NAME, Parsed

__all__ = ["Site"]


def _known_time_zone(name: str) -> None:
    from zoneinfo import ZoneInfo, available_timezones

    if name == "UTC":
        return
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        from difflib import get_close_matches

        near = get_close_matches(name, available_timezones(), n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise ValueError(f"an IANA time zone such as Europe/Berlin{hint}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The names that events carry, the store's clock, and the language of people who read our words."""

    store: Annotated[str, "name of the store, the first part of every event's source", NAME] = "store-1"
    box: Annotated[str, "name of this computer within the store", NAME] = "box-1"
    time_zone: Annotated[
        str, "the store's IANA time zone: local till times and daily files", Parsed(_known_time_zone)
    ] = "UTC"
    language: Annotated[Literal["en", "ru"], "language of the terminal view and of the pages"] = "en"
    notice_displayed: Annotated[
        bool,
        "a notice for customers hangs where they read it before the camera sees them (`checkout-age notice`)",
    ] = False
