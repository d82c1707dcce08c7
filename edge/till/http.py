"""The HTTP door: what is answered to `POST /api/till`, decided without any server; the route around it is thin."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.till.batch import Batch, answer, read_batch
from edge.till.inbox import Kept
from edge.till.reading import TillReader
from edge.till.refusal import TillEventRefused

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

__all__ = ["Answer", "Commit", "NoRoom", "Overloaded", "RateLimit", "TillHttp", "till_routes"]

Commit = Callable[[Batch], "Future[Kept]"]
"""Puts a batch into the inbox; done when it is on disk. Raises NoRoom or Overloaded, at once or by the future."""
_EVENTS_MAX = 5000
_DOOR = "http"


class NoRoom(Exception):  # noqa: N818 - a state that passes
    """The disk is full: the till must keep its events and come again (507)."""


class Overloaded(Exception):  # noqa: N818 - a state that passes
    """More is waiting for the disk than may: the till must wait a moment (429)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, JSON body and headers of one response."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]


class RateLimit:
    """Events a second, averaged over a second's burst. For one thread."""

    def __init__(self, per_s: float, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._clock_s = clock_s
        self._room = per_s
        self._at_s = clock_s()

    def wait_s(self) -> float:
        """How long the next sender has to wait; 0 where it may go on."""
        now_s = self._clock_s()
        self._room = min(self._per_s, self._room + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        return 0.0 if self._room > 0 else -self._room / self._per_s + 0.001

    def take(self, events: int) -> None:
        """So many came; a batch may overdraw, and who comes next waits for it."""
        self._room -= events


class TillHttp:
    """Judges requests. Used from the web server's loop only."""

    def __init__(
        self, *, token: str, reader: TillReader, max_body_bytes: int, max_events_per_s: float
    ) -> None:
        """Raises ValueError for a token that is too short to be one."""
        if len(token) < 16:
            raise ValueError(
                "the till's token has fewer than 16 characters: make one with `openssl rand -hex 32`"
            )
        self._token = token.encode()
        self._reader = reader
        self.max_body_bytes = max_body_bytes
        self._limit = RateLimit(max_events_per_s)
        self.turned_away: Counter[str] = Counter()
        """Whole requests, by reason; refused events are counted where their batch is kept."""

    def refusal(self, *, authorization: str | None, declared_bytes: int | None) -> Answer | None:
        """What is answered before the body is read: 401, 413 or 429; None to go on."""
        scheme, _, shown = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), self._token):
            self.turned_away["no_token"] += 1
            return _refused(
                401, "show the till's token: Authorization: Bearer …", {"WWW-Authenticate": "Bearer"}
            )
        if declared_bytes is not None and declared_bytes > self.max_body_bytes:
            return self.too_large()
        wait_s = self._limit.wait_s()
        if wait_s > 0:
            self.turned_away["too_many"] += 1
            return _refused(429, "too many events a second", {"Retry-After": str(int(wait_s) + 1)})
        return None

    def too_large(self) -> Answer:
        """413, with the bound."""
        self.turned_away["too_large"] += 1
        return _refused(413, f"a request holds at most {self.max_body_bytes} bytes; send smaller batches")

    def batch(self, raw: bytes) -> Batch | Answer:
        """The body taken apart; 400 where nothing could be parsed, 413 for too many events."""
        try:
            batch = read_batch(raw, self._reader, door=_DOOR)
        except TillEventRefused as refused:
            self.turned_away[refused.reason.value] += 1
            return _refused(400, str(refused))
        count = len(batch.events) + len(batch.rejected)
        if count > _EVENTS_MAX:
            self.turned_away["too_large"] += 1
            return _refused(413, f"a batch holds at most {_EVENTS_MAX} events; send smaller ones")
        self._limit.take(count)
        return batch

    def kept(self, batch: Batch, kept: Kept) -> Answer:
        """200, after the commit."""
        return Answer(status=200, body=answer(batch, kept), headers={})

    def failed(self, error: BaseException) -> Answer:
        """What is told where the inbox could not take it: 507, 429, else 503. Nothing of the batch was kept."""
        self.turned_away["no_room" if isinstance(error, NoRoom | Overloaded) else "store_away"] += 1
        if isinstance(error, NoRoom):
            return _refused(507, f"no room on the disk: {error}")
        if isinstance(error, Overloaded):
            return _refused(429, f"too much waits for the disk: {error}", {"Retry-After": "1"})
        return _refused(503, "the inbox cannot be written now; send again", {"Retry-After": "5"})


def till_routes(door: TillHttp, commit: Commit) -> list[BaseRoute]:
    """`POST /api/till`."""
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    async def take(request: Request) -> Response:
        told = await _answer(request, door, commit)
        return JSONResponse(dict(told.body), status_code=told.status, headers=dict(told.headers))

    return [Route("/api/till", take, methods=["POST"])]


async def _answer(request: Request, door: TillHttp, commit: Commit) -> Answer:
    declared = request.headers.get("content-length", "")
    refused = door.refusal(
        authorization=request.headers.get("authorization"),
        declared_bytes=int(declared) if declared.isdecimal() else None,
    )
    if refused is not None:
        return refused
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > door.max_body_bytes:
            return door.too_large()
        parts.append(part)
    batch = door.batch(b"".join(parts))
    if isinstance(batch, Answer):
        return batch
    try:
        kept = await asyncio.wrap_future(commit(batch))
    except Exception as error:  # noqa: BLE001 - every failure of the store is an answer to the till
        return door.failed(error)
    return door.kept(batch, kept)


def _refused(status: int, reason: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status=status, body={"error": reason}, headers=headers or {})
