"""`checkout-age estimate`: rows for every face, in three forms, whatever lies in the folder."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

PORTRAITS = Path(__file__).resolve().parents[2] / "edge" / "camera" / "portraits"
COLUMNS = [
    "file",
    "face",
    "box_px",
    "mean",
    "median",
    "low",
    "high",
    "p_under_18",
    "p_under_25",
    "quality",
    "reason",
]
COMMAND = [sys.executable, "-m", "edge", "estimate"]


def estimate(*args: object) -> subprocess.CompletedProcess[str]:
    """With the detector that is shipped, so that the machine's own models do not matter."""
    command = [*COMMAND, *map(str, args), "--detector", "mtcnn", "--threads", "1"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both portraits, one as 16-bit PNG in a subfolder and one as WebP, an empty wall, and four broken files."""
    folder = tmp_path_factory.mktemp("album")
    (folder / "more").mkdir()
    shutil.copy(PORTRAITS / "collins.jpg", folder / "a collins.jpg")
    collins = cv2.imread(str(PORTRAITS / "collins.jpg"))
    hopper = cv2.imread(str(PORTRAITS / "hopper.jpg"))
    assert collins is not None
    assert hopper is not None
    cv2.imwrite(str(folder / "b.webp"), hopper)
    cv2.imwrite(str(folder / "more" / "deep.png"), hopper.astype(np.uint16) * 256)
    cv2.imwrite(str(folder / "more" / "grey.png"), cv2.cvtColor(collins, cv2.COLOR_BGR2GRAY))
    cv2.imwrite(str(folder / "wall.png"), np.full((200, 300, 3), 120, np.uint8))
    (folder / "cut.jpg").write_bytes((PORTRAITS / "hopper.jpg").read_bytes()[:20_000])
    (folder / "empty.png").touch()
    (folder / "text.jpeg").write_text("not a picture")
    (folder / "Имя.tiff").write_bytes(b"II*\0" + bytes(40))
    (folder / "labels.csv").write_text("file_name,real_age\n")
    return folder


@pytest.fixture(scope="module")
def told(album: Path) -> subprocess.CompletedProcess[str]:
    return estimate(album, "--json")


def rows_of(told: subprocess.CompletedProcess[str], name: str) -> list[dict]:
    return [row for row in json.loads(told.stdout) if row["file"].endswith(name)]


def test_every_face_is_a_row_with_the_pinned_columns(told) -> None:
    assert told.returncode == 0, told.stderr
    rows = json.loads(told.stdout)
    assert all(list(row) == COLUMNS for row in rows)
    assert [Path(row["file"]).name for row in rows] == [
        "a collins.jpg",
        "b.webp",
        "deep.png",
        "grey.png",
        "wall.png",
    ]


def test_years_lie_in_their_interval_and_probabilities_in_0_to_1(told) -> None:
    for row in json.loads(told.stdout)[:4]:
        assert row["reason"] is None
        assert 0 <= row["low"] <= row["median"] <= row["high"] <= 100
        assert 0 <= row["p_under_18"] <= row["p_under_25"] <= 1
        assert 0 < row["quality"] <= 1
        assert all(isinstance(value, int) for value in row["box_px"])


def test_the_elder_officer_looks_older_than_the_astronaut(told) -> None:
    (collins,), (hopper,) = rows_of(told, "collins.jpg"), rows_of(told, "b.webp")
    assert hopper["mean"] > collins["mean"] + 8
    assert hopper["p_under_25"] < 0.05


def test_depth_and_form_of_the_file_change_little(told) -> None:
    (webp,), (deep,) = rows_of(told, "b.webp"), rows_of(told, "deep.png")
    assert abs(webp["mean"] - deep["mean"]) < 4


def test_a_picture_without_a_face_is_a_row_that_says_so(told) -> None:
    (row,) = rows_of(told, "wall.png")
    assert (row["face"], row["reason"]) == (None, "no_face")
    assert all(row[column] is None for column in COLUMNS[1:-1])


def test_broken_files_are_named_counted_and_passed_over(told) -> None:
    said = told.stderr.splitlines()
    for name in ("cut.jpg", "empty.png", "text.jpeg", "Имя.tiff"):
        assert any(name in line for line in said), name
    assert "4 of 9 files could not be read" in said[-1]
    assert "labels.csv" not in told.stderr


def test_csv_says_the_same_as_json(album: Path, told) -> None:
    done = estimate(album, "--csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(rows[0]) == COLUMNS
    for row, expected in zip(rows, json.loads(told.stdout), strict=True):
        assert {key: json.loads(row[key]) if row[key] else None for key in COLUMNS[1:-1]} == {
            key: expected[key] for key in COLUMNS[1:-1]
        }
        assert row["file"] == expected["file"]


def test_people_get_a_table_and_the_sentence_on_research_weights() -> None:
    done = estimate(PORTRAITS / "hopper.jpg")
    heading, line = done.stdout.splitlines()
    assert heading.split() == ["FILE", "FACE", "AGE", "90", "%", "P(<18)", "P(<25)", "QUALITY"]
    assert line.split()[0].endswith("portraits/hopper.jpg")
    assert "research weights: train on your own licensed faces before use in a shop" in done.stderr


def test_a_turned_photograph_reads_as_the_upright_one(tmp_path: Path) -> None:
    from tests.camera.test_photo import with_orientation

    upright = cv2.imread(str(PORTRAITS / "hopper.jpg"))
    assert upright is not None
    raw = cv2.imencode(".jpg", cv2.rotate(upright, cv2.ROTATE_90_COUNTERCLOCKWISE))[1].tobytes()
    (tmp_path / "turned.jpg").write_bytes(with_orientation(raw, 6))
    (turned,) = json.loads(estimate(tmp_path / "turned.jpg", "--json").stdout)
    assert np.allclose(turned["box_px"], (113, 78, 128, 153), atol=15)
    assert turned["reason"] is None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda path: path / "gone",
            "gone: no such file or folder. Give a photograph, or a folder of photographs",
        ),
        (lambda path: path, "no photographs in this folder; they end with .avif, .bmp,"),
        (lambda path: (path / "x.jpg").write_bytes(b"") or path / "x.jpg", "x.jpg: the file is empty"),
    ],
    ids=["missing", "empty folder", "broken"],
)
def test_nothing_to_read_is_exit_code_2_with_the_reason(tmp_path: Path, make, said: str) -> None:
    done = estimate(make(tmp_path), "--csv")
    assert done.returncode == 2
    assert said in done.stderr


def test_a_long_run_shows_a_bar_on_a_terminal_and_leaves_stdout_clean(tmp_path: Path) -> None:
    for number in range(40):
        shutil.copy(PORTRAITS / "collins.jpg", tmp_path / f"{number:02d}.jpg")
    ours, theirs = pty.openpty()
    command = [*COMMAND, str(tmp_path), "--json", "--detector", "mtcnn", "--threads", "1"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, text=True, check=True)
    os.close(theirs)
    drawn = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert len(json.loads(done.stdout)) == 40
    assert "estimate ██" in drawn
    assert drawn.endswith("\r\x1b[K")
