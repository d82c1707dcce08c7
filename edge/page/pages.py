"""The routes of security staff's page and of the cashier's page."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import wraps
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from edge.page.access import Access, Denied, LockedOut, json_of
from edge.page.box import Box, CashierAct
from edge.page.feed import LiveFeed
from edge.page.files import SAFE_HEADERS, StaticFiles
from edge.page.people import Role
from edge.page.prompts import LaneScreen, PromptBoard
from edge.page.sessions import Who
from edge.page.views import alert_seen_by, digest_seen, event_seen_by, explanation_seen_by

__all__ = ["Pages"]

_log = logging.getLogger(__name__)
_WATCH = (Role.DISPLAY, Role.VIEWER, Role.SECURITY, Role.MANAGER)
_JUDGE = (Role.SECURITY, Role.MANAGER)
_MANAGE = (Role.MANAGER,)
_AT_LANE = (Role.CASHIER, Role.MANAGER)
_OUTCOMES = ("checked", "false_alarm", "escalated")
_ALERTS = 500
_WORD_MAX = 500
_COMMIT_S = 10.0
_STILL_THERE_S = 30.0

_Handler = Callable[[Request], Awaitable[Response]]


class Pages:
    """Routes over a `Box`. Hand `routes` and `lifespan` to the web server, `feed.wake` to the store's commits,
    `board.till` to whoever commits till events, and call `feed.close` before the server stops.
    """

    def __init__(self, box: Box, access: Access, *, language: str, escalate_minutes: float) -> None:
        self._box = box
        self._access = access
        self._settings = {"language": language, "escalate_minutes": escalate_minutes}
        self._files = StaticFiles()
        self.board = PromptBoard()
        self.feed = LiveFeed(box, self.board)
        self.board.changed = self.feed.wake

    @contextlib.asynccontextmanager
    async def lifespan(self, _app: object) -> AsyncIterator[None]:
        """Runs the feed as long as the server."""
        task = asyncio.create_task(self.feed.run())
        try:
            yield
        finally:
            self.feed.close()
            await task

    @property
    def routes(self) -> list[BaseRoute]:
        """Every route of the pages."""
        return [
            Route("/", _safe(self._security_page)),
            Route("/signin", _safe(self._sign_in_page), methods=["GET"]),
            Route("/signin", _safe(self._sign_in), methods=["POST"]),
            Route("/signout", _safe(self._sign_out), methods=["POST"]),
            Route("/once/{key}", _safe(self._once)),
            Route("/display/{key}", _safe(self._display)),
            Route("/static/{name}", _safe(self._static)),
            Route("/lane/{lane}", _safe(self._lane_page)),
            Route("/week", _safe(self._week_page)),
            Route("/api/me", _safe(self._me)),
            Route("/api/alerts", _safe(self._alerts)),
            Route("/api/alerts/test", _safe(self._test), methods=["POST"]),
            Route("/api/alerts/{alert}/acknowledge", _safe(self._acknowledge), methods=["POST"]),
            Route("/api/stream", _safe(self._stream)),
            Route("/api/explain", _safe(self._explain)),
            Route("/api/parked/{sink}/retry", _safe(self._retry_parked), methods=["POST"]),
            Route("/api/weeks", _safe(self._weeks)),
            Route("/api/weeks/{week}", _safe(self._week)),
            Route("/api/weeks/{week}/sign", _safe(self._sign_week), methods=["POST"]),
            Route("/api/lane/{lane}/stream", _safe(self._lane_stream)),
            Route("/api/lane/{lane}/act", _safe(self._act), methods=["POST"]),
            Route("/api/lane/{lane}/assist", _safe(self._assist), methods=["POST"]),
        ]

    # --- pages ------------------------------------------------------------------------------------------------

    async def _security_page(self, request: Request) -> Response:
        who = self._access.who(request)
        if who is None:
            return RedirectResponse("/signin", status_code=303)
        if who.role is Role.CASHIER:
            return RedirectResponse(f"/lane/{who.lanes[0]}" if who.lanes else "/signin", status_code=303)
        return self._files.answer(request, "security.html")

    async def _sign_in_page(self, request: Request) -> Response:
        return self._files.answer(request, "signin.html")

    async def _sign_in(self, request: Request) -> Response:
        try:
            return await self._access.sign_in(request)
        except LockedOut as locked:
            retry_after_s = int(locked.wait_s) + 1
            return self._files.answer(
                request,
                "signin.html",
                status=429,
                headers={"Retry-After": str(retry_after_s)},
                body_data={"wait": str(-(-retry_after_s // 60))},
            )

    async def _sign_out(self, request: Request) -> Response:
        return self._access.sign_out(request)

    async def _once(self, request: Request) -> Response:
        key = self._access.sessions.redeem(request.path_params["key"])
        if key is None:
            return RedirectResponse("/signin?used=1", status_code=303)
        return self._access.with_cookie(RedirectResponse("/", status_code=303), key)

    async def _display(self, request: Request) -> Response:
        key = request.path_params["key"]
        who = self._access.sessions.bearer(key)
        if who is None or who.role is not Role.DISPLAY:
            return RedirectResponse("/signin?used=1", status_code=303)
        return self._access.with_cookie(RedirectResponse("/?wall=1", status_code=303), key, lasting=True)

    async def _static(self, request: Request) -> Response:
        return self._files.answer(request, request.path_params["name"])

    async def _lane_page(self, request: Request) -> Response:
        who = self._access.who(request)
        if who is None:
            return RedirectResponse("/signin", status_code=303)
        if not self._at_lane(who, request):
            raise Denied(403, "lane")
        return self._files.answer(request, "lane.html")

    async def _week_page(self, request: Request) -> Response:
        who = self._access.who(request)
        if who is None:
            return RedirectResponse("/signin", status_code=303)
        if who.role is not Role.MANAGER:
            raise Denied(403, "role")
        return self._files.answer(request, "week.html")

    # --- security staff ---------------------------------------------------------------------------------------

    async def _me(self, request: Request) -> Response:
        who = self._access.who(request)
        if who is None:
            has_users = bool(self._access.people.current().users)
            return JSONResponse({"error": "sign_in", "users": has_users, **self._settings}, status_code=401)
        judges = who.role in _JUDGE
        return JSONResponse(
            {
                "name": who.name,
                "role": who.role.value,
                "lanes": list(who.lanes),
                "csrf": who.csrf,
                "may": {
                    "acknowledge": judges,
                    "explain": judges and self._box.explain is not None,
                    "test": judges and self._box.test_alert is not None,
                    "retry": who.role is Role.MANAGER and self._box.retry_parked is not None,
                    "week": who.role is Role.MANAGER and self._box.week is not None,
                },
                **self._settings,
            }
        )

    async def _alerts(self, request: Request) -> Response:
        who = self._access.need(request, _WATCH)
        # First the place, then the rows: what comes between is told twice, never not at all.
        position = await run_in_threadpool(self._box.newest)
        rows = await run_in_threadpool(self._box.alerts, _ALERTS)
        gaps = [] if self._box.gaps is None else list(await run_in_threadpool(self._box.gaps))
        digests = [] if self._box.digests is None else await run_in_threadpool(self._box.digests)
        alerts = [alert_seen_by(who.role, row) for row in rows]
        return JSONResponse(
            {
                "position": position,
                "alerts": alerts,
                "gaps": gaps,
                "digests": [digest_seen(digest) for digest in digests],
            }
        )

    async def _stream(self, request: Request) -> Response:
        who = self._access.need(request, _WATCH)
        told = request.headers.get("last-event-id") or request.query_params.get("after", "")
        after = int(told) if told.isdecimal() and len(told) < 19 else None
        events = self.feed.stream(
            after=after, role=who.role.value, show=lambda event: event_seen_by(who.role, event)
        )
        return self._streaming(request, events)

    async def _acknowledge(self, request: Request) -> Response:
        who = self._access.need(request, _JUDGE)
        told = await json_of(request)
        outcome, note = told.get("outcome"), str(told.get("note") or "")[:_WORD_MAX].strip()
        if outcome not in _OUTCOMES:
            raise Denied(400, "outcome")
        name = str(told.get("by") or "").strip()[:63]
        # Where one computer is shared, the name says who looked and the account who was signed in.
        by = who.name if name in ("", who.name) else f"{name} ({who.name})"
        done = await run_in_threadpool(
            self._box.acknowledge, request.path_params["alert"], by, str(outcome), note
        )
        if not await asyncio.wait_for(asyncio.wrap_future(done), _COMMIT_S):
            raise Denied(404, "no_such_alert")
        return JSONResponse({"by": by, "outcome": outcome, "note": note})

    async def _test(self, request: Request) -> Response:
        who = self._access.need(request, _JUDGE)
        if self._box.test_alert is None:
            raise Denied(404, "not_here")
        return JSONResponse(
            {"sinks": [dict(one) for one in await run_in_threadpool(self._box.test_alert, who.name)]}
        )

    async def _explain(self, request: Request) -> Response:
        who = self._access.need(request, _JUDGE)
        if self._box.explain is None:
            raise Denied(404, "not_here")
        facts = await run_in_threadpool(
            self._box.explain,
            request.query_params.get("receipt", "")[:_WORD_MAX],
            request.query_params.get("lane") or None,
        )
        return JSONResponse({"facts": [explanation_seen_by(who.role, fact) for fact in facts]})

    async def _retry_parked(self, request: Request) -> Response:
        self._access.need(request, _MANAGE)
        if self._box.retry_parked is None:
            raise Denied(404, "not_here")
        try:
            told = await run_in_threadpool(self._box.retry_parked, request.path_params["sink"])
        except KeyError:
            raise Denied(404, "no_such_sink") from None
        return JSONResponse(dict(told))

    # --- the manager's week -----------------------------------------------------------------------------------

    async def _weeks(self, request: Request) -> Response:
        self._access.need(request, _MANAGE)
        if self._box.weeks is None:
            raise Denied(404, "not_here")
        return JSONResponse({"weeks": list(await run_in_threadpool(self._box.weeks))})

    async def _week(self, request: Request) -> Response:
        self._access.need(request, _MANAGE)
        if self._box.week is None:
            raise Denied(404, "not_here")
        try:
            return JSONResponse(dict(await run_in_threadpool(self._box.week, request.path_params["week"])))
        except ValueError:
            raise Denied(404, "no_such_week") from None

    async def _sign_week(self, request: Request) -> Response:
        who = self._access.need(request, _MANAGE)
        if self._box.sign_week is None:
            raise Denied(404, "not_here")
        done = await run_in_threadpool(self._box.sign_week, request.path_params["week"], who.name)
        try:
            signed = await asyncio.wait_for(asyncio.wrap_future(done), _COMMIT_S)
        except ValueError as refused:
            raise Denied(409, str(refused)) from None
        return JSONResponse(dict(signed))

    # --- the cashier ------------------------------------------------------------------------------------------

    async def _lane_stream(self, request: Request) -> Response:
        lane = self._need_lane(request)[1]
        return self._streaming(
            request, self.feed.lane_stream(lane, lambda screen: self._screen(lane, screen))
        )

    async def _act(self, request: Request) -> Response:
        who, lane = self._need_lane(request)
        told = await json_of(request)
        action, receipt = told.get("action"), told.get("receipt")
        if action not in ("verified", "known", "refused") or not isinstance(receipt, str) or not receipt:
            raise Denied(400, "action")
        if self._box.act is None or lane not in self._box.buttons:
            raise Denied(409, "till_reports")
        act = CashierAct(lane=lane, receipt=receipt[:200], action=action, by=who.name)
        done = await run_in_threadpool(self._box.act, act)
        await asyncio.wait_for(asyncio.wrap_future(done), _COMMIT_S)
        return JSONResponse({"told": True})

    async def _assist(self, request: Request) -> Response:
        who, lane = self._need_lane(request)
        if self._box.assist is None:
            raise Denied(404, "not_here")
        done = await run_in_threadpool(self._box.assist, lane, who.name)
        await asyncio.wait_for(asyncio.wrap_future(done), _COMMIT_S)
        return JSONResponse({"told": True})

    def _screen(self, lane: str, screen: LaneScreen) -> Mapping[str, Any]:
        return {
            "receipt": screen.receipt,
            "asks": screen.asks,
            "buttons": lane in self._box.buttons,
            "reported": lane not in self._box.unreported,
            "assist": self._box.assist is not None,
        }

    def _need_lane(self, request: Request) -> tuple[Who, str]:
        who = self._access.need(request, _AT_LANE)
        if not self._at_lane(who, request):
            raise Denied(403, "lane")
        return who, request.path_params["lane"]

    def _at_lane(self, who: Who, request: Request) -> bool:
        lane = request.path_params["lane"]
        return lane in self._box.lanes and who.may_see_lane(lane)

    def _streaming(self, request: Request, events: AsyncIterator[str]) -> Response:
        async def while_known() -> AsyncIterator[str]:
            """Ends the stream of somebody who was signed out or removed meanwhile."""
            loop = asyncio.get_running_loop()
            look_s = loop.time() + _STILL_THERE_S
            async for part in events:
                if loop.time() >= look_s:
                    look_s = loop.time() + _STILL_THERE_S
                    if self._access.who(request) is None:
                        return
                yield part

        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(while_known(), media_type="text/event-stream", headers=headers)


def _safe(handler: _Handler) -> _Handler:
    """Every answer carries the safe headers; a refusal is an answer; a store that is away is 503."""

    @wraps(handler)
    async def run(request: Request) -> Response:
        try:
            answer = await handler(request)
        except Denied as denied:
            answer = denied.answer()
        except Exception as error:  # noqa: BLE001 - whatever the box cannot do now, the browser hears of and repeats
            _log.warning("a page could not be answered: %r", error, extra={"page": handler.__name__})
            answer = JSONResponse({"error": "away"}, status_code=503)
        for name, value in SAFE_HEADERS.items():
            answer.headers.setdefault(name, value)
        answer.headers.setdefault("Cache-Control", "no-store")
        return answer

    return run
