"""The demo lane: the same people, the same pixels, on every run."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.camera.demo_lane import CUSTOMER_ZONE_PX, DemoLane

FPS = 15


def _seconds(lane: DemoLane, since_s: float) -> np.ndarray:
    return lane.frame(round(since_s * FPS)).image


def test_two_lanes_show_the_same_pixels_whatever_was_read_before() -> None:
    one, other = DemoLane(camera="a"), DemoLane(camera="a")
    for _ in range(40):
        one.read()
    assert np.array_equal(one.read().image, other.frame(40).image)


def test_frames_carry_camera_index_and_evenly_spaced_times() -> None:
    frames = list(islice(DemoLane(camera="cam-7", fps=20, start_ns=1_000), 3))
    assert [(f.camera, f.index, f.at_ns) for f in frames] == [
        ("cam-7", 0, 1_000),
        ("cam-7", 1, 50_001_000),
        ("cam-7", 2, 100_001_000),
    ]


def test_a_frame_belongs_to_who_reads_it() -> None:
    lane = DemoLane(camera="a")
    first = lane.frame(60).image
    kept = first.copy()
    lane.frame(64).image[:] = 0
    assert np.array_equal(first, kept)
    assert np.array_equal(lane.frame(60).image, kept)


def test_an_empty_lane_is_not_a_frozen_picture() -> None:
    lane = DemoLane(camera="a")
    assert not np.array_equal(lane.frame(0).image, lane.frame(1).image)
    apart = cv2.absdiff(lane.frame(0).image, lane.frame(1).image)
    assert apart.mean() < 4, "camera noise, not movement"


@pytest.mark.parametrize("size", [(640, 360), (1920, 1080), (320, 320)])
def test_other_sizes_show_the_same_lane(size: tuple[int, int]) -> None:
    image = _seconds(DemoLane(camera="a", size=size), 6.0)
    assert image.shape == (size[1], size[0], 3)
    small = cv2.resize(image, (64, 36), interpolation=cv2.INTER_AREA).astype(int)
    usual = cv2.resize(_seconds(DemoLane(camera="a"), 6.0), (64, 36), interpolation=cv2.INTER_AREA).astype(
        int
    )
    assert np.abs(small - usual).mean() < 4


@pytest.mark.parametrize("setting", [{"fps": 0}, {"size": (10, 10)}])
def test_settings_without_a_picture_are_refused(setting: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="fps above 0 and sides of 64"):
        DemoLane(camera="a", **setting)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def faces(shared: Path):
    """OpenCV's own detector is the judge of what the lane shows."""
    model = str(shared / "models" / "yunet_n_dynamic.onnx")
    detector = cv2.FaceDetectorYN.create(model, "", (1280, 720), 0.7)
    lane = DemoLane(camera="a")

    def found(since_s: float) -> list[tuple[float, float, float]]:
        rows = detector.detect(_seconds(lane, since_s))[1]
        return [] if rows is None else [(r[0] + r[2] / 2, r[1] + r[3] / 2, r[2]) for r in rows]

    return found


def test_nobody_stands_between_two_customers(faces) -> None:
    assert faces(0.5) == []
    assert faces(11.5) == []
    assert faces(22.5) == []


@pytest.mark.parametrize("visit", [0, 1, 2])
def test_a_customer_comes_pauses_in_the_zone_and_leaves(faces, visit: int) -> None:
    start = visit * 11.0
    ((_, _, far),) = faces(start + 3.0)
    assert 40 <= far <= 75
    left, right = CUSTOMER_ZONE_PX[0][0], CUSTOMER_ZONE_PX[1][0]
    for since in (5.0, 6.5, 8.5):
        ((x, _, near),) = faces(start + since)
        assert left < x < right
        assert near >= 115
    ((gone_x, _, _),) = faces(start + 9.9)
    assert gone_x < 560
