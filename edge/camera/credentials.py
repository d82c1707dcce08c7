"""Who we are to a camera, and where it is: apart until the moment of opening, never in a text for people."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit, urlunsplit

__all__ = ["Credentials", "StreamAddress"]

_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """User and password as the camera knows them: plain, not percent-encoded. `repr` hides the password."""

    user: str
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAddress:
    """A camera's URL taken apart. `str` and `repr` have neither credentials nor the query, which may hold a token."""

    scheme: str
    host: str
    port: int
    path: str
    query: str = field(default="", repr=False)
    credentials: Credentials | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str, *, credentials: Credentials | None = None) -> StreamAddress:
        """Take an rtsp, rtsps, http or https URL apart; credentials in it count where none are given apart.

        Raises ValueError, which never repeats the URL, for another scheme, no host or a bad port.
        """
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        if scheme not in _DEFAULT_PORTS:
            raise ValueError("a camera's address starts with rtsp://, rtsps://, http:// or https://")
        try:
            port = parts.port
        except ValueError:
            raise ValueError("the port in the camera's address is no number from 0 to 65535") from None
        if not parts.hostname:
            raise ValueError("the camera's address names no host, as rtsp://192.0.2.10/stream does")
        if credentials is None and parts.username is not None:
            credentials = Credentials(user=unquote(parts.username), password=unquote(parts.password or ""))
        return cls(
            scheme=scheme,
            host=parts.hostname,
            port=_DEFAULT_PORTS[scheme] if port is None else port,
            path=parts.path or "/",
            query=parts.query,
            credentials=credentials,
        )

    @property
    def tls(self) -> bool:
        """Does the camera speak TLS?"""
        return self.scheme in ("rtsps", "https")

    @property
    def target(self) -> str:
        """Path and query, as a request line of HTTP has them."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def url(self) -> str:
        """The address without credentials, as a request line of RTSP has it; the query is in it."""
        return urlunsplit((self.scheme, self._place(), self.path, self.query, ""))

    def secret_url(self) -> str:
        """The address with percent-encoded credentials. For the one call that opens it, never to be kept or shown."""
        place = self._place()
        if self.credentials is not None:
            user, password = (
                quote(word, safe="") for word in (self.credentials.user, self.credentials.password)
            )
            place = f"{user}:{password}@{place}"
        return urlunsplit((self.scheme, place, self.path, self.query, ""))

    def __str__(self) -> str:
        return urlunsplit((self.scheme, self._place(), self.path, "", ""))

    def _place(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"
