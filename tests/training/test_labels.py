"""Labels are read in the layouts that people have, and what is wrong with them is said with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.labels import DataError, read_labels


def write(folder: Path, text: str) -> Path:
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    return folder


def test_the_shops_own_layout_works_unchanged(tmp_path: Path) -> None:
    (tmp_path / "final_files").mkdir()
    (tmp_path / "final_files" / "000000.jpg").write_bytes(b"x")
    labels = read_labels(write(tmp_path, "file_name,real_age\n000000.jpg,4\n000001.jpg,18\n"))

    assert labels.pictures == tmp_path / "final_files"
    assert [row.age for row in labels.rows] == [4.0, 18.0]


def test_labels_without_pictures_are_still_labels(shared: Path) -> None:
    labels = read_labels(shared / "data" / "chalearn_labels.csv")

    assert len(labels) == 7591
    assert labels.pictures is None


def test_an_interval_is_a_label_too(tmp_path: Path) -> None:
    labels = read_labels(write(tmp_path, "file_name,real_age,age_min,age_max\na.jpg,,20,29\nb.jpg,7,,\n"))

    assert (labels.rows[0].age_min, labels.rows[0].age, labels.rows[0].age_max) == (20.0, 24.5, 29.0)
    assert labels.rows[0].is_interval
    assert not labels.rows[1].is_interval


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,age\n", "needs the columns file_name and real_age"),
        ("file_name,real_age\n", "has no rows"),
        ("file_name,real_age\na.jpg,old\n", r"labels.csv:2: real_age is not a number of years: 'old'"),
        ("file_name,real_age\na.jpg,\n", "real_age is empty"),
        ("file_name,real_age\na.jpg,-1\n", "must lie in 0..130"),
        ("file_name,real_age\na.jpg,nan\n", "must lie in 0..130"),
        ("file_name,real_age\na.jpg,4\na.jpg,5\n", "labelled twice, first on line 2"),
        ("file_name,real_age\n../a.jpg,4\n", "must stay inside the data folder"),
        ("file_name,real_age,age_min,age_max\na.jpg,30,40,50\n", "lies outside 40..50"),
        ("file_name,real_age,age_min,age_max\na.jpg,30,40,\n", "both age_min and age_max"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        read_labels(write(tmp_path, text))


def test_a_missing_file_says_what_a_data_folder_has(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"a data folder has labels\.csv"):
        read_labels(tmp_path)
