"""The pages' own files: read once, sent with a policy that lets nothing else in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from html import escape
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

__all__ = ["SAFE_HEADERS", "StaticFiles"]

SAFE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # `no-referrer` would have browsers send our own forms with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_OK = 200
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


class StaticFiles:
    """Every file of `edge/page/static`, by its plain name; nothing else on the disk can be asked for."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, str, str]] = {}
        for one in files("edge.page").joinpath("static").iterdir():
            kind = _TYPES.get(one.name.rpartition(".")[2])
            if kind is not None:
                body = one.read_bytes()
                self._files[one.name] = (body, kind, f'"{hashlib.sha256(body).hexdigest()[:20]}"')

    def answer(
        self,
        request: Request,
        name: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        body_data: Mapping[str, str] | None = None,
    ) -> Response:
        """The file; 304 where the browser has it already, 404 where there is none.

        With another `status` it is never kept; `body_data` becomes `data-…` attributes of its body, for its script.
        """
        found = self._files.get(name)
        if found is None:
            return Response("not here", status_code=404, media_type="text/plain", headers=dict(SAFE_HEADERS))
        body, kind, tag = found
        if status != _OK:
            told = "".join(f' data-{key}="{escape(value)}"' for key, value in (body_data or {}).items())
            return Response(
                body.replace(b"<body ", f"<body{told} ".encode(), 1),
                status_code=status,
                headers={
                    **SAFE_HEADERS, "Cache-Control": "no-store", "Content-Type": kind, **(headers or {}),
                },
            )  # fmt: skip
        kept = {**SAFE_HEADERS, "ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=kept)
        return Response(body, headers={**kept, "Content-Type": kind})
