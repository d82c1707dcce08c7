"""What monitors ask for: `/health`, `/metrics`, `/api/version`, `/api/stats`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

__all__ = ["operations_routes"]

_UNAVAILABLE = 503


def operations_routes(
    *,
    version: str,
    stats: Callable[[], Mapping[str, Any]],
    health: Callable[[], tuple[str, tuple[str, ...]]],
    metrics: Callable[[], tuple[bytes, str]],
    metrics_token: str | None = None,
) -> list[Route]:
    """The routes over three callables, which may take milliseconds and run outside the event loop.

    `health` gives the state and its reasons: 200 for `ok` and `degraded`, 503 for `down`. `metrics` gives the page
    and its content type; with `metrics_token` only who shows it as a bearer token gets that page.
    """

    async def answer_health(_request: Request) -> Response:
        state, reasons = await run_in_threadpool(health)
        return JSONResponse(
            {"state": state, "reasons": list(reasons)}, status_code=_UNAVAILABLE if state == "down" else 200
        )

    async def answer_stats(_request: Request) -> Response:
        return JSONResponse(dict(await run_in_threadpool(stats)))

    async def answer_version(_request: Request) -> Response:
        return JSONResponse({"name": "checkout-age", "version": version})

    async def answer_metrics(request: Request) -> Response:
        if metrics_token is not None:
            scheme, _, shown = request.headers.get("authorization", "").partition(" ")
            right = secrets.compare_digest(shown.strip().encode(), metrics_token.encode())
            if scheme.lower() != "bearer" or not right:
                return JSONResponse(
                    {"error": "token"}, status_code=401, headers={"WWW-Authenticate": "Bearer"}
                )
        page, content_type = await run_in_threadpool(metrics)
        return Response(page, media_type=content_type)

    return [
        Route("/health", answer_health),
        Route("/api/stats", answer_stats),
        Route("/api/version", answer_version),
        Route("/metrics", answer_metrics),
    ]
