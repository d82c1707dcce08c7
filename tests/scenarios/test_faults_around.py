"""What goes wrong around the box: receivers, tills, a locked store, full logs, spoiled streams, altered models."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.app import SHIPPED_BUNDLE
from edge.bench.soak_world import Receiver, Wire
from tests.camera.live import RtspServer, Watched
from tests.events.mqtt_places import Broker, Listener
from tests.scenarios.box import Box, until
from tests.scenarios.desk_box import a_beer, a_box, a_config, a_till
from tests.scenarios.test_daemon import of_type, one_lane

DAY_S = 86_400


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver(random.Random(1))
    yield receiver
    receiver.close()


@pytest.mark.parametrize("fault", ["500", "reset", "garbage", "hang"])
def test_a_webhook_that_fails_holds_up_nobody_else_and_gets_everything_when_it_is_mended(
    tmp_path: Path, receiver: Receiver, fault: str
) -> None:
    sinks = (
        f"sinks:\n- {{name: hook, kind: webhook, purpose: security, url: '{receiver.url}'}}\n"
        "- {name: lines, kind: file, purpose: security, path: out.jsonl}\n"
    )
    receiver.fail(fault)
    with a_box(a_config(tmp_path, sinks)) as box:
        box.post([a_beer(receipt="r-1"), a_till("receipt.closed", receipt="r-1")])
        out = tmp_path / "state" / "out.jsonl"
        until(
            lambda: out.exists() and out.read_text().count("\n") == 2, what="the file has outcome and alert"
        )
        assert not receiver.heard
        receiver.mend()
        until(lambda: len(receiver.heard) == 2, within_s=90, what="the receiver has them too")
    told = {(one["source"], one["id"]) for one in map(json.loads, out.read_text().splitlines())}
    assert set(receiver.heard) == told


def test_a_receiver_that_is_gone_for_good_has_its_events_parked_and_the_next_ones_go_on(
    tmp_path: Path,
) -> None:
    """410 is an answer, not a fault: five tries, then the event is set aside and counted, and no other waits for it."""
    from tests.events.test_webhook import Receiver as Scripted

    scripted = Scripted()
    thread = threading.Thread(target=scripted.serve_forever, args=(0.01,))
    thread.start()
    try:
        scripted.statuses = [410] * 5
        sinks = f"sinks: [{{name: hook, kind: webhook, purpose: security, url: '{scripted.url}'}}]\n"
        with a_box(a_config(tmp_path, sinks)) as box:
            box.post([a_beer(receipt="r-1"), a_till("receipt.closed", receipt="r-1")])
            until(lambda: len(scripted.got) == 6, within_s=90, what="five tries, and then the next event")
            _, courier = box.outbox.couriers["hook"]
            until(lambda: courier.stats().pending == 0, what="nothing waits any more")
        first = {json.loads(body)["id"] for _, body in scripted.got[:5]}
        assert len(first) == 1
        assert json.loads(scripted.got[5][1])["id"] not in first
    finally:
        scripted.shutdown()
        thread.join()
        scripted.server_close()


def test_a_till_that_sends_garbage_repeats_itself_and_comes_a_day_late_ends_every_receipt_once(
    tmp_path: Path,
) -> None:
    chance = random.Random(5)
    with a_box(a_config(tmp_path)) as box:
        late = [a_beer(receipt="late", ago_s=DAY_S), a_till("receipt.closed", receipt="late", ago_s=DAY_S)]
        now = [a_beer(receipt="now"), a_till("receipt.closed", receipt="now")]
        for number in range(60):
            if number % 3 == 0:
                assert box.post(chance.randbytes(50))[0] == 400
            batch = [*late, *now, {"id": number}, None, [[]]]
            chance.shuffle(batch)
            status, told = box.post(batch)
            assert status == 200
            assert told["accepted"] + told["duplicate"] == 4
            assert len(told["rejected"]) == 3
        box.until(lambda: sum(one[0] == "sale" for one in box.told()) == 2)
        outcomes = {one[1]: one[2] for one in box.told() if one[0] == "sale"}
        assert outcomes == {"late": "unseen", "now": "unseen"}
        assert sum(one[0] == "alert" for one in box.told()) == 2


def test_a_store_that_somebody_locks_keeps_tills_waiting_and_loses_nothing(tmp_path: Path) -> None:
    with a_box(a_config(tmp_path)) as box:
        box.post(a_till("receipt.opened", receipt="r-1"))
        other = sqlite3.connect(tmp_path / "state" / "security.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        status, _ = box.post(a_beer(receipt="r-1"))
        assert status == 503, "told to come again, not that it was kept"
        other.execute("ROLLBACK")
        other.close()
        assert box.post(a_beer(receipt="r-1")) == (200, {"accepted": 1, "duplicate": 0, "rejected": []})
        box.post(a_till("receipt.closed", receipt="r-1"))
        box.until(lambda: ("sale", "r-1", "unseen", "no_face") in box.told())


def away(**camera: Any) -> dict[str, Any]:
    """A lane whose camera is nowhere: a box that starts quickly and judges nothing."""
    config = one_lane("rtsp://127.0.0.1:9/nobody", reconnect_min_s=0.5, no_frames_s=1, **camera)
    return {**config, "inference": {"detector": "mtcnn", "threads": 1}}


def test_logs_that_have_no_room_stop_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "logs"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=True)
    try:
        config = away()
        config["log"]["level"] = "debug"
        box = Box(tmp_path, config, models=tmp_path)
        box.log = disk / "log.txt"
        (disk / "filler").write_bytes(b"x" * 60_000)
        with box:
            until(lambda: box.ask("/api/version")[0] == 200, within_s=120, what="the box is up")
            until(lambda: of_type(box.lines(), "camera"), what="events go out")
            room = os.statvfs(disk)
            assert room.f_bavail == 0, "the log's disk is full"
            assert box.stats()["cameras"][0]["state"] == "down"
            assert box.end() == 0
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-1] + b"\x00"), ["altered", "model_int8.onnx"]),
        (lambda file: file.unlink(), ["model_int8.onnx", "cannot be read"]),
    ],
)
def test_an_altered_or_missing_model_refuses_the_start_with_the_file_and_the_way_out(
    tmp_path: Path, spoil: Any, words: list[str]
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(SHIPPED_BUNDLE, bundle)
    spoil(bundle / "model_int8.onnx")
    config = away()
    config["inference"]["age_bundle"] = str(bundle)
    with Box(tmp_path, config, models=tmp_path) as box:
        assert box.process is not None
        assert box.process.wait(120) == 2
    told = box.log.read_text()
    assert "Traceback" not in told
    for word in [*words, "Way out"]:
        assert word in told


HUNGRY = """
import os, sys
def hungry():
    import numpy as np
    from edge.face.mtcnn import MtcnnDetector
    detect = MtcnnDetector.detect
    def greedy(self, images):
        if os.path.exists(os.environ["HUNGRY_FILE"]):
            np.empty(1 << 62, np.uint8)
        return detect(self, images)
    MtcnnDetector.detect = greedy
class Finder:
    def find_spec(self, name, *_):
        if name == "edge.app.vision_loop":
            sys.meta_path.remove(self)
            hungry()
sys.meta_path.insert(0, Finder())
"""
"""The detector asks for more memory than there is, as long as a file is there: a real MemoryError in a real stage."""


def test_a_stage_that_gets_no_memory_is_counted_and_works_again_when_there_is_some(
    tmp_path: Path, shared: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(HUNGRY)
    switch = tmp_path / "hungry"
    switch.touch()
    config = one_lane(str(shared / "video" / "lane_rush.mp4"), loop=True)
    config["inference"] = {"detector": "mtcnn", "threads": 1}
    more = {"PYTHONPATH": f"{tmp_path}:{Path.cwd()}", "HUNGRY_FILE": str(switch)}
    with Box(tmp_path, config, models=tmp_path, **more) as box:

        def failed() -> bool:
            return any("could not be judged" in note for note in box.stats().get("notes", []))

        until(failed, within_s=120, what="the stage fails, and the box says so")
        assert box.stats()["cameras"][0]["state"] == "up"
        assert "MemoryError" in box.log.read_text()
        switch.unlink()
        judged = box.stats()["cameras"][0]["judged"]
        until(
            lambda: box.stats()["cameras"][0]["judged"] > judged + 3,
            within_s=120,
            what="frames are judged again",
        )
        assert box.end() == 0


def test_a_stream_that_is_garbled_on_its_way_goes_on_and_is_whole_again_afterwards() -> None:
    """Thirty-two bytes of every piece are noise: pictures break, the lane's reader does not."""
    from edge.camera import opener_for

    with RtspServer() as camera:
        wire = Wire(camera.port, seed=3)
        try:
            with Watched(opener_for(f"rtsp://127.0.0.1:{wire.port}/lane"), test_ends_s=180) as seen:
                seen.hears("up ok", within_s=60)
                seen.frame(within_s=60)
                wire.fail("garbled")
                ends_s = time.monotonic() + 8
                while time.monotonic() < ends_s:
                    seen.lets_time_pass()
                wire.mend()
                before = seen.camera.figures().frames
                until(
                    lambda: (seen.lets_time_pass(), seen.camera.figures().frames > before + 10)[1],
                    within_s=90, what="frames flow again",
                )  # fmt: skip
                assert seen.words()[0] == "up ok"
                until(
                    lambda: (seen.lets_time_pass(), seen.camera.status.state.value == "up")[1],
                    within_s=60, what="the camera counts as up",
                )  # fmt: skip
        finally:
            wire.close()


def a_broker_is_away(folder: Path, *, while_away: Callable[[], Iterator[int]]) -> int:
    """Sell while nobody hears, one receipt for each number; then all is heard, in order. How many events that were."""
    (folder / "broker").mkdir()
    broker = Broker(folder / "broker")
    broker.start()
    listener = Listener(broker.port)
    sink = f"{{name: broker, kind: mqtt, purpose: security, host: 127.0.0.1, port: {broker.port}}}"
    try:
        with a_box(a_config(folder, f"sinks: [{sink}]\n")) as box:
            box.post([a_beer(receipt="r-0"), a_till("receipt.closed", receipt="r-0")])
            until(listener.events, what="the listener hears the box")
            broker.kill()
            number = 0
            for number in while_away():
                box.post([a_beer(receipt=f"r-{number}"), a_till("receipt.closed", receipt=f"r-{number}")])
            box.until(lambda: sum(one[0] == "sale" for one in box.told()) == number + 1, seconds=120)
            broker.start()
            committed = {one["id"] for one in box.events()}
            until(lambda: committed <= ids(listener), within_s=180, what="everything arrived")
            heard = [int(json.loads(body)["sequence"]) for body in listener.events()]
            assert heard == sorted(heard)
            return len(heard)
    finally:
        listener.close()
        broker.close()


def ids(listener: Listener) -> set[str]:
    return {json.loads(body)["id"] for body in listener.events()}


def test_a_broker_that_is_away_for_sixty_sales_hears_everything_in_order(tmp_path: Path) -> None:
    """More receipts than a lane has in ten minutes, without the waiting between them."""
    assert a_broker_is_away(tmp_path, while_away=lambda: iter(range(1, 61))) >= 61


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_broker_that_is_away_for_ten_minutes_hears_everything_in_order(tmp_path: Path) -> None:
    def a_sale_a_second() -> Iterator[int]:
        began_s, number = time.monotonic(), 0
        while time.monotonic() - began_s < float(os.environ.get("AWAY_S", "600")):
            number += 1
            yield number
            time.sleep(1.0)

    print(a_broker_is_away(tmp_path, while_away=a_sale_a_second), "events")
