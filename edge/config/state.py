"""Where the box keeps what it must not forget, how long, and how much of the disk it may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from edge.config.rule import Beside, Within

__all__ = ["State"]


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state folder and its bounds."""

    dir: Annotated[Path, "folder of the databases; relative: to the configuration's folder", Beside()] = Path(
        "/var/lib/checkout-age"
    )
    security_days: Annotated[int, "days that security's events are kept", Within(1, 3650)] = 30
    register_days: Annotated[int, "days that the register of checks is kept", Within(1, 3650)] = 365
    sales_months: Annotated[int, "months that marketing's baskets are kept", Within(1, 120)] = 25
    max_mb: Annotated[
        int,
        "beyond this size delivered events go before their days are over, down to one day, MB",
        Within(50, 1_000_000),
    ] = 2000
    min_free_mb: Annotated[int, "below this free space new intake is refused, MB", Within(1, 1_000_000)] = 200
