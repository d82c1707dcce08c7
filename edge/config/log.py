"""How much is said on stderr, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

__all__ = ["Log"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """Format and level."""

    format: Annotated[Literal["pretty", "json"], "pretty for people, json for collectors"] = "pretty"
    level: Annotated[Literal["debug", "info", "warning", "error"], "the least important that is written"] = (
        "info"
    )
