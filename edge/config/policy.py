"""Who is asked for an ID, and what is told of a sale."""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from edge.config.rule import NAME, Count, Existing, OneOf, Parsed, Within

__all__ = ["OtherAge", "Policy"]

_LEGAL = "younger customers may not buy restricted goods, years"
_CHALLENGE = "who looks younger is asked for an ID, years (bundles are calibrated for these)"
_MISS = "accepted share of minors whom the estimate does not have asked"
_IN_URL = ("lane", "camera", "receipt", "from", "to", "from_s", "to_s")


def _recorder_url(text: str) -> None:
    wanted = "an http(s) address with any of {" + "} {".join(_IN_URL) + "}"
    try:
        names = {name for _, name, spec, how in string.Formatter().parse(text) if name is not None}
    except ValueError as error:
        raise ValueError(f"{wanted} ({error})") from error
    if not text.startswith(("http://", "https://")) or not names <= set(_IN_URL):
        raise ValueError(wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherAge:
    """The rule for goods of another legal age than the policy's own."""

    legal_age: Annotated[int, _LEGAL, Within(12, 30)]
    challenge_age: Annotated[int, _CHALLENGE, OneOf(18, 21, 25, 30)] = 25
    miss_rate: Annotated[float, _MISS, OneOf(0.01, 0.02, 0.05, 0.1)] = 0.05

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """As the policy's own ages."""
        yield from _not_below(self.legal_age, self.challenge_age)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Ages and rates. The threshold itself comes from the age bundle, for this challenge age and miss rate."""

    legal_age: Annotated[int, _LEGAL, Within(12, 30)] = 18
    challenge_age: Annotated[int, _CHALLENGE, OneOf(18, 21, 25, 30)] = 25
    miss_rate: Annotated[float, _MISS, OneOf(0.01, 0.02, 0.05, 0.1)] = 0.05
    name: Annotated[str, "what this policy is called in prompts, alerts and the register", NAME] = "default"
    other_ages: Annotated[
        tuple[OtherAge, ...], "rules for goods that need another legal age", Count(0, 8)
    ] = ()
    party: Annotated[
        Literal["payer", "anyone"], "who is judged: the one who pays, or anyone of the party"
    ] = "payer"
    tau_file: Annotated[
        Path | None,
        "the site's own thresholds, bound to one age bundle (docs/till.md)",
        Existing("file"),
    ] = None
    accept_few_faces: Annotated[
        bool, "use a threshold that rests on fewer than 50 faces of 14 to 17 years all the same"
    ] = False
    min_check_seconds: Annotated[float, "an ID check that took less counts as hasty", Within(0, 60)] = 2.0
    lateness_s: Annotated[
        float,
        "how long outcomes and alerts wait for late events of the till; prompts never wait",
        Within(0, 60),
    ] = 2.0
    receipt_timeout_s: Annotated[
        float, "a receipt without news for so long is abandoned", Within(30, 86400)
    ] = 900.0
    alert_padding_s: Annotated[float, "an alert's span begins so much before the sale", Within(0, 60)] = 5.0
    vms_url_template: Annotated[
        str | None,
        "address of the shop's own recorder at an alert's span, with {lane} {camera} {receipt} {from} {to} "
        "({from_s} {to_s}: seconds since 1970)",
        Parsed(_recorder_url),
    ] = None

    @property
    def legal_ages(self) -> tuple[int, ...]:
        """Every legal age that has a rule."""
        return (self.legal_age, *(one.legal_age for one in self.other_ages))

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """A challenge age below the legal age would ask nobody who must be asked; one rule for each legal age."""
        yield from _not_below(self.legal_age, self.challenge_age)
        if len(set(self.legal_ages)) != len(self.legal_ages):
            yield (
                ("other_ages", "legal_age"),
                "each legal age has one rule; 'legal_age' itself is one of them",
            )


def _not_below(legal_age: int, challenge_age: int) -> Iterator[tuple[tuple[str, ...], str]]:
    if challenge_age < legal_age:
        yield (
            ("challenge_age", "legal_age"),
            f"{challenge_age} is below legal_age ({legal_age}); it must be at least as high",
        )
