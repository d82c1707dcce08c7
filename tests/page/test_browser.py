"""The pages in Debian's Chromium, as people meet them. SHOTS=folder keeps pictures of each scene to look at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from edge.flow import TillEventType
from edge.page import Role
from tests.page.shop import PASSWORD, Shop
from tests.page.test_pages import a_week

CHROMIUM = "/usr/bin/chromium"
WAIT_MS = 60_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all scenes; each scene has a profile of its own."""
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A window that fails its scene on any script error or refused resource."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda told: faults.append(told.text) if "Content Security" in told.text else None)
    yield page
    context.close()
    assert faults == []


def shot(page: Page, name: str) -> None:
    folder = os.environ.get("SHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def sign_in(page: Page, shop: Shop, name: str) -> None:
    page.goto(f"{shop.url}/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def ago(minutes: float) -> str:
    return (
        (datetime.now(UTC) - timedelta(minutes=minutes))
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def raise_alert(shop: Shop, alert: str, minutes_ago: float = 0.2, **more: object) -> None:
    at = ago(minutes_ago)
    shop.alert(alert, to=at, **{"from": ago(minutes_ago + 0.5)}, **more)


def test_somebody_signs_in_sees_an_alert_come_and_acknowledges_it(shop: Shop, page: Page) -> None:
    page.goto(shop.url)
    shot(page, "signin")
    sign_in(page, shop, "sam")
    expect(page.locator("#connection")).to_have_text("Live")
    expect(page.locator(".tile")).to_have_count(3)
    expect(page.locator("#nothing")).to_have_text("No open alerts")

    shop.lanes["lane-2"]["camera"] |= {"state": "down", "fps": None}
    raise_alert(shop, "a-1")
    raise_alert(
        shop,
        "a-2",
        lane="lane-2",
        kind="camera_blind",
        severity="medium",
        count=12,
        receipt=None,
        reason="covered",
    )
    raise_alert(
        shop, "a-3", lane="lane-3", kind="unseen_customer", severity="low", vms_url="https://vms.example/x"
    )
    expect(page.locator(".alert")).to_have_count(2)
    expect(page).to_have_title("(2) Alerts")
    expect(page.locator("#shift")).to_contain_text("Sales in this shift whose customer was not seen: 1")
    page.get_by_role("button", name="Show each").click()
    expect(page.locator("[data-alert=a-3]")).to_contain_text("Recording")
    expect(page.locator(".tile.bad")).to_contain_text("lane-2")
    expect(page.locator("[data-alert=a-1]")).to_contain_text("Sold without an ID check")
    expect(page.locator("[data-alert=a-2]")).to_contain_text("12 restricted sales")
    expect(page.locator("[data-alert=a-2]")).to_contain_text("Its lens seems covered")
    expect(page.locator("main")).not_to_contain_text("c-7")
    shot(page, "security")

    page.locator("[data-alert=a-1]").get_by_role("button", name="Acknowledge").click()
    page.get_by_text("False alarm").click()
    page.get_by_label("Your name").fill("Anna")
    page.get_by_label("Note").fill("showed it before the beer")
    shot(page, "acknowledge")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-alert=a-1]")).to_have_count(0)
    assert shop.acknowledged["a-1"]["by"] == "Anna (sam)"

    page.get_by_role("tab", name="History").click()
    expect(page.locator("[data-alert=a-1]")).to_contain_text("False alarm")
    page.locator("#filter-lane").select_option("lane-3")
    expect(page.locator(".alert")).to_have_count(1)
    page.locator("#filter-lane").select_option("")
    shot(page, "history")
    page.locator("[data-alert=a-1]").get_by_role("button", name="Why?").click()
    expect(page.locator("#explain-facts")).to_contain_text("asked for, not checked")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Test alert").click()
    expect(page.locator("#told")).to_contain_text("broker ✓")
    page.get_by_role("tab", name="Open").click()
    expect(page.locator("[data-alert=a-test-1]")).to_contain_text(
        "Somebody tried whether alerts come through"
    )
    expect(page.locator("[data-alert=a-test-1] button")).to_have_count(0)


def test_a_page_that_nobody_touched_says_that_it_is_silent_until_somebody_does(
    shop: Shop, page: Page
) -> None:
    # Whoever drives a browser by its protocol counts as a hand on the page, so the block is put in by hand.
    page.add_init_script("""
        let held = true;
        addEventListener("pointerdown", () => { held = false; }, true);
        window.AudioContext = class extends AudioContext {
          get state() { return held ? "suspended" : super.state; }
          resume() { return held ? new Promise(() => {}) : super.resume(); }
        };
    """)
    page.goto(shop.url + shop.sessions.one_time_link(name="demo", role=Role.MANAGER))
    expect(page.locator("#connection")).to_have_text("Live")
    expect(page.locator("#sound")).to_have_text("Sound is off: tap")
    expect(page.locator("#sound")).to_be_visible()
    page.locator("#sound").click()
    expect(page.locator("#sound")).to_be_hidden()


def test_a_page_behind_other_windows_notifies_once_of_what_would_ring(shop: Shop, page: Page) -> None:
    page.add_init_script("""
        globalThis.notes = [];
        globalThis.Notification = class {
          static permission = "default";
          static async requestPermission() { return (Notification.permission = "granted"); }
          constructor(title, { body }) { notes.push(`${title} ${body}`); }
        };
        Object.defineProperty(document, "hidden", { get: () => true });
    """)
    sign_in(page, shop, "sam")
    expect(page.locator("#connection")).to_have_text("Live")
    raise_alert(shop, "a-0", kind="camera_blind", lane="lane-3", receipt=None, items=[])
    expect(page.locator("[data-alert=a-0]")).to_be_visible()
    assert page.evaluate("notes") == [], "nobody has allowed it yet"
    page.locator("#notify").click()
    expect(page.locator("#notify")).to_be_hidden()
    page.evaluate("Date.now = (real => () => real() + 60_000)(Date.now)")
    for number in range(1, 6):
        raise_alert(shop, f"a-{number}")
    raise_alert(shop, "u-1", kind="unseen_customer", severity="low")
    raise_alert(shop, "help", kind="assistance", receipt=None, items=[])
    expect(page.locator("[data-alert=help]")).to_be_visible()
    notes = page.evaluate("notes")
    assert len(notes) == 2, "one of five sales, and the call for help"
    assert notes[0].endswith("r-a-1")
    assert notes[1].startswith("lane-1")
    assert not any(word in " ".join(notes) for word in ("17", "years", "c-7"))


def test_the_page_says_that_it_reconnects_and_misses_nothing_over_a_restart(shop: Shop, page: Page) -> None:
    sign_in(page, shop, "sam")
    raise_alert(shop, "a-1")
    expect(page.locator(".alert")).to_have_count(1)
    shop.stop()
    expect(page.locator("#connection")).to_have_text("Reconnecting…")
    shot(page, "reconnecting")
    shop.start()
    raise_alert(shop, "a-2")
    expect(page.locator("#connection")).to_have_text("Live")
    expect(page.locator(".alert")).to_have_count(2)


def test_whoever_guesses_is_told_to_wait(shop: Shop, page: Page) -> None:
    page.goto(f"{shop.url}/signin")
    for _ in range(5):
        page.get_by_label("Name").fill("sam")
        page.get_by_label("Password").fill("not the password")
        with page.expect_navigation():
            page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#told")).to_have_text("Name or password is wrong.")
    sign_in(page, shop, "sam")
    expect(page.locator("#told")).to_contain_text("Too many tries")
    shot(page, "locked")


def test_a_phone_in_russian_and_in_the_dark_shows_all_without_scrolling_sideways(
    shop: Shop, chromium: Browser
) -> None:
    context = chromium.new_context(
        viewport={"width": 360, "height": 740}, color_scheme="dark", is_mobile=True, has_touch=True
    )
    page = context.new_page()
    sign_in(page, shop, "max")
    expect(page.locator("#connection")).to_have_text("Live")
    page.locator("#language").click()
    raise_alert(shop, "a-1", minutes_ago=9)
    raise_alert(shop, "a-2", lane="lane-3", kind="till_silent", severity="low", receipt=None, items=[])
    expect(page.locator("[data-alert=a-1]")).to_contain_text("Продано без проверки документа")
    expect(page.locator("[data-alert=a-1]")).to_contain_text("c-7")  # the manager sees who
    expect(page.locator("[data-alert=a-1]")).to_contain_text("Никто не посмотрел уже 9 мин")
    expect(page.locator("#tab-history")).to_have_text("История")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    shot(page, "phone-ru")
    page.locator("[data-alert=a-1] button.primary").click()
    shot(page, "phone-ru-dialog")
    assert page.evaluate(
        "(box => box.scrollWidth <= box.clientWidth)(document.getElementById('acknowledge'))"
    )
    page.get_by_text("Проверено").click()
    page.get_by_role("button", name="Сохранить").click()
    expect(page.locator("[data-alert=a-1]")).to_have_count(0)
    page.reload()
    expect(page.locator("#tab-history")).to_have_text("История")
    context.close()


def test_a_wall_screen_is_read_from_three_metres_and_offers_nothing_to_press(
    shop: Shop, chromium: Browser
) -> None:
    """At 3 m letters need about 9 mm: 32 px of a 1920 px picture on a 43 inch screen (950 mm wide) are 16 mm high."""
    keys: list[str] = []

    def with_wall(known):  # type: ignore[no-untyped-def]
        after, key = known.with_token("wall", Role.DISPLAY)
        keys.append(key)
        return after

    shop.people.change(with_wall)
    context = chromium.new_context(viewport={"width": 1920, "height": 1080}, color_scheme="dark")
    page = context.new_page()
    page.goto(f"{shop.url}/display/{keys[0]}")
    raise_alert(shop, "a-1", minutes_ago=7)
    raise_alert(shop, "a-2", lane="lane-2", kind="assistance", receipt=None, items=[])
    expect(page.locator(".alert")).to_have_count(2)
    expect(page.locator(".alert button")).to_have_count(0)
    size = page.locator("[data-alert=a-1] .when").evaluate(
        "node => parseFloat(getComputedStyle(node).fontSize)"
    )
    assert size >= 32
    shot(page, "wall")
    context.close()


def test_the_cashier_is_asked_answers_and_calls_for_help(shop: Shop, page: Page) -> None:
    page.set_viewport_size({"width": 1024, "height": 600})
    sign_in(page, shop, "kate")
    expect(page).to_have_url(f"{shop.url}/lane/lane-1")
    expect(page.locator("#idle")).to_have_text("Ready")
    expect(page.locator("#acts")).to_be_hidden()
    shot(page, "lane-idle")
    shop.till("lane-1", "r-1", TillEventType.RECEIPT_OPENED)
    expect(page.locator("#acts")).to_be_visible()
    shop.ask_for_id("lane-1", "r-1")
    expect(page.locator("#ask")).to_have_text("Please check ID")
    shot(page, "lane-asks")
    page.get_by_role("button", name="ID seen").click()
    expect(page.locator("#ask")).to_be_hidden()
    assert [act.action for act in shop.acted] == ["verified"]

    shop.till("lane-1", "r-1", TillEventType.RECEIPT_CLOSED)
    expect(page.locator("#acts")).to_be_hidden()
    shop.ask_for_id("lane-1", "r-2")
    expect(page.locator("#ask")).to_be_visible()
    shop.till("lane-1", "r-2", TillEventType.RECEIPT_CANCELLED)
    expect(page.locator("#ask")).to_be_hidden()

    page.get_by_role("button", name="Assistance").click()
    expect(page.locator("#assist")).to_have_text("✓ Passed on")
    assert shop.assisted == [("lane-1", "kate")]
    words = page.locator("body").inner_text().lower()
    assert "years" not in words
    assert "underage" not in words
    page.locator("#language").click()
    shop.ask_for_id("lane-1", "r-3")
    expect(page.locator("#ask")).to_have_text("Проверьте, пожалуйста, документ")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    shot(page, "lane-asks-phone-ru")


A_SALE = {
    "lane": "lane-1", "receipt": "r-a-1", "state": "ended", "prompted": "2026-01-05T10:00:01.000Z",
    "opened": "2026-01-05T09:59:45.000Z", "closed": "2026-01-05T10:00:05.000Z", "due": "2026-01-05T10:00:01.000Z",
    "outcome": "unchecked", "reason": None, "track": "t-7", "check_delay_s": None, "crops": 4, "unknown": None,
    "age": {"mean": 17.4, "median": 17.1, "low": 14.2, "high": 21.9, "coverage": 0.9},
    "p_under": {"18": 0.71, "25": 0.97}, "model": "age-resnet50/1.1.0+ab12cd34", "clock_offset_s": 0.0,
    "policy": {"name": "default", "legal_age": 18, "challenge_age": 25, "miss_rate": 0.05, "tau": 0.31,
               "party": "payer", "reports_id_checks": "till", "config_hash": "0123456789abcdef"},
    "till_events": [
        {"at": "2026-01-05T09:59:58.000Z", "type": "item.added", "sku": "lager", "name": "Lager 0.5 l",
         "quantity": "2", "restricted": True, "min_age": 18},
        {"at": "2026-01-05T10:00:05.000Z", "type": "receipt.closed"},
    ],
    "candidates": [
        {"track": "t-7", "presence": 0.98, "face_px": 118.0, "served_before": False, "score": 0.91},
        {"track": "t-8", "presence": 0.20, "face_px": 80.0, "served_before": False, "score": 0.24},
    ],
    "alerts": [{"alert": "a-1", "kind": "unchecked_sale", "severity": "high", "acknowledged": None}],
    "blind": [{"what": "camera", "from": "2026-01-05T09:57:00.000Z", "to": "2026-01-05T09:58:00.000Z"}],
}  # fmt: skip


def test_why_is_told_in_words_with_everything_the_command_prints(shop: Shop, page: Page) -> None:
    shop.facts = [A_SALE]
    sign_in(page, shop, "sam")
    raise_alert(shop, "a-1")
    page.locator("[data-alert=a-1]").get_by_role("button", name="Why?").click()
    facts = page.locator("#explain-facts")
    for word in (
        "Lager 0.5 l",
        "t-7 ✓",
        "0.91",
        "17.4 (14.2 – 21.9)",
        "< 25: 0.970",
        "0.31",
        "0123456789abcdef",
    ):
        expect(facts).to_contain_text(word)
    shot(page, "why")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    shot(page, "why-phone")


def test_a_hub_shows_whose_alert_it_is_and_a_silent_box_in_red(shop: Shop, page: Page) -> None:
    lane = dict(shop.lanes["lane-1"])
    gone = {"box": "box-3", "box_state": "silent", "elsewhere": True, "asks": False}
    clock = {"offset_s": 4.2, "configured_s": 0.0, "receipts": 120, "why": ""}
    shop.lanes = {
        "own": {**lane, "box": "box-1", "clock": clock},
        "two": {**lane, "box": "box-2", "box_state": "up", "elsewhere": True, "asks": True},
        "three": {**lane, **gone},
    }
    shop.boxes = [
        {"box": "box-1", "state": "up", "heard": None},
        {"box": "box-2", "state": "up", "heard": ago(0.1)},
        {"box": "box-3", "state": "silent", "heard": ago(7)},
    ]
    shop.parked = [{"sink": "pager", "count": 3, "oldest": ago(130), "reason": "answered 410"}]
    sign_in(page, shop, "max")
    raise_alert(shop, "a-1", box="box-1")
    raise_alert(shop, "box-2:a-1", box="box-2", elsewhere=True)
    expect(page.locator(".tile.bad")).to_have_count(1)
    expect(page.locator(".tile.bad")).to_contain_text("box-3 · lane-1")
    expect(page.locator("[data-box=box-3].pill.bad")).to_contain_text("is silent")
    expect(page.locator(".bad-clock")).to_contain_text("+4.2 s")
    theirs = page.locator('[data-alert="box-2:a-1"]')
    expect(theirs).to_contain_text("box-2 · lane-1")
    expect(theirs.get_by_role("button", name="Why?")).to_have_count(0)
    shot(page, "hub")
    page.locator("#filter-box").select_option("box-2")
    expect(page.locator(".alert")).to_have_count(1)
    expect(page.locator(".tile")).to_have_count(1)
    page.locator("#filter-box").select_option("")
    theirs.get_by_role("button", name="Acknowledge").click()
    page.get_by_text("False alarm").click()
    page.get_by_role("button", name="Save").click()
    expect(theirs).to_have_count(0)
    assert list(shop.acknowledged) == ["box-2:a-1"]

    page.get_by_role("button", name="Send again").click()
    expect(page.locator("#told")).to_contain_text("Sent again: 3")
    expect(page.locator("#parked")).to_be_hidden()
    page.locator("#language").click()
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    shot(page, "hub-phone-ru")


def test_a_camera_that_changed_is_told_at_its_lane_in_both_languages(shop: Shop, page: Page) -> None:
    shop.lanes["lane-1"]["camera"] |= {"warnings": ["moved"]}
    shop.lanes["lane-3"]["camera"] |= {"warnings": ["soiled", "drift"]}
    sign_in(page, shop, "vera")
    expect(page.locator("[data-lane=lane-1] .warned")).to_have_text(
        "⚠ Camera seems to have been moved: set it right again"
    )
    expect(page.locator("[data-lane=lane-2] .warned")).to_have_count(0)
    expect(page.locator("[data-lane=lane-3] .warned")).to_have_count(2)
    shot(page, "camera-warned")
    page.locator("#language").click()
    expect(page.locator("[data-lane=lane-1] .warned")).to_contain_text("Камеру, похоже, сдвинули")
    expect(page.locator("[data-lane=lane-3] [data-warning=soiled]")).to_contain_text("загрязнена")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    shot(page, "camera-warned-phone-ru")
    shop.lanes["lane-1"]["camera"] |= {"warnings": []}
    expect(page.locator("[data-lane=lane-1] .warned")).to_have_count(0)


def test_the_history_says_how_often_alerts_were_right(shop: Shop, page: Page) -> None:
    nobody = {"checked": 0, "false_alarm": 0, "escalated": 0, "precision": None, "low": None, "high": None}
    judged = {"checked": 12, "false_alarm": 3, "escalated": 1, "precision": 0.8, "low": 0.548, "high": 0.9295}
    sign_in(page, shop, "sam")
    raise_alert(shop, "a-1")
    expect(page.locator("[data-alert=a-1]")).to_be_visible()
    page.get_by_role("tab", name="History").click()
    expect(page.locator("#labels")).to_be_hidden()
    shop.labels = [
        {"kind": "assistance", **nobody, "unlabelled": 2},
        {"kind": "unchecked_sale", **judged, "unlabelled": 5},
        {"kind": "camera_blind", **nobody, "unlabelled": 4},
    ]
    right = page.locator("#labels [data-kind=unchecked_sale]")
    expect(right).to_contain_text("12 of 15 (80 %; 95 % interval 55 to 93 %)")
    expect(right).to_contain_text("false alarms: 3, escalated: 1, not looked at: 5")
    expect(page.locator("#labels [data-kind=camera_blind]")).to_contain_text("nobody has said yet")
    expect(page.locator("#labels [data-kind]")).to_have_count(2)
    shot(page, "labels")
    page.get_by_role("tab", name="Open").click()
    expect(page.locator("#labels")).to_be_hidden()
    page.get_by_role("tab", name="History").click()
    page.locator("#language").click()
    expect(right).to_contain_text("12 из 15 (80 %; 95 % интервал от 55 до 93 %)")
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    shot(page, "labels-phone-ru")


def test_the_manager_reads_the_week_and_signs_it(shop: Shop, page: Page) -> None:
    shop.weeks = {"2026-W48": a_week(over=False), "2026-W47": a_week()}
    sign_in(page, shop, "max")
    page.get_by_role("link", name="Week").click()
    expect(page.locator("#weeks")).to_have_value("2026-W47")
    expect(page.locator("#share")).to_have_text("91 %")
    expect(page.locator("#interval")).to_contain_text("79 % to 96 %")
    expect(page.locator("#cashiers")).to_contain_text("not enough data (8 of 30)")
    page.get_by_role("button", name="I have looked at this week").click()
    expect(page.locator("#signed")).to_contain_text("max")
    expect(page.locator("#sign")).to_be_hidden()
    shot(page, "week")
    page.locator("#weeks").select_option("2026-W48")
    expect(page.locator("#not-over")).to_be_visible()
    page.locator("#language").click()
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    shot(page, "week-phone-ru")


def test_a_shift_that_is_over_is_told_on_the_page_and_calls_nobody(shop: Shop, page: Page) -> None:
    page.add_init_script("""
        globalThis.rang = 0;
        const start = OscillatorNode.prototype.start;
        OscillatorNode.prototype.start = function (...given) { globalThis.rang += 1; return start.apply(this, given); };
    """)
    sign_in(page, shop, "sam")
    expect(page.locator("#connection")).to_have_text("Live")
    for number in range(3):
        raise_alert(shop, f"u-{number}", kind="unseen_customer", severity="low")
    expect(page.locator("#shift")).to_contain_text("was not seen: 3")
    assert page.evaluate("globalThis.rang") == 0
    lane = {
        "lane": "lane-1",
        "count": 9,
        "sales": 118,
        "reasons": {"no_face": 7, "turned_away": 2},
        "receipts": [],
    }
    before = shop.shift["from"]
    digest = {"lane": "-", "from": ago(660), "to": before, "count": 9, "sales": 240, "lanes": [lane]}
    shop.commit("checkout.shift.digest.v1", digest)
    expect(page.locator("article.digest:not(.running)")).to_contain_text("9 of 240 restricted sales")
    expect(page.locator("article.digest:not(.running)")).to_contain_text("turned away: 2")
    assert page.evaluate("globalThis.rang") == 0
    raise_alert(shop, "a-1")
    expect(page.locator("[data-alert=a-1]")).to_be_visible()
    assert page.evaluate("globalThis.rang") == 4, "one alarm of four tones"
    for number in range(20):
        raise_alert(shop, f"b-{number}", lane=f"lane-{1 + number % 3}")
    expect(page.locator(".alert")).to_have_count(21)
    assert page.evaluate("globalThis.rang") == 4, "held back, while the list has them all"
    shot(page, "shift")
    raise_alert(shop, "help", kind="assistance", receipt=None, items=[])
    expect(page.locator("[data-alert=help]")).to_be_visible()
    assert page.evaluate("globalThis.rang") == 8
