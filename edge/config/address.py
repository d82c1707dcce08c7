"""Addresses without what lets others in: for people's eyes, and so that a log can be kept from telling it."""

from __future__ import annotations

import re

__all__ = ["hidden_in_address", "masked_address", "masked_text"]

_MASK = "***"
_FIELD = re.compile(
    r"(?P<name>[A-Za-z0-9-]*(?:pas|pwd|pw|secret|token|key|auth|sig|code(?!c)|cred)[A-Za-z0-9-]*=)"
    r"(?P<hidden>[^&;,/?#]+?)(?=[&;,/?#]|_[A-Za-z]+=|$)",
    re.IGNORECASE,
)
"""`password=…` in a query, behind a ';', or within the way itself, where many cameras want it
(`/user=admin_password=…_channel=1_stream=0.sdp`)."""
_NAMED_PIECE = re.compile(r"(?P<name>[^/:]+:)(?P<hidden>[^/]+)")
"""`admin:password` as a part of the way."""
_LONG_PIECE = re.compile(r"(?P<name>)(?P<hidden>[A-Za-z0-9_:.~-]{20,})")
"""A part of an address's way that nobody chose by hand: many services put their key there."""
_USER_INFO = re.compile(r"(?P<name>)(?P<hidden>.*)(?=@)")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s'\"]+")


def masked_address(text: str) -> str:
    """A URL without user and password, keys in its way and its query, and long pieces of its way."""
    return _masked(text, [])


def hidden_in_address(text: str) -> tuple[str, ...]:
    """What `masked_address` hides."""
    hidden: list[str] = []
    _masked(text, hidden)
    return tuple(hidden)


def masked_text(text: str) -> str:
    """A text with every address in it masked."""
    return _ADDRESS.sub(lambda found: masked_address(found.group()), text)


def _masked(text: str, hidden: list[str]) -> str:
    def hide(found: re.Match[str]) -> str:
        hidden.append(found["hidden"])
        return f"{found['name']}{_MASK}"

    def piece(part: str) -> str:
        whole = next((one for one in (_LONG_PIECE, _NAMED_PIECE) if one.fullmatch(part)), None)
        return _FIELD.sub(hide, part) if whole is None else whole.sub(hide, part)

    scheme, mark, rest = text.partition("://")
    if not mark:
        return text
    place, question, query = rest.partition("?")
    host, slash, way = place.partition("/")
    host = _USER_INFO.sub(hide, host, count=1)
    way = "/".join(piece(part) for part in way.split("/"))
    return f"{scheme}{mark}{host}{slash}{way}{question}{_FIELD.sub(hide, query)}"
