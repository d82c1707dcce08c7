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
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edge.app import SHIPPED_BUNDLE
from edge.bench.soak_world import Receiver, Wire
from edge.camera import CameraFigures, opener_for
from edge.events.attention import parked_at
from tests.camera.live import RtspServer, Watched
from tests.conftest import Measured
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
    tmp_path: Path, receiver: Receiver, fault: str, measured: Measured
) -> None:
    sinks = (
        f"sinks:\n- {{name: hook, kind: webhook, purpose: security, url: '{receiver.url}'}}\n"
        "- {name: lines, kind: file, purpose: security, path: out.jsonl}\n"
    )
    receiver.fail(fault)
    with a_box(a_config(tmp_path, sinks)) as box:
        box.post([a_beer(receipt="r-1"), a_till("receipt.closed", receipt="r-1")])
        sold_s = time.monotonic()
        out = tmp_path / "state" / "out.jsonl"
        until(
            lambda: out.exists() and out.read_text().count("\n") == 2, what="the file has outcome and alert"
        )
        beside_s = time.monotonic() - sold_s
        assert not receiver.heard
        receiver.mend()
        mended_s = time.monotonic()
        until(lambda: len(receiver.heard) == 2, within_s=90, what="the receiver has them too")
        after_s = time.monotonic() - mended_s
    told = {(one["source"], one["id"]) for one in map(json.loads, out.read_text().splitlines())}
    assert set(receiver.heard) == told
    measured(
        "webhook fails",
        f"{fault}: the file beside it had all after {beside_s:.1f} s, {len(told - set(receiver.heard))} of {len(told)} "
        f"events lost, there {after_s:.1f} s after it was mended",
    )


def test_a_receiver_that_is_gone_for_good_has_its_events_parked_and_the_next_ones_go_on(
    tmp_path: Path, measured: Measured
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
            assert box.outbox.store is not None
            [parked] = box.outbox.store.read(parked_at)
            assert (parked.sink, parked.count, parked.reason) == ("hook", 1, "answered 410")
        first = {json.loads(body)["id"] for _, body in scripted.got[:5]}
        assert len(first) == 1
        assert json.loads(scripted.got[5][1])["id"] not in first
        measured(
            "webhook answers 410",
            f"{len(scripted.got) - 1} tries, {parked.count} event parked as `{parked.reason}`, the next one delivered, "
            f"{courier.stats().pending} waiting",
        )
    finally:
        scripted.shutdown()
        thread.join()
        scripted.server_close()


def test_a_till_that_sends_garbage_repeats_itself_and_comes_a_day_late_ends_every_receipt_once(
    tmp_path: Path, measured: Measured
) -> None:
    chance = random.Random(5)
    refused = repeats = unread = 0
    with a_box(a_config(tmp_path)) as box:
        late = [a_beer(receipt="late", ago_s=DAY_S), a_till("receipt.closed", receipt="late", ago_s=DAY_S)]
        now = [a_beer(receipt="now"), a_till("receipt.closed", receipt="now")]
        for number in range(60):
            if number % 3 == 0:
                status, told = box.post(chance.randbytes(50))
                assert status == 400
                assert told["error"], "the reason is said"
                unread += 1
            batch = [*late, *now, {"id": number}, None, [[]]]
            chance.shuffle(batch)
            status, told = box.post(batch)
            assert status == 200
            assert told["accepted"] + told["duplicate"] == 4
            assert len(told["rejected"]) == 3
            assert all(one["reason"] for one in told["rejected"])
            refused += len(told["rejected"])
            repeats += told["duplicate"]
        box.until(lambda: sum(one[0] == "sale" for one in box.told()) == 2)
        outcomes = {one[1]: one[2] for one in box.told() if one[0] == "sale"}
        assert outcomes == {"late": "unseen", "now": "unseen"}
        assert sum(one[0] == "alert" for one in box.told()) == 2
        ends = {
            one["data"]["receipt"]: datetime.fromisoformat(one["time"]).timestamp()
            for one in box.events()
            if one["type"] == "checkout.sale.outcome.v1"
        }
        assert ends["now"] - ends["late"] == pytest.approx(DAY_S, abs=1), "judged as of its own time"
        sales = sum(one[0] == "sale" for one in box.told())
        assert repeats == 59 * 4
    measured(
        "till sends garbage",
        f"{unread} bodies answered 400, {refused} events refused, each with the reason",
    )
    measured("till repeats itself", f"{repeats} repeats known by their id, {sales} ends of 2 receipts")
    measured(
        "till comes a day late",
        f"its end stands {(ends['now'] - ends['late']) / 3600:.2f} h before the other's",
    )


def test_a_store_that_somebody_locks_keeps_tills_waiting_and_loses_nothing(
    tmp_path: Path, measured: Measured
) -> None:
    with a_box(a_config(tmp_path)) as box:
        box.post(a_till("receipt.opened", receipt="r-1"))
        other = sqlite3.connect(tmp_path / "state" / "security.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        locked_s = time.monotonic()
        status, _ = box.post(a_beer(receipt="r-1"))
        answered_s = time.monotonic() - locked_s
        assert status == 503, "told to come again, not that it was kept"
        other.execute("ROLLBACK")
        other.close()
        assert box.post(a_beer(receipt="r-1")) == (200, {"accepted": 1, "duplicate": 0, "rejected": []})
        box.post(a_till("receipt.closed", receipt="r-1"))
        box.until(lambda: ("sale", "r-1", "unseen", "no_face") in box.told())
        ends = sum(one[:2] == ("sale", "r-1") for one in box.told())
        assert ends == 1
    measured(
        "store locked by somebody else",
        f"{status} after {answered_s:.1f} s, afterwards 200 and {ends} end of its receipt",
    )


def away(**camera: Any) -> dict[str, Any]:
    """A lane whose camera is nowhere: a box that starts quickly and judges nothing."""
    config = one_lane("rtsp://127.0.0.1:9/nobody", reconnect_min_s=0.5, no_frames_s=1, **camera)
    return {**config, "inference": {"detector": "mtcnn", "threads": 1}}


def test_logs_that_have_no_room_stop_nothing(tmp_path: Path, measured: Measured) -> None:
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
            page, _ = box.ask("/api/version")
            code = box.end()
            assert code == 0
        measured(
            "no room for logs",
            f"0 bytes left: {len(box.lines())} events delivered, the page answers {page}, stopped with code {code}",
        )
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-1] + b"\x00"), ["altered", "model_int8.onnx"]),
        (lambda file: file.unlink(), ["cannot be read", "model_int8.onnx"]),
    ],
    ids=["altered", "missing"],
)
def test_an_altered_or_missing_model_refuses_the_start_with_the_file_and_the_way_out(
    tmp_path: Path, spoil: Any, words: list[str], measured: Measured
) -> None:
    bundle = tmp_path / "bundle"
    shutil.copytree(SHIPPED_BUNDLE, bundle)
    spoil(bundle / "model_int8.onnx")
    config = away()
    config["inference"]["age_bundle"] = str(bundle)
    with Box(tmp_path, config, models=tmp_path) as box:
        assert box.process is not None
        began_s = time.monotonic()
        code = box.process.wait(120)
        took_s = time.monotonic() - began_s
        assert code == 2
    told = box.log.read_text()
    assert "Traceback" not in told
    for word in [*words, "Way out"]:
        assert word in told
    measured("age model missing or altered", f"the daemon, `{words[0]}`: code {code} after {took_s:.1f} s")


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
    tmp_path: Path, shared: Path, measured: Measured
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
        [note] = [note for note in box.stats()["notes"] if "could not be judged" in note]
        switch.unlink()
        fed_s = time.monotonic()
        judged = box.stats()["cameras"][0]["judged"]
        until(
            lambda: box.stats()["cameras"][0]["judged"] > judged + 3,
            within_s=120,
            what="frames are judged again",
        )
        again_s = time.monotonic() - fed_s
        assert box.end() == 0
    failed_batches = note.split()[0]
    measured(
        "a stage gets no memory",
        f"failed batches counted and told: {failed_batches}, camera up; 4 frames judged {again_s:.1f} s after there "
        "was memory",
    )


def test_a_stream_that_is_garbled_on_its_way_goes_on_and_is_whole_again_afterwards(
    measured: Measured,
) -> None:
    """Thirty-two bytes of every piece are noise: pictures break, the lane's reader does not."""
    with RtspServer() as camera:
        wire = Wire(camera.port, seed=3)
        try:
            with Watched(opener_for(f"rtsp://127.0.0.1:{wire.port}/lane"), test_ends_s=180) as seen:
                seen.hears("up ok", within_s=60)
                seen.frame(within_s=60)
                began, began_s = seen.camera.figures(), time.monotonic()
                wire.fail("garbled")
                while time.monotonic() < began_s + 8 or not broken(seen, began):
                    seen.lets_time_pass()
                garbled_s = time.monotonic() - began_s
                wire.mend()
                mended_s = time.monotonic()
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
                whole_s = time.monotonic() - mended_s
                last = seen.camera.figures()
        finally:
            wire.close()
    measured(
        "garbage in the stream",
        f"{garbled_s:.0f} s of it: {last.decode_errors - began.decode_errors} of {before - began.frames} pictures left "
        f"out, {last.reconnects} reconnects; 10 more and up {whole_s:.1f} s after it ended",
    )


def broken(seen: Watched, before: CameraFigures) -> bool:
    """Did the noise do any harm since then?"""
    now = seen.camera.figures()
    return now.decode_errors > before.decode_errors or now.reconnects > before.reconnects


def a_broker_is_away(
    folder: Path, *, while_away: Callable[[], Iterator[int]], within_s: float = 180
) -> tuple[int, str]:
    """Sell while nobody hears, one receipt for each number; then all is heard, in order.

    How many events that were, and what there is to say.
    """
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
            killed_s = time.monotonic()
            number = 0
            for number in while_away():
                box.post([a_beer(receipt=f"r-{number}"), a_till("receipt.closed", receipt=f"r-{number}")])
            box.until(lambda: sum(one[0] == "sale" for one in box.told()) == number + 1, seconds=120)
            broker.start()
            away_s, back_s = time.monotonic() - killed_s, time.monotonic()
            committed = {one["id"] for one in box.events()}
            until(
                # To read them all again and again would take the time that they need to arrive.
                lambda: len(listener.heard) >= len(committed) <= len(ids(listener) & committed),
                within_s=within_s,
                what="everything arrived",
            )
            took_s = time.monotonic() - back_s
            heard = [int(json.loads(body)["sequence"]) for body in listener.events()]
            assert heard == sorted(heard)
            lost = len(committed - ids(listener))
            return len(heard), (
                f"away for {away_s:.0f} s and {number} sales: {lost} of {len(committed)} events lost, "
                f"{sum(a > b for a, b in pairwise(heard))} out of order, "
                f"all there {took_s:.1f} s after it was back"
            )
    finally:
        listener.close()
        broker.close()


def ids(listener: Listener) -> set[str]:
    return {json.loads(body)["id"] for body in listener.events()}


def test_a_broker_that_is_away_for_sixty_sales_hears_everything_in_order(
    tmp_path: Path, measured: Measured
) -> None:
    """More receipts than a lane has in ten minutes, without the waiting between them."""
    events, told = a_broker_is_away(tmp_path, while_away=lambda: iter(range(1, 61)))
    assert events >= 61
    measured("broker away for ten minutes", told)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_broker_that_is_away_for_ten_minutes_hears_everything_in_order(
    tmp_path: Path, measured: Measured
) -> None:
    def a_sale_a_second() -> Iterator[int]:
        began_s, number = time.monotonic(), 0
        while time.monotonic() - began_s < float(os.environ.get("AWAY_S", "600")):
            number += 1
            yield number
            time.sleep(1.0)

    events, told = a_broker_is_away(tmp_path, while_away=a_sale_a_second, within_s=600)
    assert events
    measured("broker away for ten minutes", told)
