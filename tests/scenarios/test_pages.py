"""The pages over the real desk and store: what a cashier presses and what security writes down has consequences."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge.app.alert_labels import LabelCount
from edge.app.desk import Desk
from edge.app.drift import CameraWarning
from edge.app.outbox import Outbox
from edge.app.pages import PageSide, check_protected, users_file
from edge.camera import CameraReason, CameraState, CameraStatus
from edge.cli import main
from edge.config import Config, FileSink
from edge.events.register import verify
from edge.flow import TrackReport
from edge.page import PeopleFile, Role, UnprotectedError, WebServer, listen
from tests.page.shop import PASSWORD, Browser
from tests.page.test_pages import alerts, screens, told
from tests.scenarios.desk_box import Box, a_beer, a_box, a_config, a_till


@dataclass
class Daemon:
    """The part of a daemon that the pages look at, without cameras."""

    config: Config
    outbox: Outbox
    desk: Desk
    labels: LabelCount
    cameras: list[Any] = field(default_factory=list)
    lanes_now: dict[str, dict[str, TrackReport]] = field(default_factory=dict)
    listeners: list[Callable[[TrackReport], None]] = field(default_factory=list)
    drift: Any = field(default_factory=lambda: SimpleNamespace(standing=tuple))
    notes: list[str] = field(default_factory=list)


@dataclass
class Site:
    """A port that a browser speaks to."""

    port: int
    side: PageSide


@contextmanager
def pages_of(box: Box, *, started: bool = False) -> Iterator[Site]:
    """`started`: with the thread that passes alerts on and speaks with other boxes."""
    sock = listen("127.0.0.1", 0)
    port = sock.getsockname()[1]
    cameras = [_camera(camera.name) for camera in box.config.cameras]
    daemon = Daemon(
        config=box.config,
        outbox=box.outbox,
        desk=box.desk,
        labels=LabelCount(box.outbox),
        cameras=cameras,
        lanes_now={lane.name: {} for lane in box.config.lanes},
    )
    side = PageSide(daemon, port=port)  # type: ignore[arg-type]
    pages = side.pages
    web = WebServer(sock=sock, routes=pages.routes, lifespan=pages.lifespan, before_stop=pages.feed.close)
    web.start()
    if started:
        side.start()
    try:
        yield Site(port, side)
    finally:
        if started:
            side.stop()
        web.stop()


def _camera(name: str) -> SimpleNamespace:
    status = CameraStatus(camera=name, state=CameraState.UP, reason=CameraReason.OK, since_ns=0)
    return SimpleNamespace(name=name, status=status, figures=lambda: SimpleNamespace(fps=15.0, size_px=None))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A box whose cashier tells checks on the page, with a cashier and somebody of security."""
    config = a_config(tmp_path)
    config = replace(config, lanes=(replace(config.lanes[0], reports_id_checks="page"),))
    people = PeopleFile(users_file(config))
    people.change(lambda known: known.with_user("kate", Role.CASHIER, PASSWORD, ("lane-1",)))
    people.change(lambda known: known.with_user("sam", Role.SECURITY, PASSWORD))
    return config


def signed_in(site: Any, name: str) -> Browser:
    browser = Browser(site)
    assert browser.sign_in(name) == "/"
    return browser


def test_an_id_that_the_cashier_notes_on_the_page_ends_the_sale_as_checked(config: Config) -> None:
    with a_box(config) as box, pages_of(box) as site:
        kate = signed_in(site, "kate")
        with kate.stream("/api/lane/lane-1/stream") as screen:
            box.young_customer()
            box.post(a_beer(receipt="r-1"))
            while screens(screen, 1) != [("r-1", True)]:
                pass
            assert kate.post("/api/lane/lane-1/act", {"action": "verified", "receipt": "r-1"})[0] == 200
            assert screens(screen, 1) == [("r-1", False)]
            box.post(a_till("receipt.closed", receipt="r-1"))
            assert screens(screen, 1) == [(None, False)]
        box.until(lambda: any(one[0] == "sale" for one in box.told()))
        assert [one for one in box.told() if one[0] == "sale"] == [("sale", "r-1", "checked", "None")]
        assert not [one for one in box.told() if one[0] == "alert"]


@pytest.mark.parametrize("behind_s", [20.0, -3.0])
def test_a_check_on_the_page_counts_though_the_tills_clock_is_wrong(config: Config, behind_s: float) -> None:
    """By the box's clock it was noted after the close that came later, and its cashier was accused."""
    with a_box(config) as box, pages_of(box) as site:
        kate = signed_in(site, "kate")
        box.young_customer(seconds=40)
        box.post([a_beer(receipt="r-1", ago_s=behind_s), a_beer(receipt="r-2", ago_s=behind_s)])
        assert kate.post("/api/lane/lane-1/act", {"action": "verified", "receipt": "r-1"})[0] == 200
        closed = [a_till("receipt.closed", receipt=name, ago_s=behind_s) for name in ("r-1", "r-2")]
        box.post(closed)
        box.until(lambda: sum(one[0] == "sale" for one in box.told()) == 2, seconds=60)
        assert ("sale", "r-1", "checked", "None") in box.told()
        assert ("sale", "r-2", "checked", "None") not in box.told()


def test_an_alert_comes_to_the_page_and_its_acknowledgement_into_the_register(config: Config) -> None:
    with a_box(config) as box, pages_of(box) as site:
        sam = signed_in(site, "sam")
        with sam.stream("/api/stream") as stream:
            next(told(stream))
            box.young_customer()
            box.post([a_beer(receipt="r-1"), a_till("receipt.closed", receipt="r-1")])
            alert = alerts(stream, 1)[0]["data"]["alert"]
            assert (alert["kind"], alert["receipt"]) == ("unchecked_sale", "r-1")
            path = f"/api/alerts/{alert['alert']}/acknowledge"
            assert sam.post(path, {"outcome": "checked", "by": "Anna", "note": "seen"})[0] == 200
            assert alerts(stream, 1)[0]["data"]["acknowledged"]["by"] == "Anna (sam)"
        [row] = sam.get("/api/alerts")[1]["alerts"]
        assert row["acknowledged"]["outcome"] == "checked"
        site.side._daemon.labels = LabelCount(box.outbox)  # the count of half a minute ago is out of the way
        [label] = site.side._state()["labels"]
        assert (label["kind"], label["checked"], label["false_alarm"], label["precision"]) == (
            "unchecked_sale", 1, 0, 1.0,
        )  # fmt: skip
        facts = sam.get("/api/explain?receipt=r-1&lane=lane-1")[1]["facts"]
        assert (facts[0]["outcome"], facts[0]["till_events"][0]["type"]) == ("unchecked", "item.added")
        with redirect_stdout(StringIO()) as printed:
            assert main(["explain", "r-1", "--from", str(config.state.dir)]) == 0
        assert json.loads(printed.getvalue()) == facts[0], "page and command say the same"
        assert box.outbox.store is not None
        assert box.outbox.store.read(verify) == []
        kinds = box.outbox.store.read(lambda c: c.execute("SELECT kind FROM register").fetchall())
        assert kinds[-1] == ("acknowledgement",)


def test_a_camera_that_was_moved_is_told_at_its_lane_and_in_no_language_that_was_not_asked_for(
    config: Config,
) -> None:
    with a_box(config) as box, pages_of(box) as site:
        moved = CameraWarning(camera="cam-1", kind="moved", said="camera cam-1 …", since_ns=1, figures={})
        site.side._daemon.drift = SimpleNamespace(standing=lambda: (moved,))  # type: ignore[assignment]
        state = site.side._state()
        assert [lane["camera"]["warnings"] for lane in state["lanes"]] == [["moved"]]
        assert not any("cam-1" in notice for notice in state["notices"]), (
            "the tile says it in the reader's words"
        )


def test_a_call_for_help_is_an_alert_that_security_acknowledges(config: Config) -> None:
    with a_box(config) as box, pages_of(box) as site:
        kate, sam = signed_in(site, "kate"), signed_in(site, "sam")
        assert kate.post("/api/lane/lane-1/assist")[0] == 200
        [row] = sam.get("/api/alerts")[1]["alerts"]
        assert (row["kind"], row["lane"], row["severity"]) == ("assistance", "lane-1", "high")
        assert "cashier" not in row
        assert sam.post(f"/api/alerts/{row['alert']}/acknowledge", {"outcome": "escalated"})[0] == 200


def test_a_request_stands_on_the_screen_again_after_a_restart_unless_it_was_answered(config: Config) -> None:
    with a_box(config) as box, pages_of(box) as site:
        kate = signed_in(site, "kate")
        box.young_customer()
        box.post(a_beer(receipt="r-1"))
        box.until(lambda: ("check", "r-1") in box.told())
        with pages_of(box) as again:
            kate = signed_in(again, "kate")
            with kate.stream("/api/lane/lane-1/stream") as screen:
                while screens(screen, 1) != [("r-1", True)]:
                    pass
                assert kate.post("/api/lane/lane-1/act", {"action": "refused", "receipt": "r-1"})[0] == 200
        with pages_of(box) as later:
            kate = signed_in(later, "kate")
            with kate.stream("/api/lane/lane-1/stream") as screen:
                assert screens(screen, 1) == [(None, False)]


def test_a_box_that_listens_to_the_network_without_protection_does_not_start(tmp_path: Path) -> None:
    open_box = a_config(tmp_path, "http: {host: 0.0.0.0}\ntill: {http: {token_file: token}}\n")
    with pytest.raises(UnprotectedError, match="users"):
        check_protected(open_box)
    check_protected(a_config(tmp_path, "http: {host: 0.0.0.0, unprotected: true}\n"))


def test_an_alert_that_nobody_acknowledged_is_passed_on_and_the_page_says_so(config: Config) -> None:
    quick = replace(config, http=replace(config.http, escalate_minutes=0.01))
    with a_box(quick) as box, pages_of(box, started=True) as site:
        sam = signed_in(site, "sam")
        with sam.stream("/api/stream") as stream:
            next(told(stream))
            assert signed_in(site, "kate").post("/api/lane/lane-1/assist")[0] == 200
            raised, escalated = (one["data"] for one in alerts(stream, 2))
        assert (raised["type"], escalated["type"]) == ("alert", "escalated")
        assert escalated["alert"] == raised["alert"]["alert"]
        assert sam.get("/api/alerts")[1]["alerts"][0]["escalated"] == escalated["at"]
        assert site.side.attention._failed == {}


def test_a_test_of_the_alarm_is_seen_on_the_page_and_goes_through_no_sink_twice(config: Config) -> None:
    sink = FileSink(kind="file", name="lines", purpose="security", path=Path("lines.jsonl"))
    with a_box(replace(config, sinks=(sink,))) as box, pages_of(box) as site:
        sam = signed_in(site, "sam")
        with sam.stream("/api/stream") as stream:
            next(told(stream))
            sinks = sam.post("/api/alerts/test")[1]["sinks"]
            assert [(one["sink"], one["ok"]) for one in sinks] == [("page", True), ("lines", True)]
            alert = alerts(stream, 1)[0]["data"]["alert"]
        assert alert["test"] is True
        [row] = sam.get("/api/alerts")[1]["alerts"]
        assert (row["alert"], row["test"]) == (alert["alert"], True)
        assert sam.post(f"/api/alerts/{row['alert']}/acknowledge", {"outcome": "checked"})[0] == 404
        assert sam.post("/api/alerts/test")[0] == 200
        box.post([a_till("receipt.opened", receipt="r-1"), a_till("receipt.cancelled", receipt="r-1")])
        box.until(lambda: any(one[0] == "sale" for one in box.told()))
        lines = config.state.dir / "lines.jsonl"
        box.until(lambda: "sale.outcome" in lines.read_text())
        assert lines.read_text().count('"test":true') == 2, "one for each press, none from the outbox"
        assert box.outbox.store is not None
        assert box.outbox.store.read(lambda c: c.execute("SELECT count(*) FROM register").fetchone()[0]) == 0
