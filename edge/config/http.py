"""The address of metrics, health and pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from edge.config.rule import Matches, Within

__all__ = ["Http"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    """Loopback unless said otherwise."""

    host: Annotated[
        str, "address to listen on", Matches(r"[A-Za-z0-9._:-]{1,253}", "an IP address or a host name")
    ] = "127.0.0.1"
    port: Annotated[int, "port to listen on; 0: any that is free", Within(0, 65535)] = 8480
