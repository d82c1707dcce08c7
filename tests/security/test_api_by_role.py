"""Every operation of the interface with odd input, as every role: no 500, no 503 either, nothing beyond a role."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, given, settings
from starlette.routing import Route

from edge.page import operations_routes
from edge.till import TillHttp, TillReader, till_routes
from tests.page.shop import Shop
from tests.security.guarded_box import GuardedBox

DESCRIPTION = yaml.safe_load((Path(__file__).parent / "openapi.yaml").read_text())
GUESTS = ("nobody", "display", "viewer", "cashier", "security", "manager", "till", "metrics")
OPERATIONS = [
    (path, method, told) for path, methods in DESCRIPTION["paths"].items() for method, told in methods.items()
]
EXAMPLES = int(os.environ.get("API_EXAMPLES", "3"))
"""Of each operation and role; `make soak` takes a hundred."""
_REFUSALS = (401, 403)
_FINE = {200, 303, 304, 400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 431}


def test_the_description_names_every_route_and_no_other(tmp_path: Path) -> None:
    shop = Shop(tmp_path).start()
    shop.stop()
    door = TillHttp(token="x" * 32, reader=TillReader(), max_body_bytes=1, max_events_per_s=1)
    routes = [
        *shop.pages.routes,
        *operations_routes(version="1", stats=dict, health=lambda: ("ok", ()), metrics=lambda: (b"", "")),
        *till_routes(door, lambda _batch: None),  # type: ignore[arg-type, return-value]
    ]
    served = {
        (route.path, method.lower())
        for route in routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert {(path, method) for path, method, _ in OPERATIONS} == served


def filled(path: str) -> str:
    """A path that exists, with a lane of the cashier's."""
    given_words = {"lane": "lane-1", "week": "2026-W01", "key": "nobody-knows", "name": "signin.html"}
    return re.sub(r"\{(\w+)\}", lambda found: given_words.get(found[1], "x"), path)


@pytest.mark.parametrize("guest", GUESTS)
def test_nobody_reaches_beyond_his_role(guarded: GuardedBox, guest: str) -> None:
    reached, refused = [], []
    for path, method, told in OPERATIONS:
        if path == "/signout":
            continue
        status, headers, _ = guarded.guests[guest].ask(
            method.upper(), filled(path), b"{}" if method == "post" else None
        )
        allowed = guest in told["x-roles"] or "anyone" in told["x-roles"]
        sent_to_sign_in = status == 303 and headers["location"] == "/signin"
        if allowed and status in _REFUSALS:
            refused.append((path, method, status))
        if not allowed and status not in _REFUSALS and not sent_to_sign_in:
            reached.append((path, method, status))
        assert status in _FINE or (path == "/health" and status == 503), (path, method, status)
    assert reached == []
    assert refused == []


def test_a_cashier_sees_the_own_lane_and_no_other(guarded: GuardedBox) -> None:
    cashier = guarded.guests["cashier"]
    for path in ("/lane/{}", "/api/lane/{}/stream"):
        assert cashier.ask("GET", path.format("lane-1"))[0] == 200
        for other in ("lane-2", "lane-9", "..", "%2e%2e", "lane-1%00"):
            assert cashier.ask("GET", path.format(other))[0] in (403, 404)
    assert cashier.ask("POST", "/api/lane/lane-2/act", b'{"action":"verified","receipt":"r"}')[0] == 403


BY_HAND = {("/signin", "post"), ("/signout", "post"), ("/api/alerts/test", "post")} | {
    (path, method) for path, method, told in OPERATIONS if told.get("x-stream")
}
"""Not with odd input where it is allowed: the brake would lock this computer out (tests/page), a session would end,
every phone would ring, and streams do not end."""


def exercise(guarded: GuardedBox, guest: str, examples: int) -> dict[tuple[str, str], int]:
    """So many odd requests to each operation, as long as they do no harm there; how many were sent."""
    schema = schemathesis.openapi.from_dict(DESCRIPTION)
    schema.config.update(base_url=f"http://127.0.0.1:{guarded.port}")
    sent: dict[tuple[str, str], int] = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        place = (operation.path, operation.method.lower())
        roles = DESCRIPTION["paths"][place[0]][place[1]]["x-roles"]
        if place in BY_HAND and (guest in roles or "anyone" in roles):
            continue
        sent[place] = odd_requests(guarded, guest, operation, roles, examples)
    return sent


def odd_requests(guarded: GuardedBox, guest: str, operation: Any, roles: list[str], examples: int) -> int:
    allowed = guest in roles or "anyone" in roles
    sent = 0

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def odd(case: Any) -> None:
        nonlocal sent
        sent += 1
        answer = case.call(headers=guarded.guests[guest].headers(), allow_redirects=False, timeout=120)
        told = f"{guest} got {answer.status_code}: {answer.text[:200]}"
        assert answer.status_code in _FINE or operation.path == "/health", told
        if not allowed and answer.status_code not in (*_REFUSALS, 404, 405):
            assert answer.headers.get("location") in ("/signin", ["/signin"]), told

    odd()
    return sent


@pytest.mark.parametrize("guest", GUESTS)
def test_odd_input_is_answered_and_never_breaks_anything(guarded: GuardedBox, guest: str) -> None:
    sent = exercise(guarded, guest, EXAMPLES)
    assert all(sent.values())
    left_out = {(path, method) for path, method, _ in OPERATIONS} - set(sent)
    assert left_out <= BY_HAND
    assert guest == "manager" or len(left_out) < len(BY_HAND), "who may not is refused with odd input too"
    assert "Traceback" not in guarded.log()
    assert guarded.guests["nobody"].ask("GET", "/api/version")[0] == 200


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("guest", GUESTS)
def test_much_odd_input(guarded: GuardedBox, guest: str) -> None:
    sent = exercise(guarded, guest, int(os.environ.get("API_EXAMPLES", "100")))
    print(guest, sum(sent.values()), "requests to", len(sent), "operations")
    assert "Traceback" not in guarded.log()
