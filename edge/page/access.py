"""Who a request comes from, and whether it may do what it asks."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Collection
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from edge.page.people import PeopleFile, Role, matches
from edge.page.sessions import Brake, Sessions, Who

__all__ = ["Access", "Denied", "LockedOut", "json_of"]

_YEAR_S = 400 * 24 * 3600
_BODY_MAX = 16_384
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$YWJjZGVmZ2hpamtsbW5vcA$jHmGTdrJ8oXeUXRoXLoFfuw9nGzF0kZDm3z1ij8pZMM"


class Denied(Exception):  # noqa: N818 - an answer, not a fault
    """A request that is refused; `status` and a word for the browser."""

    def __init__(self, status: int, word: str) -> None:
        super().__init__(word)
        self.status = status

    def answer(self) -> Response:
        """The refusal as a response."""
        return JSONResponse({"error": str(self)}, status_code=self.status)


class LockedOut(Exception):  # noqa: N818 - an answer, not a fault
    """Too many wrong passwords; `wait_s` until the next try."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("wait")
        self.wait_s = wait_s


class Access:
    """Signs people in and out by cookie, knows API tokens, and refuses forged requests. Used from one loop."""

    def __init__(self, people: PeopleFile, sessions: Sessions, *, secure: bool, port: int) -> None:
        """`secure`: the server speaks TLS, so cookies never travel without."""
        self.people = people
        self.sessions = sessions
        self._secure = secure
        # Cookies know no port: two boxes on one computer would sign each other out.
        self._cookie = f"{'__Host-' if secure else ''}checkout-age-{port}"
        self._brake = Brake()
        self._one_hash_at_a_time = asyncio.Semaphore(1)  # 64 MB each on a small box

    def who(self, request: Request) -> Who | None:
        """Whose request it is: an API token's, or a cookie's."""
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.sessions.bearer(shown.strip())
        key = request.cookies.get(self._cookie)
        return None if key is None else self.sessions.who(key)

    def need(self, request: Request, roles: Collection[Role]) -> Who:
        """Who asks, if one of `roles`. Raises Denied; a change by cookie needs the page's own header too."""
        who = self.who(request)
        if who is None:
            raise Denied(401, "sign_in")
        if who.role not in roles:
            raise Denied(403, "role")
        if request.method not in ("GET", "HEAD") and who.csrf is not None:
            self._same_origin(request)
            if not secrets.compare_digest(
                request.headers.get("x-csrf-token", "").encode(), who.csrf.encode()
            ):
                raise Denied(403, "csrf")
        return who

    async def sign_in(self, request: Request) -> Response:
        """`POST /signin` with `name` and `password` as a form. Wrong guesses are slowed down by address and name.

        Raises LockedOut where they were too many.
        """
        self._same_origin(request)
        form = parse_qs((await _body_of(request)).decode("utf-8", "replace"))
        name, password = (form.get(field, [""])[0] for field in ("name", "password"))
        address = request.client.host if request.client else "?"
        async with self._one_hash_at_a_time:
            wait_s = self._brake.wait_s(address, name)
            if wait_s > 0:
                raise LockedOut(wait_s)
            user = self.people.current().user(name)
            # A name that nobody has costs the same time, so that time tells no names.
            right = await run_in_threadpool(matches, user.hash if user else _NOBODY, password)
            key = self.sessions.begin(name) if right and user else None
            if key is None:
                self._brake.failed(address, name)
                return RedirectResponse("/signin?wrong=1", status_code=303)
            self._brake.passed(address, name)
        return self.with_cookie(RedirectResponse("/", status_code=303), key)

    def sign_out(self, request: Request) -> Response:
        """`POST /signout`."""
        self.need(request, tuple(Role))
        key = request.cookies.get(self._cookie)
        if key is not None:
            self.sessions.end(key)
        answer = JSONResponse({"signed_out": True})
        answer.delete_cookie(self._cookie, path="/", secure=self._secure, httponly=True, samesite="lax")
        return answer

    def with_cookie(self, answer: Response, key: str, *, lasting: bool = False) -> Response:
        """Hand a key out. `lasting`: the browser keeps it over a reboot (wall screens)."""
        answer.set_cookie(
            self._cookie,
            key,
            max_age=_YEAR_S if lasting else None,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )
        return answer

    def _same_origin(self, request: Request) -> None:
        """Raises Denied where a browser says that another site's page sent this."""
        if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Denied(403, "origin")
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
            raise Denied(403, "origin")


async def _body_of(request: Request) -> bytes:
    """The body of a small request. Raises Denied (413) beyond 16 kB."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > _BODY_MAX:
            raise Denied(413, "too_large")
        parts.append(part)
    return b"".join(parts)


async def json_of(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises Denied (400)."""
    try:
        found = json.loads(await _body_of(request))
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is JSON and yet no text
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Denied(400, "json")
    return found
