"""A store's hub and its boxes over a real mosquitto: every box is a real outbox, desk and page of its own."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.publish import single

from edge.app.hub import HubSide
from edge.app.outbox import Outbox
from edge.app.pages import users_file
from edge.config import Config
from edge.events.mqtt_listener import Heard
from edge.events.register import verify
from edge.page import PeopleFile, Role
from tests.conftest import Measured
from tests.events.mqtt_places import Broker, Wire
from tests.page.shop import PASSWORD, Browser
from tests.page.test_pages import told
from tests.scenarios.box import Box as Process
from tests.scenarios.desk_box import Box, a_beer, a_box, a_config, a_till
from tests.scenarios.test_pages import Site, pages_of

WAIT_S = 120.0
SINK = "sinks: [{kind: mqtt, name: broker, purpose: security, host: 127.0.0.1, port: 9}]\n"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with closing(Broker(tmp_path)) as broker:
        broker.start()
        yield broker


def a_box_config(folder: Path, box: str, role: str, port: int, *, hub_port: int | None = None) -> Config:
    folder.mkdir()
    sink = f"sinks: [{{kind: mqtt, name: broker, purpose: security, host: 127.0.0.1, port: {port}}}]\n"
    hub = f"hub: {{host: 127.0.0.1, port: {hub_port or port}, role: {role}, silent_s: 25}}\n"
    config = a_config(folder, f"site: {{box: {box}}}\n{sink}{hub}")
    PeopleFile(users_file(config)).change(lambda known: known.with_user("sam", Role.SECURITY, PASSWORD))
    return config


@dataclass
class Standing:
    """A box with its pages, and somebody of security who looks at them."""

    box: Box
    site: Site
    sam: Browser

    def alerts(self) -> dict[str, dict[str, Any]]:
        return {row["alert"]: row for row in self.sam.get("/api/alerts")[1]["alerts"]}

    def lane(self, box: str) -> dict[str, Any] | None:
        return next((one for one in self.state()["lanes"] if one.get("box") == box), None)

    def state(self) -> dict[str, Any]:
        return dict(self.site.side._state())

    def register(self) -> list[tuple[str, Any]]:
        store = self.box.outbox.store
        assert store is not None
        assert store.read(verify) == []
        rows = store.read(
            lambda c: c.execute("SELECT kind, payload FROM register ORDER BY number").fetchall()
        )
        return [(kind, json.loads(payload)) for kind, payload in rows]


@contextmanager
def standing(config: Config) -> Iterator[Standing]:
    with a_box(config) as box, pages_of(box, started=True) as site:
        sam = Browser(site)  # type: ignore[arg-type]
        assert sam.sign_in("sam") == "/"
        yield Standing(box=box, site=site, sam=sam)


def until(holds: Callable[[], Any], what: str, *, within_s: float = WAIT_S) -> Any:
    end_s = time.monotonic() + within_s
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < end_s, what
        time.sleep(0.05)


def sell_to_a_young_customer(box: Box, receipt: str) -> None:
    box.young_customer(track=f"t-{receipt}")
    box.post([a_beer(receipt=receipt), a_till("receipt.closed", receipt=receipt)])


def test_the_hub_shows_every_boxs_alerts_and_what_is_acknowledged_there_reaches_the_owner(
    tmp_path: Path, broker: Broker
) -> None:
    """Both boxes call their lane `lane-1` and sell on receipt `r-1`: nothing may be mixed up."""
    with ExitStack() as boxes:
        hub = boxes.enter_context(standing(a_box_config(tmp_path / "hub", "box-1", "hub", broker.port)))
        member = boxes.enter_context(standing(a_box_config(tmp_path / "two", "box-2", "member", broker.port)))
        sell_to_a_young_customer(hub.box, "r-1")
        sell_to_a_young_customer(member.box, "r-1")

        until(lambda: len(hub.alerts()) == 2, "both alerts on the hub")
        theirs = next(row for row in hub.alerts().values() if row["box"] == "box-2")
        own = next(row for row in hub.alerts().values() if row["box"] == "box-1")
        assert theirs["alert"] == f"box-2:{next(iter(member.alerts()))}"
        assert (theirs["lane"], theirs["receipt"], theirs["elsewhere"]) == ("lane-1", "r-1", True)
        assert len(member.alerts()) == 1, "a member sees its own"
        until(lambda: (lane := hub.lane("box-2")) and lane["box_state"] == "up", "the other box's lane")

        path = f"/api/alerts/{theirs['alert']}/acknowledge"
        assert hub.sam.post(path, {"outcome": "false_alarm", "by": "Anna", "note": "her son"})[0] == 200
        done = until(lambda: next(iter(member.alerts().values()))["acknowledged"], "the owner heard of it")
        assert (done["by"], done["outcome"], done["note"]) == ("Anna (sam) · box-1", "false_alarm", "her son")
        until(lambda: "box-1" in hub.alerts()[theirs["alert"]]["acknowledged"]["by"], "the owner's own word")
        assert hub.alerts()[own["alert"]]["acknowledged"] is None

        kind, entry = hub.register()[-1]
        assert (kind, entry["box"], entry["by"]) == ("acknowledgement", "box-2", "Anna (sam)")
        kind, entry = member.register()[-1]
        assert (kind, entry["by"]) == ("acknowledgement", "Anna (sam) · box-1")

        # Somebody at the owner corrects it; the hub's word comes once more, as brokers may do, and changes nothing.
        alert = next(iter(member.alerts()))
        assert member.sam.post(f"/api/alerts/{alert}/acknowledge", {"outcome": "checked"})[0] == 200
        until(lambda: hub.alerts()[theirs["alert"]]["acknowledged"]["outcome"] == "checked", "the correction")
        ack = next(
            one
            for one in hub.box.events()
            if one["type"].endswith("acknowledged.v1") and "box" in one["data"]
        )
        entries = len(member.register())
        single("checkout/store-1/box-1/lane-1/ack", json.dumps(ack), 1, port=broker.port)
        single("checkout/store-1/box-1/lane-1/ack", '{"no": "event"}', 1, port=broker.port)
        until(lambda: member.site.side.hub.refused == 1, "both were read")
        assert member.alerts()[alert]["acknowledged"]["outcome"] == "checked"
        assert len(member.register()) == entries
        assert [
            one
            for one in hub.box.events()
            if "box-2" in one["source"] and one["type"].endswith("estimated.v1")
        ] == []


def test_a_box_whose_line_is_cut_turns_red_and_what_it_told_meanwhile_is_not_lost(
    tmp_path: Path, broker: Broker
) -> None:
    with closing(Wire(broker.port)) as wire, ExitStack() as boxes:
        hub = boxes.enter_context(standing(a_box_config(tmp_path / "hub", "box-1", "hub", broker.port)))
        with standing(a_box_config(tmp_path / "two", "box-2", "member", wire.port)) as member:
            until(lambda: (lane := hub.lane("box-2")) and lane["box_state"] == "up", "the box is heard")
            wire.close()
            until(lambda: hub.lane("box-2")["box_state"] == "offline", "its last will")  # type: ignore[index]
            sell_to_a_young_customer(member.box, "r-5")
            member.box.until(lambda: any(one[0] == "alert" for one in member.box.told()))
            assert hub.alerts() == {}
            broker.kill()
            until(lambda: hub.state()["hub_lost"], "the hub says that it hears nobody")


@pytest.mark.soak
def test_a_box_that_stands_still_behind_a_living_line_turns_red_within_a_minute(
    tmp_path: Path, broker: Broker
) -> None:
    with closing(Wire(broker.port)) as wire, ExitStack() as boxes:
        hub = boxes.enter_context(standing(a_box_config(tmp_path / "hub", "box-1", "hub", broker.port)))
        boxes.enter_context(standing(a_box_config(tmp_path / "two", "box-2", "member", wire.port)))
        until(lambda: (lane := hub.lane("box-2")) and lane["box_state"] == "up", "the box is heard")
        wire.silent.set()
        begun_s = time.monotonic()
        until(lambda: hub.lane("box-2")["box_state"] in ("silent", "offline"), "red")  # type: ignore[index]
        assert time.monotonic() - begun_s < 60


@pytest.mark.soak
def test_two_daemons_one_killed_the_hub_shows_it_red_within_a_minute_and_well_again_after_a_restart(
    tmp_path: Path, broker: Broker, shared: Path
) -> None:
    def a_daemon(name: str, role: str) -> Process:
        folder = tmp_path / name
        folder.mkdir()
        PeopleFile(folder / "state" / "users.json").change(
            lambda known: known.with_user("sam", Role.SECURITY, PASSWORD)
        )
        at = {"host": "127.0.0.1", "port": broker.port}
        config = {
            "site": {"box": name},
            "cameras": [{"name": "cam-1", "source": "demo", "detect_hz": 1}],
            "lanes": [{"name": "lane-1", "camera": "cam-1"}],
            "sinks": [{"kind": "mqtt", "name": "broker", "purpose": "security", **at}],
            "hub": {"role": role, **at},
        }
        return Process(folder, config, models=shared / "models")

    with a_daemon("box-1", "hub") as hub, a_daemon("box-2", "member") as member:
        until(lambda: hub.ask("/api/version")[0] == 200, "the hub answers", within_s=600)
        sam = Browser(hub)  # type: ignore[arg-type]
        assert sam.sign_in("sam") == "/"

        def state_of_the_other() -> str | None:
            with sam.stream("/api/stream") as stream:
                one = next(each for each in told(stream) if each.get("event") == "state")
            return next((box["state"] for box in one["data"]["boxes"] if box["box"] == "box-2"), None)

        until(lambda: state_of_the_other() == "up", "the other box is heard", within_s=600)
        begun_s = time.monotonic()
        member.end(signal.SIGKILL)
        until(lambda: state_of_the_other() in ("offline", "silent"), "red")
        assert time.monotonic() - begun_s < 60
        member.start()
        until(lambda: state_of_the_other() == "up", "well again", within_s=600)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[tuple[HubSide, Clock, Outbox]]:
    """A hub without a broker: what it hears is said by hand."""
    config = a_config(tmp_path, SINK + "hub: {host: 127.0.0.1, silent_s: 40}\n")
    outbox, clock = Outbox(config), Clock()
    hub = HubSide(config, outbox, clock_s=lambda: clock.now_s)
    hub._listener.error = None
    yield hub, clock, outbox
    outbox.close()


def say(hub: HubSide, topic: str, body: Any, *, retained: bool = False) -> Any:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    kept = hub.hear(Heard(topic=f"checkout/store-1/{topic}", body=raw, retained=retained))
    return kept if kept is None else kept.result(10)


def beat(name: str = "kasse-7", **more: Any) -> dict[str, Any]:
    camera = {"name": "cam-1", "state": "up", "reason": "ok", "fps": 14.9}
    lane = {"lane": name, "camera": camera, "till": {"state": "up", "last": None}, "checks": "till", **more}
    return {"at": "2026-01-05T10:00:00.000Z", "lanes": [lane]}


def states(hub: HubSide) -> dict[str, str]:
    return {box["box"]: box["state"] for box in hub.boxes()}


def test_only_what_is_said_now_proves_that_a_box_lives(alone: Any) -> None:
    hub, clock, _ = alone
    hub.tick()
    say(hub, "box-2/heartbeat", beat(), retained=True)
    say(hub, "box-2/status", "online", retained=True)
    assert states(hub) == {"box-2": "waiting"}
    assert hub.lanes()[0]["lane"] == "kasse-7"
    clock.now_s += 41
    hub.tick()
    assert states(hub) == {"box-2": "silent"}, "it stood at the broker, nobody said it"
    say(hub, "box-2/heartbeat", beat())
    assert states(hub) == {"box-2": "up"}
    clock.now_s += 39
    assert states(hub) == {"box-2": "up"}
    clock.now_s += 2
    assert states(hub) == {"box-2": "silent"}, "within the minute"
    warned = beat()
    warned["lanes"][0]["camera"]["warnings"] = ["moved", "<b>odd</b>"]
    say(hub, "box-2/heartbeat", warned)
    assert hub.lanes()[0]["camera"]["warnings"] == ["moved"], "known words only"
    say(hub, "box-2/status", "offline")
    assert states(hub) == {"box-2": "offline"}
    say(hub, "box-2/heartbeat", beat())
    assert states(hub) == {"box-2": "up"}, "an old will that came late is overtaken by life"


def test_a_box_that_is_gone_for_good_is_red_after_a_restart_too(alone: Any) -> None:
    hub, _, outbox = alone
    say(hub, "box-2/heartbeat", beat())
    outbox.submit(lambda _t: None, now=True).result()
    clock = Clock()
    again = HubSide(hub._config, outbox, clock_s=lambda: clock.now_s)
    again._listener.error = None
    again.tick()
    assert states(again) == {"box-2": "waiting"}
    clock.now_s += 41
    assert states(again) == {"box-2": "silent"}
    assert again.lanes()[0]["box_state"] == "silent"
    assert again.boxes()[0]["heard"] is not None


def test_what_nobody_can_read_is_counted_and_changes_nothing(alone: Any, measured: Measured) -> None:
    hub, _, outbox = alone
    alert = {
        "specversion": "1.0", "id": "e-1", "source": "/store-1/box-2/kasse-7", "type": "checkout.alert.raised.v1",
        "subject": "r-1", "time": "2026-01-05T10:00:05.000Z", "datacontenttype": "application/json",
        "sequence": "000000000007",
        "data": {"lane": "kasse-7", "alert": "a-1", "kind": "unchecked_sale", "severity": "high", "count": 1,
                 "from": "2026-01-05T09:59:40.000Z", "to": "2026-01-05T10:00:05.000Z"},
    }  # fmt: skip
    for topic, body in (
        ("box-2/kasse-7/alert", "{ torn"),
        ("box-2/kasse-8/alert", alert),  # speaks for another lane
        ("box-3/kasse-7/alert", alert),  # and for another box
        ("box-2/kasse-7/ack", alert),
        ("box-2/kasse-7/alert", {**alert, "data": {**alert["data"], "alert": 7}}),
        ("box-2/heartbeat", {"lanes": [{"lane": {"a": 1}}]}),
        ("box-2/heartbeat", json.dumps(beat()).replace("14.9", "1e999")),  # no browser reads Infinity
        ("box-2/heartbeat", json.dumps(beat()).replace("14.9", "1" + "0" * 400)),
        ("box-2/heartbeat", json.dumps(beat()).replace("cam-1", "\\ud800")),  # half a surrogate pair
        ("box-2/kasse-7/alert", json.dumps(alert).replace("e-1", "\\ud800")),
        ("box-2/status", "perhaps"),
        ("box-2/kasse-7/age/more", alert),
    ):
        assert say(hub, topic, body) is None
    assert hub.refused == 12
    measured(
        "another box says what nobody can read",
        f"{hub.refused} of 12 refused and counted, {len(hub.lanes())} lanes changed",
    )
    assert outbox.store.read(lambda c: hub.alerts(c, limit=10)) == []
    assert hub.lanes() == []

    say(hub, "box-1/lane-1/alert", {**alert, "source": "/store-1/box-1/lane-1"})  # its own voice
    for _ in range(2):
        say(hub, "box-2/kasse-7/alert", alert)
    [row] = outbox.store.read(lambda c: hub.alerts(c, limit=10))
    assert (row["alert"], row["box"]) == ("box-2:a-1", "box-2")


def test_a_hub_that_was_told_its_boxes_misses_one_that_never_came(tmp_path: Path) -> None:
    config = a_config(tmp_path, SINK + "hub: {host: 127.0.0.1, boxes: [box-2]}\n")
    outbox, clock = Outbox(config), Clock()
    hub = HubSide(config, outbox, clock_s=lambda: clock.now_s)
    hub._listener.error = None
    hub.tick()
    clock.now_s += 41
    say(hub, "box-9/heartbeat", beat())
    assert states(hub) == {"box-2": "silent"}
    outbox.close()
