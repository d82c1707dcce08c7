"""Decoding no more than is needed, and elsewhere where that works."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest

from edge.camera import opener_for
from edge.camera.ffmpeg import open_capture, runs_on
from tests.camera.films import film
from tests.camera.live import RtspServer, Watched


@pytest.fixture(scope="module")
def with_b(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """15 pictures a second, every other one a B picture on which nothing is built."""
    folder = tmp_path_factory.mktemp("films")
    more = ("-bf", "1", "-x264-params", "b-adapt=0:scenecut=0:b-pyramid=none")
    return film(folder / "with-b.mp4", seconds=8, more=more)


def grabbed(file: Path, *, references_only: bool) -> int:
    capture = open_capture(str(file), threads=1, references_only=references_only)
    assert capture is not None
    count = 0
    while capture.grab():
        count += 1
    capture.release()
    return count


def test_pictures_that_nothing_is_built_on_are_left_out_only_where_asked(with_b: Path) -> None:
    assert grabbed(with_b, references_only=True) == pytest.approx(64, abs=6)
    assert grabbed(with_b, references_only=False) == 120
    assert "avdiscard" not in os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"]


@pytest.mark.parametrize(("needed_hz", "decoded"), [(5, 8), (12, 15)])
def test_a_film_is_decoded_in_full_where_half_of_it_is_too_little(
    with_b: Path, needed_hz: float, decoded: int
) -> None:
    with Watched(opener_for(str(with_b), needed_hz=needed_hz), detect_hz=needed_hz) as watched:
        while watched.camera.figures().stream_s < 2:
            watched.lets_time_pass()
        figures = watched.camera.figures()
    assert figures.frames / figures.stream_s == pytest.approx(decoded, rel=0.2)


def test_a_stream_with_too_few_references_is_opened_anew_and_nobody_notices(with_b: Path) -> None:
    """At 12 a second, 7.5 references are too few: found after 20 slots, within two seconds."""
    with RtspServer("--file", str(with_b)) as server:
        source = opener_for(server.url, needed_hz=12.0).open(threading.Event())
        gaps, before = [], source.grab()
        for _ in range(40):
            stamp = source.grab()
            gaps.append((stamp or 0) - (before or 0))
            before = stamp
        source.close()
    assert sorted(gaps[2:12])[5] == pytest.approx(133, abs=3)
    assert sorted(gaps[-10:])[5] == pytest.approx(67, abs=3)


@pytest.mark.parametrize("decoder", ["vaapi", "cuda"])
def test_a_decoder_that_is_not_there_is_told_and_the_processor_decodes(
    with_b: Path, decoder: str, caplog: pytest.LogCaptureFixture
) -> None:
    capture = open_capture(str(with_b), threads=1, decoder=decoder)  # type: ignore[arg-type]
    assert capture is not None
    there = runs_on(capture, decoder) != "cpu"  # type: ignore[arg-type]
    capture.release()
    if there:
        pytest.skip(f"this machine has {decoder}")
    with caplog.at_level(logging.WARNING), Watched(opener_for(str(with_b), decoder=decoder)) as watched:  # type: ignore[arg-type]
        watched.frame()
        assert watched.camera.figures().decoder == "cpu"
    assert f"{decoder} does not work here" in caplog.text
