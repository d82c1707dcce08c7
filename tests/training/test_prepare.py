"""Prepare cuts every face once, goes on after a kill, and says what became of each picture."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.face import CONTRACT
from training.crops import CropSet
from training.faces import FaceFinder
from training.labels import DataError
from training.prepare import prepare

Rows = list[dict[str, str]]


@pytest.fixture
def few(tmp_path: Path, make_data: Callable[..., Path], some_rows: Rows) -> Path:
    return make_data(tmp_path / "data", some_rows[::24])


def make(data: Path, out: Path, shared: Path, **options: object) -> CropSet:
    return prepare(data, out, detector="yunet", models_folder=shared / "models", jobs=1, **options)  # type: ignore[arg-type]


def test_the_manifest_carries_the_contract_and_what_became_of_each_picture(mini: CropSet) -> None:
    manifest = mini.manifest

    assert manifest["contract"]["digest"] == CONTRACT.digest
    assert (
        manifest["usable"] + sum(sum(r.values()) for r in manifest["rejects"].values())
        == manifest["pictures"]
    )
    assert set(manifest["splits"]) >= {"train", "val", "test"}
    assert all(len(row["hash"]) == 64 and len(row["sha256"]) == 64 for row in mini.table)


def test_crops_are_those_of_the_till(mini: CropSet, shared: Path) -> None:
    finder = FaceFinder("yunet", models_folder=shared / "models")
    for member in (0, 40, 200):
        name = mini.table[member]["file_name"].removeprefix("faces/")
        expected = finder.cut_file(shared / "data" / "faces" / name).crop
        assert np.array_equal(mini.take(np.array([member]))[0], expected)


def test_a_killed_run_goes_on_and_gives_the_same(few: Path, tmp_path: Path, shared: Path) -> None:
    whole = make(few, tmp_path / "whole", shared)
    part = tmp_path / "part"
    shutil.copytree(tmp_path / "whole", part)
    (part / "manifest.json").unlink()
    lines = (part / "progress.jsonl").read_text(encoding="utf-8").splitlines()
    # As a kill leaves it: half of the records, the last one torn.
    (part / "progress.jsonl").write_text("\n".join(lines[:6]) + "\n" + lines[6][:20], encoding="utf-8")
    array = np.load(part / "crops.npy", mmap_mode="r+")
    done = {json.loads(line)["row"] for line in lines[1:6]}
    for row in set(range(len(array))) - done:
        array[row] = 0
    array.flush()
    seen: list[int] = []

    again = make(few, part, shared, progress=lambda count, _total: seen.append(count))

    assert seen[0] == 5  # what was done is not done again
    assert np.array_equal(np.asarray(again.pixels), np.asarray(whole.pixels))
    assert again.table == whole.table


def test_broken_and_empty_pictures_are_rejected_with_their_reason(
    tmp_path: Path, make_data: Callable[..., Path], some_rows: Rows, shared: Path
) -> None:
    data = make_data(tmp_path / "data", some_rows[:2])
    (data / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (data / "empty.jpg").write_bytes(b"")
    cv2.imwrite(str(data / "wall.png"), np.full((120, 120, 3), 128, np.uint8))
    with (data / "labels.csv").open("a", newline="", encoding="utf-8") as stream:
        for name in ("torn.jpg", "empty.jpg", "wall.png", "gone.jpg"):
            csv.writer(stream).writerow([name, 30, "", "", "own", "train"])

    crops = make(data, tmp_path / "crops", shared)

    assert crops.manifest["rejects"] == {"own": {"missing": 1, "no_face": 1, "unreadable": 2}}
    assert len(crops) == 2


def test_other_labels_in_the_same_folder_are_refused(few: Path, tmp_path: Path, shared: Path) -> None:
    make(few, tmp_path / "out", shared)
    with (few / "labels.csv").open("a", encoding="utf-8") as stream:
        stream.write("faces/nobody.webp,3,,,utkface,train\n")

    with pytest.raises(DataError, match="begun with other labels"):
        make(few, tmp_path / "out", shared)


def test_crops_of_another_contract_are_refused(few: Path, tmp_path: Path, shared: Path) -> None:
    make(few, tmp_path / "out", shared)
    manifest = tmp_path / "out" / "manifest.json"
    manifest.write_text(manifest.read_text().replace(CONTRACT.digest, "0" * 64))

    with pytest.raises(DataError, match="prepare the pictures again"):
        CropSet.open(tmp_path / "out")


def test_crops_that_were_cut_short_are_refused(few: Path, tmp_path: Path, shared: Path) -> None:
    """A copy that broke off is no smaller set."""
    crops = make(few, tmp_path / "out", shared)
    with (tmp_path / "out" / "crops.npy").open("r+b") as file:
        file.truncate(len(crops) * 112 * 112 * 3 // 2)

    with pytest.raises(DataError, match=r"crops\.npy: cannot be read .*; prepare the pictures again"):
        CropSet.open(tmp_path / "out")


def test_an_empty_split_is_named_with_those_that_are_there(mini: CropSet) -> None:
    with pytest.raises(DataError, match="the split 'holdout' is empty; there are: test, train, val"):
        mini.only("holdout")


def test_the_command_tells_counts_and_moves(
    make_data: Callable[..., Path], some_rows: Rows, mini: CropSet, tmp_path: Path, shared: Path
) -> None:
    """A picture of `test` in another file is labelled `train`: learnt from, it would flatter the test."""
    rows = some_rows[::8]  # enough for two processes
    data = make_data(tmp_path / "data", rows)
    mine = next(row for row in rows if row["split"] == "test")
    picture = cv2.imread(str(shared / "data" / "faces" / mine["file_name"]))
    cv2.imwrite(str(data / "again.png"), picture)
    with (data / "labels.csv").open("a", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerow(["again.png", mine["real_age"], "", "", "own", "train"])
    code = "import sys; from edge.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [
            *(sys.executable, "-c", code, "prepare", data, "--out", tmp_path / "out"),
            *("--models", shared / "models", "--detector", "yunet", "--jobs", "2"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "37 of 37 pictures are ready" in done.stdout
    assert "moved again.png: train -> test (near_duplicate)" in done.stdout
    crops = CropSet.open(tmp_path / "out")
    assert crops.manifest["moved"] == [
        {"file_name": "again.png", "from": "train", "to": "test", "because": "near_duplicate"}
    ]
    (row,) = (row for row in crops.table if row["file_name"] == "again.png")
    assert (row["given_split"], row["split"]) == ("train", "test")
    assert "again.png" not in crops.only("train").column("file_name")
    assert "again.png" not in crops.only("test", given=True).column("file_name")
    alone = {row["file_name"]: int(row["row"]) for row in mini.table}
    for row in crops.table[:-1]:  # two processes cut as one does
        assert np.array_equal(crops.pixels[int(row["row"])], mini.pixels[alone[row["file_name"]]])
