"""A till that falls silent and a camera that is moved, at a running box and over a restart."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edge.camera import CameraReason, CameraState
from edge.config import Config
from tests.conftest import Measured
from tests.scenarios.desk_box import Box, _report, a_beer, a_box, a_config, a_till

SILENT = "till: {http: {token_file: token}, silent_minutes: 0.005}\n"  # 0.3 s


def customers_pass(box: Box, first: int) -> None:
    """Three customers come and go while the till says nothing; the silence has lasted long enough by then."""
    now_ns = time.time_ns()
    for number in range(first, first + 3):
        box.desk.judged([_report(f"t-{number}", now_ns, now_ns + 10**9, 0.1, ended=True)], [])


def alerts(box: Box) -> list[tuple[str, int, int]]:
    """Kind, count and openness of every alert in the book, oldest first."""
    assert box.outbox.store is not None
    return box.outbox.store.read(
        lambda c: c.execute("SELECT kind, count, open FROM alerts ORDER BY from_ms").fetchall()
    )


def because(box: Box) -> list[str]:
    """What each word of a blind lane's alert gave as its reason, oldest first."""
    told = [one["data"] for one in box.events() if one["type"].startswith("checkout.alert.")]
    return [data["reason"] for data in told if data["kind"] == "camera_blind"]


def open_gaps(box: Box) -> int:
    assert box.outbox.store is not None
    query = "SELECT count(*) FROM gaps WHERE kind = 'till' AND to_ns IS NULL"
    return int(box.outbox.store.read(lambda c: c.execute(query).fetchone()[0]))


def test_a_silent_till_is_one_alert_that_closes_when_it_speaks(tmp_path: Path) -> None:
    with a_box(a_config(tmp_path, SILENT)) as box:
        customers_pass(box, 0)
        box.until(lambda: alerts(box) == [("till_silent", 3, 1)])
        customers_pass(box, 3)
        box.post(a_till("receipt.opened", receipt="r-1"))
        box.until(lambda: alerts(box) == [("till_silent", 3, 0)])
        box.until(lambda: open_gaps(box) == 0)
        customers_pass(box, 6)
        box.until(lambda: [one[2] for one in alerts(box)] == [0, 1])


def test_a_till_that_is_silent_over_a_restart_keeps_its_one_alert_until_it_speaks(tmp_path: Path) -> None:
    """It was opened a second time, and the first stayed open for ever."""
    config: Config = a_config(tmp_path, SILENT)
    with a_box(config) as box:
        customers_pass(box, 0)
        box.until(lambda: alerts(box) == [("till_silent", 3, 1)])
    with a_box(config) as box:
        customers_pass(box, 3)
        box.until(lambda: ("age", "t-5", "customer") in box.told())  # two seconds later
        assert alerts(box) == [("till_silent", 3, 1)]
        box.post(a_till("receipt.opened", receipt="r-1"))
        box.until(lambda: [one[2] for one in alerts(box)] == [0])
        box.until(lambda: open_gaps(box) == 0)


def test_a_moved_camera_is_blind_until_it_is_neither_moved_nor_down(
    tmp_path: Path, measured: Measured
) -> None:
    moved: dict[str, int] = {}
    with a_box(a_config(tmp_path), moved=lambda: moved) as box:
        moved["cam-1"] = time.time_ns()
        found_s = time.monotonic()
        box.until(lambda: alerts(box) == [("camera_blind", 0, 1)])
        opened_s = time.monotonic() - found_s
        box.post([a_beer(receipt="r-1"), a_till("receipt.closed", receipt="r-1")])
        box.until(lambda: alerts(box) == [("camera_blind", 1, 1)])
        box.camera(CameraState.DOWN, CameraReason.CONNECT_FAILED)
        moved.clear()
        assert because(box) == ["moved", "moved"]
        box.post([a_beer(receipt="r-2"), a_till("receipt.closed", receipt="r-2")])
        box.until(lambda: alerts(box) == [("camera_blind", 2, 1)])
        assert because(box) == ["moved", "moved", "down"], "one alert; each word of it says what is so now"
        box.camera(CameraState.UP)
        put_right_s = time.monotonic()
        box.until(lambda: alerts(box) == [("camera_blind", 2, 0)])
        closed_s = time.monotonic() - put_right_s
    measured(
        "camera moved",
        f"its lane's alert opens {opened_s:.1f} s after and closes {closed_s:.1f} s after it is right",
    )


@pytest.mark.parametrize(("reason", "said"), [(CameraReason.BLACK, "covered"), (CameraReason.FROZEN, "down")])
def test_a_camera_that_finds_itself_blind_says_why(tmp_path: Path, reason: CameraReason, said: str) -> None:
    with a_box(a_config(tmp_path)) as box:
        box.camera(CameraState.DOWN, reason)
        box.until(lambda: alerts(box) == [("camera_blind", 0, 1)])
        assert because(box) == [said]
        box.camera(CameraState.UP)
        box.until(lambda: alerts(box) == [("camera_blind", 0, 0)])


def test_a_lens_covered_in_white_is_blind_though_its_camera_finds_nothing_wrong(
    tmp_path: Path, measured: Measured
) -> None:
    covered: dict[str, int] = {}
    with a_box(a_config(tmp_path), covered=lambda: covered) as box:
        covered["cam-1"] = time.time_ns()
        found_s = time.monotonic()
        box.until(lambda: alerts(box) == [("camera_blind", 0, 1)])
        opened_s = time.monotonic() - found_s
        assert because(box) == ["covered"]
        covered.clear()
        wiped_s = time.monotonic()
        box.until(lambda: alerts(box) == [("camera_blind", 0, 0)])
        closed_s = time.monotonic() - wiped_s
    measured(
        "lens covered in white",
        f"its lane's alert opens {opened_s:.1f} s after and closes {closed_s:.1f} s after it is right",
    )
