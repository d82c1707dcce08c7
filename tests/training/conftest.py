"""A small real data set for the training room's tests, cut once a session."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from training.crops import CropSet
from training.prepare import prepare

COLUMNS = ["file_name", "real_age", "gender", "group", "data_set", "split"]
PER_SPLIT = {"train": 96, "val": 32, "test": 160}


@pytest.fixture(scope="session")
def make_data(shared: Path) -> Callable[..., Path]:
    """A folder with a labels.csv over real pictures, which it reaches through a link."""

    def make(folder: Path, rows: list[dict[str, str]], columns: list[str] = COLUMNS) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "faces").symlink_to(shared / "data" / "faces", target_is_directory=True)
        with (folder / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows({**row, "file_name": f"faces/{row['file_name']}"} for row in rows)
        return folder

    return make


@pytest.fixture(scope="session")
def some_rows(shared: Path) -> list[dict[str, str]]:
    """Rows of the shared labels, evenly drawn from every split."""
    with (shared / "data" / "faces" / "labels.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    chosen = []
    for split, count in PER_SPLIT.items():
        mine = [row for row in rows if row["split"] == split]
        chosen += mine[:: len(mine) // count][:count]
    return chosen


@pytest.fixture(scope="session")
def mini(
    tmp_path_factory: pytest.TempPathFactory,
    make_data: Callable[..., Path],
    some_rows: list[dict[str, str]],
    shared: Path,
) -> CropSet:
    """A few hundred prepared crops of all splits and ages."""
    data = make_data(tmp_path_factory.mktemp("mini-data") / "data", some_rows)
    out = tmp_path_factory.mktemp("mini-crops") / "crops"
    return prepare(data, out, detector="yunet", models_folder=shared / "models", jobs=1)
