"""The data report tells the truth about known data: the shop's own labels, and folders with known faults."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from training.eda.ages import digit_preference, heaped_ages, modes, whipple_index

COMMAND = [sys.executable, "-c", "import sys; from edge.cli import main; sys.exit(main(sys.argv[1:]))", "eda"]


def eda(data: Path, out: Path, *words: object) -> dict[str, Any]:
    done = subprocess.run(
        [*COMMAND, str(data), "--out", str(out), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads((out / "figures.json").read_text(encoding="utf-8"))
    return told


def counted(*ages: int) -> np.ndarray:
    return np.bincount(ages, minlength=131).astype(float)


def test_the_shops_own_labels_without_pictures(shared: Path, tmp_path: Path) -> None:
    told = eda(shared / "data" / "chalearn_labels.csv", tmp_path, "--lang", "ru")

    labels = told["labels"]
    assert labels["n"] == 7591
    assert sum(labels["histogram"]) == 7591
    peaks = [peak["age"] for peak in labels["modes"]]
    assert 22 <= peaks[0] <= 30  # grown-ups first, small children second
    assert any(peak <= 6 for peak in peaks)
    assert labels["whipple"] > 120
    assert {30.0, 40.0, 50.0} <= {heap["age"] for heap in labels["heaped"]}
    assert told["pictures"] is None
    assert {"two_modes", "heaped", "no_pictures", "no_split", "few_over_60"} <= {
        f["key"] for f in told["findings"]
    }
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Рядом с этими метками нет снимков" in page
    assert "<script" not in page


def test_whipple_is_100_without_and_500_with_nothing_but_round_ages() -> None:
    assert whipple_index(counted(*range(23, 63))) == pytest.approx(100)
    assert whipple_index(counted(*range(25, 61, 5))) == pytest.approx(500)
    assert whipple_index(counted(3, 80)) is None


def test_heaped_ages_are_those_above_their_neighbours() -> None:
    flat = np.full(131, 40.0)
    flat[30] = 100
    assert [(heap["age"], heap["times"]) for heap in heaped_ages(flat)] == [(30.0, 2.5)]
    assert digit_preference(flat)[0] > 1.05
    assert digit_preference(np.full(131, 10.0)) == pytest.approx([1.0] * 10, rel=1e-6)


def test_one_hill_has_one_mode_and_two_have_two() -> None:
    ages = np.arange(131)
    one = 100 * np.exp(-((ages - 30) ** 2) / 200)
    two = one + 60 * np.exp(-((ages - 4) ** 2) / 8)
    assert [peak["age"] for peak in modes(one)] == [30.0]
    assert [peak["age"] for peak in modes(two)] == [30.0, 4.0]


def test_faults_of_a_folder_are_found(
    make_data: Callable[..., Path], some_rows: list[dict[str, str]], shared: Path, tmp_path: Path
) -> None:
    rows = some_rows[::4]  # enough for two processes
    data = make_data(tmp_path / "data", rows)
    source = shared / "data" / "faces" / rows[0]["file_name"]
    (data / "copy.webp").write_bytes(source.read_bytes())
    (data / "torn.jpg").write_bytes(b"\xff\xd8 torn")
    image = cv2.imread(str(source))
    cv2.imwrite(str(data / "grey.png"), cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
    cv2.imwrite(str(data / "two.png"), np.hstack([image, image]))
    cv2.imwrite(str(data / "dark.png"), image // 8)
    cv2.imwrite(str(data / "soft.png"), cv2.GaussianBlur(image, None, image.shape[0] / 30))
    other = "test" if rows[0]["split"] != "test" else "train"
    with (data / "labels.csv").open("a", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        age = float(rows[0]["real_age"])
        writer.writerow(["copy.webp", age + 20, "", "", "own", other])
        for name in ("torn.jpg", "gone.jpg", "grey.png", "two.png", "dark.png", "soft.png"):
            writer.writerow([name, age, "", "", "own", rows[0]["split"]])

    told = eda(data, tmp_path / "out", "--detector", "yunet", "--models", shared / "models", "--jobs", 2)

    seen = told["pictures"]
    assert seen["trouble"] == {"missing": ["gone.jpg"], "unreadable": ["torn.jpg"]}
    assert seen["faces"]["several"] >= 1
    assert seen["looked_at"] == len(rows) + 7
    assert seen["grey"] >= 1
    assert seen["dark"] >= 1
    assert seen["blurred"] >= 1
    assert seen["orientation"]["landscape"] >= 1  # two.png
    assert sum(seen["orientation"].values()) == sum(seen["faces"].values()) == seen["looked_at"] - 2
    assert sum(row["n"] for row in seen["brightness"]) == seen["looked_at"] - 2
    assert seen["size_range"]["width"][1] == 2 * image.shape[1]
    duplicates = seen["duplicates"]
    assert duplicates["exact_groups"] == 1
    assert any("copy.webp" in pair for pair in duplicates["straddling"])
    assert any("copy.webp" in pair for pair in duplicates["ages_disagree"])
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "copy.webp" in page
    assert "data:image/jpeg;base64," in page


def test_a_folder_without_labels_is_refused_with_the_way_out(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, str(tmp_path), "--out", str(tmp_path / "o")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "a data folder has labels.csv" in done.stderr
