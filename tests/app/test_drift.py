"""The drift watch on a real store: sums survive, one event a change, accepted means silent; staff's words counted."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.app.alert_labels import alert_labels
from edge.app.drift import DriftWatch
from edge.app.outbox import Outbox
from edge.cli import main
from edge.config import Config, parse_config
from edge.events.book import AlertRow, acknowledge_alert, keep_alert
from edge.events.types import MODEL_WARNING
from edge.flow import Frame, Role
from tests.ops.moments import START_NS, report
from tests.ops.test_drift_scene import people, shop

HOUR_NS = 3_600_000_000_000


class Lane:
    """A lane whose customers stand at one place of a 1280 x 720 picture."""

    def __init__(self, folder: Path) -> None:
        told = "cameras: [{name: cam-1, source: demo}]\nlanes: [{name: lane-1, camera: cam-1}]\n"
        told += "state: {dir: state, min_free_mb: 1}\n"
        self.config: Config = parse_config(told.encode(), file="lane.yaml", folder=folder)
        self.state = self.config.state.dir
        self.outbox = Outbox(self.config)
        self.now_ns = START_NS
        self.chance = random.Random(2)
        self.watch = self.begin()

    def begin(self) -> DriftWatch:
        return DriftWatch(
            self.config,
            self.outbox,
            model="m",
            size_of=lambda _camera: (1280, 720),
            clock_ns=lambda: self.now_ns,
        )

    def customers(self, *, days: int, x: float = 400.0) -> None:
        for _ in range(days):
            for hour in range(4):
                for _ in range(15):
                    at_ns = self.now_ns + hour * HOUR_NS
                    box = (x + self.chance.gauss(0, 30), 200.0, 96.0, 121.0)
                    self.watch.left(
                        replace(report(ended=True), to_ns=at_ns, seen_box_px=box, blur=0.2, brightness=120.0)
                    )
            self.now_ns += 24 * HOUR_NS
        self.now_ns -= 20 * HOUR_NS  # the last day's customers have just gone

    def events(self) -> list[dict]:
        found = self.outbox.store.read_after(0, [MODEL_WARNING.name], limit=100)
        return [json.loads(one.body) for one in found]


@pytest.fixture
def lane(tmp_path: Path):
    one = Lane(tmp_path)
    yield one
    one.outbox.close()


def judged(lane: Lane) -> list[str]:
    kept = lane.watch.keep()
    if kept is not None:
        kept.result(30)
    lane.watch.judge()
    lane.outbox.submit(lambda _transaction: None, now=True).result(30)
    return [warning.kind for warning in lane.watch.standing()]


def test_a_moved_camera_is_told_once_also_after_a_restart_and_until_it_is_accepted(lane: Lane, capsys):
    lane.customers(days=10)
    assert judged(lane) == []
    lane.watch = lane.begin()  # a restart: what was counted stands in the store
    lane.now_ns += 20 * HOUR_NS
    lane.customers(days=1, x=800.0)
    assert judged(lane) == ["moved"]
    assert judged(lane) == ["moved"]
    [event] = lane.events()
    assert (event["subject"], event["data"]["kind"], event["data"]["camera"]) == ("cam-1", "moved", "cam-1")
    assert event["data"]["figures"]["measure"] == "x"
    assert main(["drift", "--from", str(lane.state)]) == 0
    [usual] = capsys.readouterr().out.splitlines()
    assert usual.startswith("cam-1  11 days, 44 hours, 660 customers, 0 unknown; ages 0-9 0%, 10-19 0%")
    assert usual.endswith("faces at 38% across, 36% down, 7.5% of the picture wide; blur 0.20; light 120")
    assert main(["drift", "--from", str(lane.state), "--accept", "cam-9"]) == 2
    assert main(["drift", "--from", str(lane.state), "--accept", "cam-1"]) == 0
    assert judged(lane) == []


def test_a_soiled_lens_is_an_event_while_nobody_comes_and_stands_until_it_is_clean(lane: Lane):
    """Of pictures alone, within minutes: no customer need stand there to be missed."""
    chance = np.random.default_rng(1)

    def minutes(count: float, picture: np.ndarray) -> list[str]:
        for _ in range(int(count * 12)):
            lane.now_ns += 5_000_000_000
            lane.watch.look([Frame(camera="cam-1", at_ns=lane.now_ns, image=people(picture, chance))])
            lane.watch.tick()
        lane.outbox.submit(lambda _transaction: None, now=True).result(30)
        return [warning.kind for warning in lane.watch.standing()]

    assert minutes(15, shop()) == []
    assert minutes(6, cv2.GaussianBlur(shop(), (0, 0), 3.0)) == ["soiled"]
    [event] = lane.events()
    assert (event["subject"], event["data"]["kind"], event["data"]["lane"]) == ("cam-1", "soiled", "lane-1")
    assert event["data"]["figures"]["measure"] == "detail"
    assert minutes(6, shop()) == []
    assert len(lane.events()) == 1


def test_sums_go_after_29_days_also_where_nobody_comes_any_more(lane: Lane):
    """A camera that was taken down left its sums for ever: only a next customer's would have swept them out."""
    lane.customers(days=1)
    assert judged(lane) == []

    def days_later(days: int) -> int:
        """Hours that are kept after housekeeping did its hour's work so much later."""
        lane.now_ns = START_NS + days * 24 * HOUR_NS
        clock_s = iter([0.0, 3601.0])
        watch = DriftWatch(
            lane.config, lane.outbox, model="m", size_of=lambda _camera: None, clock_ns=lambda: lane.now_ns,
            monotonic_s=lambda: next(clock_s),
        )  # fmt: skip
        watch.tick()
        lane.outbox.submit(lambda _transaction: None, now=True).result(30)
        return lane.outbox.store.read(lambda c: c.execute("SELECT count(*) FROM drift_hours").fetchone()[0])

    assert days_later(28) == 4
    assert days_later(30) == 0


def test_who_passes_by_counts_for_nothing(lane: Lane):
    lane.watch.left(replace(report(ended=True), role=Role.PASSER_BY))
    assert lane.watch.keep() is None


def test_what_staff_said_gives_precision_with_its_interval(lane: Lane):
    def act(transaction):
        for number in range(12):
            row = AlertRow(
                alert=f"a-{number}", lane="lane-1", kind="unchecked_sale", severity="low", receipt=None, from_ms=0,
                count=0, open=False, acknowledged=None, body={},
            )  # fmt: skip
            keep_alert(transaction.connection, row, recorded_ms=number)
            outcome = "checked" if number < 8 else "false_alarm" if number < 10 else "escalated"
            if number < 11:
                acknowledge_alert(transaction.connection, row.alert, {"outcome": outcome})

    lane.outbox.submit(act).result(30)
    [told] = lane.outbox.store.read(alert_labels)
    assert (told.kind, told.checked, told.false_alarm, told.escalated, told.unlabelled) == (
        "unchecked_sale",
        8,
        2,
        1,
        1,
    )
    assert told.precision == 0.8
    assert (told.low, told.high) == (pytest.approx(0.490, abs=1e-3), pytest.approx(0.943, abs=1e-3))
