"""Answer a server that asks who we are: the Authorization header for a WWW-Authenticate one.

Basic is RFC 7617, Digest is RFC 7616 (MD5 and SHA-256, with and without `qop`), as HTTP and RTSP share them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

from edge.camera.credentials import Credentials

__all__ = ["authorization"]

_FIELD = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}


def authorization(
    challenges: Iterable[str], credentials: Credentials, *, method: str, uri: str, nonce_of_client: str
) -> str | None:
    """The header's value for the strongest challenge that we can answer, or None where there is none.

    `challenges` are the values of all WWW-Authenticate headers; `uri` is what the request line names;
    `nonce_of_client` is fresh random text.
    """
    digests: dict[str, dict[str, str]] = {}
    basic = False
    for challenge in challenges:
        scheme, _, rest = challenge.strip().partition(" ")
        if scheme.lower() == "digest":
            fields = {key.lower(): quoted or plain for key, quoted, plain in _FIELD.findall(rest)}
            digests.setdefault(fields.get("algorithm", "MD5").upper(), fields)
        basic = basic or scheme.lower() == "basic"
    for algorithm in ("SHA-256", "MD5"):
        if algorithm in digests:
            return _digest(
                digests[algorithm], algorithm, credentials, method=method, uri=uri, cnonce=nonce_of_client
            )
    if basic:
        pair = f"{credentials.user}:{credentials.password}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")
    return None


def _digest(
    fields: dict[str, str], algorithm: str, credentials: Credentials, *, method: str, uri: str, cnonce: str
) -> str:
    def hashed(text: str) -> str:
        # the algorithm is the server's choice; MD5 is what cameras speak and protects nothing here
        return hashlib.new(_HASHES[algorithm], text.encode(), usedforsecurity=False).hexdigest()

    realm, nonce = fields.get("realm", ""), fields.get("nonce", "")
    who = hashed(f"{credentials.user}:{realm}:{credentials.password}")
    what = hashed(f"{method}:{uri}")
    answer = {"username": credentials.user, "realm": realm, "nonce": nonce, "uri": uri}
    plain = {"algorithm": algorithm} if "algorithm" in fields else {}
    if "auth" in re.split(r"[\s,]+", fields.get("qop", "")):
        count = "00000001"
        answer["response"] = hashed(f"{who}:{nonce}:{count}:{cnonce}:auth:{what}")
        answer["cnonce"] = cnonce
        plain |= {"qop": "auth", "nc": count}
    else:
        answer["response"] = hashed(f"{who}:{nonce}:{what}")
    if "opaque" in fields:
        answer["opaque"] = fields["opaque"]
    quoted = [f'{key}="{_escaped(value)}"' for key, value in answer.items()]
    return "Digest " + ", ".join(quoted + [f"{key}={value}" for key, value in plain.items()])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
