"""No credential in any line that leaves the process: one filter, at the rim, over everything."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

__all__ = ["MASK", "Redactor"]

MASK = "***"

_USERINFO = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<userinfo>[^/?#\s'\"]*)@", re.IGNORECASE)
# `no_token: 3` counts who showed none (edge/till/http.py); it is no secret.
_FIELD = re.compile(
    r"(?P<key>\b(?!no_token\b)(?:[\w-]{0,40}[_-])?(?:password|passwd|pwd|secret|token|api[_-]?key|authorization)\b[\"']?\s*[:=]\s*)"
    r"(?P<value>(?:bearer|basic|digest)\s+[^\s,;&\"']+|[\"'][^\"']*[\"']|[^\s,;&\"']+)",
    re.IGNORECASE,
)
_SHORTEST_SECRET = 3
"""A secret shorter than this would mask half of every line; it is covered by the patterns alone."""


class Redactor:
    """Masks URL credentials, `password=…` fields and every secret that was made known. Thread-safe.

    A secret is masked as it stands and in every form in which a line may carry it: percent-encoded as FFmpeg and
    brokers print it, escaped as JSON and Python's `repr` write it, in base64.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._lock = threading.Lock()
        self._forms: tuple[str, ...] = ()
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """From now on this secret is masked wherever it stands."""
        if len(secret) < _SHORTEST_SECRET:
            return
        forms = _written(secret)
        with self._lock:
            # Longest first: a password that begins with another one must not leave its own tail.
            self._forms = tuple(sorted({*self._forms, *forms}, key=lambda form: (-len(form), form)))

    def __call__(self, text: str) -> str:
        """The text without credentials."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        text = _USERINFO.sub(rf"\g<scheme>{MASK}@", text)
        return _FIELD.sub(rf"\g<key>{MASK}", text)


def _written(secret: str) -> set[str]:
    """How a secret may look in a line; a quote or a backslash in it would else let all of it through."""
    forms = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret)}
    for _ in range(2):  # a repr within a line of JSON
        forms |= {form for each in tuple(forms) for form in _escaped(each)}
    return forms | {base64.b64encode(secret.encode(errors="surrogateescape")).decode().rstrip("=")}


def _escaped(text: str) -> Iterator[str]:
    for ascii_only in (False, True):
        yield json.dumps(text, ensure_ascii=ascii_only)[1:-1]
    for told in (repr(text)[1:-1], ascii(text)[1:-1], repr(text.encode(errors="surrogateescape"))[2:-1]):
        # Which quotes are escaped depends on what stands around the secret.
        bare = told.replace("\\'", "'")
        yield told
        yield bare
        yield bare.replace("'", "\\'")
