"""Who gets what over a real socket."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from edge.flow import TillEventType
from edge.page import Role, UnprotectedError, check_binding
from edge.page.people import PeopleError, PeopleFile
from edge.page.sessions import Brake
from tests.page.shop import PASSWORD, Browser, Shop


@pytest.fixture
def sam(shop: Shop) -> Browser:
    """Security, signed in."""
    browser = Browser(shop)
    assert browser.sign_in("sam") == "/"
    return browser


@pytest.fixture
def kate(shop: Shop) -> Browser:
    """The cashier of lane-1, signed in."""
    browser = Browser(shop)
    assert browser.sign_in("kate") == "/"
    return browser


def told(stream: HTTPResponse) -> Iterator[dict[str, Any]]:
    """Each server-sent event as {"event", "id", "data"}."""
    now: dict[str, Any] = {}
    idle = 0
    for raw in stream:
        line = raw.decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            now[name] = json.loads(value) if name == "data" else value
        elif "data" in now:
            idle = idle + 1 if now.get("event") in ("tick", "state") else 0
            assert idle < 15, "the stream is alive, yet what was waited for never came"
            yield now
            now = {}
        else:
            now = {}


def alerts(stream: HTTPResponse, count: int) -> list[dict[str, Any]]:
    """The next so many messages that are no state."""
    found: list[dict[str, Any]] = []
    for one in told(stream):
        if "event" not in one:
            found.append(one)
            if len(found) == count:
                break
    return found


def test_a_stranger_sees_the_sign_in_page_and_nothing_else(shop: Shop) -> None:
    stranger = Browser(shop)

    assert stranger.ask("GET", "/")[1]["location"] == "/signin"
    assert stranger.ask("GET", "/lane/lane-1")[1]["location"] == "/signin"
    for path in ("/api/alerts", "/api/stream", "/api/explain", "/api/lane/lane-1/stream"):
        assert stranger.get(path) == (401, {"error": "sign_in"})
    assert stranger.ask("GET", "/signin")[0] == 200


def test_every_answer_carries_the_policy_that_lets_nothing_else_in(shop: Shop, sam: Browser) -> None:
    for path in ("/", "/signin", "/static/page.css", "/api/alerts", "/api/me"):
        headers = sam.ask("GET", path)[1]
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    for name in ("security.html", "lane.html", "signin.html", "week.html"):
        page = sam.ask("GET", f"/static/{name}")[2].decode()
        assert "<style" not in page
        assert " style=" not in page
        assert "<script>" not in page
    assert sam.ask("GET", "/static/..%2fpages.py")[0] == 404


def test_the_cookie_is_kept_from_scripts_and_other_sites(shop: Shop) -> None:
    browser = Browser(shop)
    form = f"name=sam&password={PASSWORD.replace(' ', '+')}".encode()
    cookie = browser.ask("POST", "/signin", form)[1]["set-cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    secret = cookie.split("=", 1)[1].split(";")[0]
    assert secret not in (shop.folder / "sessions.json").read_text()


def test_a_change_needs_the_pages_own_header_and_no_other_site_can_send_it(shop: Shop, sam: Browser) -> None:
    shop.alert("a-1")
    path = "/api/alerts/a-1/acknowledge"
    done = {"outcome": "checked", "by": "sam"}

    assert sam.post(path, done, X_CSRF_Token="guess") == (403, {"error": "csrf"})
    assert sam.post(path, done, Origin="https://elsewhere.example") == (403, {"error": "origin"})
    assert sam.post(path, done, Sec_Fetch_Site="cross-site") == (403, {"error": "origin"})
    assert Browser(shop).sign_in("sam", Origin="https://elsewhere.example") == "403"
    assert shop.acknowledged == {}
    assert sam.post(path, done)[0] == 200


def test_guessing_locks_the_name_out_for_this_address_and_nobody_else(shop: Shop) -> None:
    guesser = Browser(shop)
    for _ in range(5):
        assert guesser.sign_in("sam", "wrong password") == "/signin?wrong=1"

    form = f"name=sam&password={PASSWORD.replace(' ', '+')}".encode()
    status, headers, body = guesser.ask("POST", "/signin", form)
    assert status == 429
    assert 0 < int(headers["retry-after"]) <= 301
    assert b'data-wait="' in body, "people are told too, on the page they came from"
    assert "set-cookie" not in headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert Browser(shop).sign_in("max") == "/"


def test_the_brake_lets_go_after_its_window() -> None:
    now_s = [0.0]
    brake = Brake(clock_s=lambda: now_s[0])
    for _ in range(5):
        brake.failed("10.0.0.9", "sam")

    assert brake.wait_s("10.0.0.9", "sam") == pytest.approx(300)
    assert brake.wait_s("10.0.0.8", "sam") == 0
    now_s[0] = 300.0
    assert brake.wait_s("10.0.0.9", "sam") == 0


def test_who_is_removed_is_out_at_once_and_who_got_a_new_password_too(shop: Shop, sam: Browser) -> None:
    vera = Browser(shop)
    vera.sign_in("vera")
    shop.people.change(lambda known: known.without("sam"))
    shop.people.change(lambda known: known.with_user("vera", Role.VIEWER, "another long one"))

    assert sam.get("/api/alerts")[0] == 401
    assert vera.get("/api/alerts")[0] == 401


def test_signing_out_ends_the_session_for_whoever_kept_the_cookie(shop: Shop, sam: Browser) -> None:
    kept = sam.cookie
    assert sam.post("/signout")[0] == 200
    sam.cookie = kept

    assert sam.get("/api/me")[0] == 401


def test_a_restart_signs_nobody_out_and_a_wall_screen_stays_signed_in(shop: Shop, sam: Browser) -> None:
    keys: list[str] = []

    def with_wall(known):  # type: ignore[no-untyped-def]
        after, key = known.with_token("wall", Role.DISPLAY)
        keys.append(key)
        return after

    shop.people.change(with_wall)
    wall = Browser(shop)
    headers = wall.ask("GET", f"/display/{keys[0]}")[1]
    assert headers["location"] == "/?wall=1"
    assert "Max-Age" in headers["set-cookie"]

    shop.stop()
    shop.start()

    assert sam.get("/api/me")[1]["role"] == "security"
    assert wall.get("/api/me")[1]["role"] == "display"
    assert wall.post("/api/alerts/a-1/acknowledge", {"outcome": "checked"})[0] == 403
    assert keys[0] not in shop.people.path.read_text()


def test_a_one_time_link_opens_once(shop: Shop) -> None:
    path = shop.sessions.one_time_link(name="demo", role=Role.MANAGER)
    first, second = Browser(shop), Browser(shop)

    assert first.ask("GET", path)[1]["location"] == "/"
    assert first.get("/api/me")[1]["role"] == "manager"
    assert second.ask("GET", path)[1]["location"] == "/signin?used=1"
    assert second.get("/api/me")[0] == 401


def test_an_api_token_needs_no_cookie_and_no_header_of_the_page(shop: Shop) -> None:
    keys: list[str] = []

    def with_token(known):  # type: ignore[no-untyped-def]
        after, key = known.with_token("pager", Role.SECURITY)
        keys.append(key)
        return after

    shop.people.change(with_token)
    shop.alert("a-1")
    bearer = f"Bearer {keys[0]}"
    machine = Browser(shop)

    assert machine.get("/api/alerts", Authorization=bearer)[1]["alerts"][0]["alert"] == "a-1"
    path = "/api/alerts/a-1/acknowledge"
    assert machine.post(path, {"outcome": "checked"}, Authorization=bearer)[0] == 200
    assert machine.get("/api/alerts", Authorization="Bearer ca_guess")[0] == 401


def test_an_alert_shows_nobodys_age_and_a_cashiers_name_to_the_manager_alone(
    shop: Shop, sam: Browser
) -> None:
    shop.alert("a-1")
    vera, manager = Browser(shop), Browser(shop)
    vera.sign_in("vera")
    manager.sign_in("max")

    for browser in (vera, sam, manager):
        status, page = browser.get("/api/alerts")
        alert = page["alerts"][0]
        assert status == 200
        assert (alert["kind"], alert["severity"], alert["receipt"]) == ("unchecked_sale", "high", "r-a-1")
        assert not {"age", "p_under"} & set(alert)
        assert ("cashier" in alert) == (browser is manager)
    assert "cashier" not in json.dumps(sam.get("/api/explain?receipt=r-a-1")[1])
    assert manager.get("/api/explain?receipt=r-a-1")[1]["facts"][0]["cashier"] == "c-7"
    assert vera.get("/api/explain?receipt=r-a-1")[0] == 403


def test_the_feed_goes_on_behind_the_last_event_that_a_browser_had(shop: Shop, sam: Browser) -> None:
    for number in range(1, 4):
        shop.alert(f"a-{number}")

    with sam.stream("/api/stream", last=1) as stream:
        assert [(one["id"], one["data"]["alert"]["alert"]) for one in alerts(stream, 2)] == [
            ("2", "a-2"),
            ("3", "a-3"),
        ]
        shop.alert("a-4")
        assert alerts(stream, 1)[0]["data"]["alert"]["alert"] == "a-4"


def test_the_feed_goes_on_over_a_restart_without_gap_or_repeat(shop: Shop, sam: Browser) -> None:
    shop.alert("a-1")
    with sam.stream("/api/stream", last=0) as stream:
        last = int(alerts(stream, 1)[0]["id"])
    shop.stop()
    shop.events.append(replace(shop.events[0], position=2))  # committed while no page was served
    shop.start()
    with sam.stream("/api/stream", last=last) as stream:
        shop.alert("a-3")
        assert [int(one["id"]) for one in alerts(stream, 2)] == [2, 3]


def test_a_browser_that_is_cut_off_again_and_again_misses_nothing_and_hears_nothing_twice(
    shop: Shop, sam: Browser
) -> None:
    """Alerts go on being committed while it is away, and between its asking and its being answered."""
    chance = random.Random(5)

    def commit() -> None:
        for number in range(120):
            shop.alert(f"a-{number}")
            if chance.random() < 0.3:
                shop.commit("checkout.camera.status.v1", {"lane": "lane-1"})

    heard: list[dict[str, Any]] = []
    last = 0
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(commit)
        while len(heard) < 120:
            with sam.stream("/api/stream", last=last) as stream:
                heard += alerts(stream, min(random.Random(last).randint(1, 20), 120 - len(heard)))
            last = int(heard[-1]["id"])
        done.result()
    assert [one["data"]["alert"]["alert"] for one in heard] == [f"a-{number}" for number in range(120)]


def test_events_that_are_nothing_for_the_page_do_not_make_it_spin_or_stop(shop: Shop, sam: Browser) -> None:
    shop.commit("checkout.camera.status.v1", {"lane": "lane-1"})
    with sam.stream("/api/stream", last=0) as stream:
        shop.ask_for_id("lane-1", "r-1")
        shop.alert("a-1")
        assert alerts(stream, 1)[0]["id"] == "3"


def test_a_browser_that_saw_another_store_is_told_to_begin_anew(shop: Shop, sam: Browser) -> None:
    shop.alert("a-1")
    with sam.stream("/api/stream", last=999) as stream:
        assert next(told(stream))["event"] == "reset"


def test_an_acknowledgement_names_who_looked_and_who_was_signed_in(shop: Shop, sam: Browser) -> None:
    shop.alert("a-1")
    path = "/api/alerts/a-1/acknowledge"
    assert sam.post(path, {"outcome": "false_alarm", "by": "Anna", "note": " her own ID "})[0] == 200

    assert shop.acknowledged["a-1"]["by"] == "Anna (sam)"
    assert shop.acknowledged["a-1"]["note"] == "her own ID"
    assert sam.post(path, {"outcome": "nonsense"})[0] == 400
    assert sam.post("/api/alerts/a-9/acknowledge", {"outcome": "checked"}) == (
        404,
        {"error": "no_such_alert"},
    )
    vera = Browser(shop)
    vera.sign_in("vera")
    assert vera.post(path, {"outcome": "checked"})[0] == 403
    assert vera.get("/api/alerts")[1]["alerts"][0]["acknowledged"]["outcome"] == "false_alarm"
    assert "Anna" not in json.dumps(vera.get("/api/alerts")[1])


def screens(stream: HTTPResponse, count: int) -> list[tuple[str | None, bool]]:
    found: list[tuple[str | None, bool]] = []
    for one in told(stream):
        if one.get("event") == "screen":
            found.append((one["data"]["receipt"], one["data"]["asks"]))
            assert set(one["data"]) == {"receipt", "asks", "buttons", "reported", "assist"}
            if len(found) == count:
                break
    return found


@pytest.mark.parametrize(
    ("end", "left"),
    [
        (TillEventType.ID_VERIFIED, ("r-1", False)),
        (TillEventType.SALE_REFUSED, ("r-1", False)),
        (TillEventType.ID_KNOWN, ("r-1", False)),
        (TillEventType.RECEIPT_CLOSED, (None, False)),
        (TillEventType.RECEIPT_CANCELLED, (None, False)),
    ],
)
def test_a_request_comes_up_and_is_gone_on_check_refusal_or_end(
    shop: Shop, kate: Browser, end: TillEventType, left: tuple[str | None, bool]
) -> None:
    with kate.stream("/api/lane/lane-1/stream") as stream:
        assert screens(stream, 1) == [(None, False)]
        shop.ask_for_id("lane-1", "r-1")
        assert screens(stream, 1) == [("r-1", True)]
        shop.till("lane-1", "r-1", end)
        assert screens(stream, 1) == [left]
        shop.ask_for_id("lane-1", "r-1")  # told late: it was answered already
        shop.ask_for_id("lane-1", "r-2")
        assert screens(stream, 1) == [("r-2", True)]


def test_a_request_that_stood_before_a_restart_stands_after_it(shop: Shop, kate: Browser) -> None:
    shop.ask_for_id("lane-1", "r-1")
    shop.stop()
    shop.start()
    with kate.stream("/api/lane/lane-1/stream") as stream:
        assert ("r-1", True) in screens(stream, 1) or screens(stream, 1) == [("r-1", True)]


def test_a_cashier_sees_the_own_lane_only_and_no_alert(shop: Shop, kate: Browser) -> None:
    assert kate.ask("GET", "/")[1]["location"] == "/lane/lane-1"
    assert kate.ask("GET", "/lane/lane-1")[0] == 200
    assert kate.ask("GET", "/lane/lane-2")[0] == 403
    assert kate.get("/api/lane/lane-2/stream")[0] == 403
    assert kate.post("/api/lane/lane-2/act", {"action": "verified", "receipt": "r-1"})[0] == 403
    for path in ("/api/alerts", "/api/stream", "/api/explain?receipt=r-1"):
        assert kate.get(path)[0] == 403
    page = kate.ask("GET", "/lane/lane-1")[2].decode().lower()
    assert "underage" not in page
    assert "old enough" not in page


def test_the_cashiers_buttons_become_till_events_of_that_receipt(shop: Shop, kate: Browser) -> None:
    shop.ask_for_id("lane-1", "r-1")
    for action in ("verified", "refused", "known"):
        assert kate.post("/api/lane/lane-1/act", {"action": action, "receipt": "r-1"})[0] == 200

    assert [(act.lane, act.receipt, act.action, act.by) for act in shop.acted] == [
        ("lane-1", "r-1", action, "kate") for action in ("verified", "refused", "known")
    ]
    assert kate.post("/api/lane/lane-1/act", {"action": "grown up", "receipt": "r-1"})[0] == 400


def test_a_call_for_help_reaches_security_within_a_second(shop: Shop, sam: Browser, kate: Browser) -> None:
    with sam.stream("/api/stream") as stream:
        next(told(stream))
        before_s = time.monotonic()
        assert kate.post("/api/lane/lane-1/assist")[0] == 200
        alert = alerts(stream, 1)[0]["data"]["alert"]
        assert (alert["kind"], alert["lane"]) == ("assistance", "lane-1")
        assert time.monotonic() - before_s < 5  # a second on a free machine; this one may be busy


@pytest.mark.parametrize(
    ("host", "users", "tls", "unprotected", "refused"),
    [
        ("127.0.0.1", False, False, False, False),
        ("::1", False, False, False, False),
        ("localhost", False, False, False, False),
        ("0.0.0.0", False, False, False, True),  # noqa: S104
        ("0.0.0.0", True, False, False, True),  # noqa: S104
        ("10.0.0.5", False, True, False, True),
        ("box.shop.example", True, True, False, False),
        ("0.0.0.0", False, False, True, False),  # noqa: S104
    ],
)
def test_a_network_gets_no_page_without_users_and_tls(
    host: str, users: bool, tls: bool, unprotected: bool, refused: bool
) -> None:
    if not refused:
        check_binding(host, users=users, tls=tls, unprotected=unprotected)
        return
    with pytest.raises(UnprotectedError, match=r"http\.host"):
        check_binding(host, users=users, tls=tls, unprotected=unprotected)


def test_the_users_file_holds_no_password_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    people = PeopleFile(tmp_path / "users.json")
    people.change(lambda known: known.with_user("sam", Role.SECURITY, PASSWORD))

    text = people.path.read_text()
    assert PASSWORD not in text
    assert "$argon2id$" in text
    assert people.path.stat().st_mode & 0o077 == 0
    with pytest.raises(PeopleError, match="lane"):
        people.change(lambda known: known.with_user("kate", Role.CASHIER, PASSWORD))
    with pytest.raises(PeopleError, match="8 letters"):
        people.change(lambda known: known.with_user("kate", Role.VIEWER, "short"))
    with pytest.raises(PeopleError, match="no user"):
        people.change(lambda known: known.without("nobody"))


def test_a_users_file_that_is_broken_lets_nobody_in(shop: Shop, sam: Browser) -> None:
    shop.people.path.write_text("{ torn")

    assert sam.get("/api/alerts")[0] == 401


def a_week(*, over: bool = True) -> dict[str, Any]:
    """A week's figures: two lanes, one cashier with enough challenges and one with few."""

    def figures(sales: int, due: int, made: int, **more: Any) -> dict[str, Any]:
        told = {
            "sales": sales, "due": due, "made": made, "hasty": 2, "share": None, "interval": None, "needed": 30,
            "refused": 3, "known": 1, "delay_s": {"median": 4.2, "p90": 9.0},
            "outcomes": {"checked": made, "refused": 3, "unchecked": due - made, "unseen": 6, "not_prompted": 90},
        }  # fmt: skip
        if due >= 30:
            told |= {"share": made / due, "interval": [0.79, 0.96]}
        return {**told, **more}

    return {
        "week": "2026-W47", "from": "2026-11-16T00:00:00.000Z", "to": "2026-11-23T00:00:00.000Z", "over": over,
        "min_check_seconds": 2.0, "all": figures(412, 45, 41), "unreported": ["lane-3"],
        "lanes": [figures(300, 33, 31, lane="lane-1"), figures(112, 12, 10, lane="lane-2", delay_s=None)],
        "cashiers": [figures(250, 34, 32, cashier="c-7"), figures(60, 8, 6, cashier="c-9", delay_s=None)],
        "blind": [{"lane": "lane-2", "kind": "camera", "minutes": 34}], "signed": [],
    }  # fmt: skip


def test_the_week_is_the_managers_and_is_signed_once_it_is_over(shop: Shop, sam: Browser) -> None:
    shop.weeks = {"2026-W48": a_week(over=False), "2026-W47": a_week()}
    manager = Browser(shop)
    manager.sign_in("max")

    assert sam.ask("GET", "/week")[0] == 403
    for path in ("/api/weeks", "/api/weeks/2026-W47"):
        assert sam.get(path)[0] == 403
    assert sam.post("/api/weeks/2026-W47/sign")[0] == 403
    assert shop.weeks["2026-W47"]["signed"] == []
    assert manager.ask("GET", "/week")[0] == 200
    assert manager.get("/api/weeks")[1]["weeks"] == ["2026-W48", "2026-W47"]
    assert manager.get("/api/weeks/2026-W47")[1]["cashiers"][0]["cashier"] == "c-7"
    assert manager.get("/api/weeks/1999-W01")[0] == 404
    assert manager.post("/api/weeks/2026-W48/sign") == (409, {"error": "not_over"})
    assert manager.post("/api/weeks/2026-W47/sign", X_CSRF_Token="guess")[0] == 403
    assert manager.post("/api/weeks/2026-W47/sign")[1]["by"] == "max"
    assert Browser(shop).ask("GET", "/week")[1]["location"] == "/signin"


def test_what_is_parked_is_sent_again_by_the_manager_alone(shop: Shop, sam: Browser) -> None:
    shop.parked = [
        {"sink": "pager", "count": 3, "oldest": "2026-01-05T10:00:00.000Z", "reason": "answered 410"}
    ]
    manager = Browser(shop)
    manager.sign_in("max")

    assert sam.post("/api/parked/pager/retry")[0] == 403
    assert manager.post("/api/parked/other/retry") == (404, {"error": "no_such_sink"})
    assert manager.post("/api/parked/pager/retry") == (200, {"sent": 3, "left": 0, "reason": None})
    assert shop.retried == ["pager"]


def test_a_test_of_the_alarm_comes_through_the_pages_own_feed_and_is_marked(shop: Shop, sam: Browser) -> None:
    with sam.stream("/api/stream") as stream:
        next(told(stream))
        assert sam.post("/api/alerts/test")[1]["sinks"][0] == {"sink": "page", "ok": True}
        assert alerts(stream, 1)[0]["data"]["alert"]["test"] is True


def test_the_cashiers_screen_never_asks_for_another_boxs_lane_of_the_same_name(
    shop: Shop, kate: Browser
) -> None:
    shop.ask_for_id("lane-1", "r-1")
    shop.lanes["theirs"] = {**shop.lanes["lane-1"], "box": "box-2", "elsewhere": True, "asks": False}
    sam = Browser(shop)
    sam.sign_in("sam")
    with sam.stream("/api/stream") as stream:
        for one in told(stream):
            if one.get("event") == "state":
                lanes = {
                    lane.get("box"): lane["asks"] for lane in one["data"]["lanes"] if lane["lane"] == "lane-1"
                }
                if lanes == {None: True, "box-2": False}:
                    break


def test_a_digest_and_an_escalation_reach_everybody_who_watches_without_a_name(shop: Shop) -> None:
    vera = Browser(shop)
    vera.sign_in("vera")
    with vera.stream("/api/stream") as stream:
        next(told(stream))
        shop.commit(
            "checkout.alert.escalated.v1", {"lane": "lane-1", "alert": "a-1", "kind": "unchecked_sale"}
        )
        lane = {"lane": "lane-1", "count": 3, "sales": 40, "reasons": {"no_face": 3}, "receipts": ["r-9"]}
        digest = {"lane": "-", "from": "f", "to": "t", "count": 3, "sales": 40, "lanes": [lane]}
        shop.commit("checkout.shift.digest.v1", digest)
        escalated, told_digest = (one["data"] for one in alerts(stream, 2))
    assert (escalated["type"], escalated["alert"]) == ("escalated", "a-1")
    assert told_digest["digest"]["lanes"] == [{name: lane[name] for name in lane if name != "receipts"}]
