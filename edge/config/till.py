"""How tills reach this box: doors, clocks, and which goods need an age."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from edge.config.rule import NAME, Beside, Count, Existing, Matches, Refers, Within
from edge.config.secret import one_password, read_password

__all__ = ["Goods", "LinesDoor", "MqttDoor", "PoslogDoor", "ProductAge", "Till", "TillClock", "TokenDoor"]

_AGE = Annotated[int, "legal age in years", Within(1, 30)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryAge:
    """All goods of a category of the till's need this age."""

    category: Annotated[str, "the category, as the till names it; any case"]
    min_age: _AGE


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductAge:
    """Goods whose article number or name fits the pattern need this age."""

    pattern: Annotated[str, "article number or name, with * and ? for what varies; any case"]
    min_age: _AGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """Restricted goods beside those that the till itself marks; the strictest word counts."""

    categories: Annotated[tuple[CategoryAge, ...], "by category", Count(0, 200)] = ()
    products: Annotated[tuple[ProductAge, ...], "by article", Count(0, 1000)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TillClock:
    """How far a till's clock is off."""

    lane: Annotated[str, "the lane", Refers("lanes")]
    offset_s: Annotated[
        float,
        "seconds to add to the till's times to get the camera's (the page shows an estimate)",
        Within(-3600, 3600),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDoor:
    """`POST /api/till`: tills show a bearer token."""

    token_env: Annotated[str | None, "environment variable that holds the token"] = None
    token_file: Annotated[Path | None, "file whose first line is the token", Existing("file")] = None
    token_credential: Annotated[str | None, "name of the systemd credential with the token", NAME] = None
    max_body_kb: Annotated[int, "a larger request is refused with 413", Within(1, 65536)] = 1024
    max_events_per_s: Annotated[float, "above this rate tills are told to wait (429)", Within(1, 100_000)] = (
        5000.0
    )

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """One token, by one way."""
        ways = [
            way for way in ("token_env", "token_file", "token_credential") if getattr(self, way) is not None
        ]
        if len(ways) != 1:
            yield (
                tuple(reversed(ways)) or ("token_file",),
                "give one of token_env, token_file, token_credential",
            )

    def token(self) -> str:
        """The token itself. Raises SecretError where it cannot be read."""
        return (
            read_password(
                _Secret(
                    user="till",
                    password_env=self.token_env,
                    password_file=self.token_file,
                    password_credential=self.token_credential,
                )
            )
            or ""
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Secret:
    user: str | None
    password_env: str | None
    password_file: Path | None
    password_credential: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttDoor:
    """Till events from a topic: one event or an array in each message."""

    host: Annotated[
        str, "the broker's address", Matches(r"[A-Za-z0-9._:-]{1,253}", "an IP address or a host name")
    ]
    topic: Annotated[str, "the topic; + and # as MQTT has them"]
    port: Annotated[
        int | None, "the broker's port; without it 8883 with TLS, 1883 without", Within(1, 65535)
    ] = None
    tls: Annotated[bool, "encrypt the connection and check the broker's certificate"] = False
    ca_file: Annotated[Path | None, "certificates to trust instead of the system's", Existing("file")] = None
    user: Annotated[str | None, "the user that the broker asks for"] = None
    password_env: Annotated[str | None, "environment variable that holds the password"] = None
    password_file: Annotated[Path | None, "file whose first line is the password", Existing("file")] = None
    password_credential: Annotated[str | None, "name of the systemd credential with the password", NAME] = (
        None
    )

    @property
    def effective_port(self) -> int:
        """The port to connect to."""
        return self.port if self.port is not None else 8883 if self.tls else 1883

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """A password without a user."""
        yield from one_password(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinesDoor:
    """A file to which the till's software appends JSON lines."""

    path: Annotated[Path, "the file; it may be rotated", Beside()]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoslogDoor:
    """A folder into which NRF/ARTS POSLog files are put, one or several transactions each."""

    folder: Annotated[Path, "the folder", Beside()]
    lane: Annotated[
        str | None,
        "the lane of all files; without it the file's WorkstationID names the lane",
        Refers("lanes"),
    ] = None
    max_file_kb: Annotated[int, "a larger file is refused", Within(1, 65536)] = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Till:
    """Doors, clocks and goods. Without any door the box shows ages and knows no receipts."""

    http: Annotated[TokenDoor | None, "events by HTTP"] = None
    mqtt: Annotated[MqttDoor | None, "events by MQTT"] = None
    lines: Annotated[tuple[LinesDoor, ...], "files of JSON lines", Count(0, 64)] = ()
    poslog: Annotated[tuple[PoslogDoor, ...], "folders of POSLog files", Count(0, 64)] = ()
    clocks: Annotated[tuple[TillClock, ...], "tills whose clock is off", Count(0, 64)] = ()
    goods: Annotated[Goods, "restricted goods"] = field(default_factory=Goods)
    silent_minutes: Annotated[
        float,
        "a till that tells nothing for so long while customers pass is called silent; 0: never",
        Within(0, 1440),
    ] = 15.0

    def offset_s(self, lane: str) -> float:
        """What to add to this lane's till times."""
        return next((one.offset_s for one in self.clocks if one.lane == lane), 0.0)

    @property
    def any_door(self) -> bool:
        """Can a till reach this box at all?"""
        return bool(self.http or self.mqtt or self.lines or self.poslog)
