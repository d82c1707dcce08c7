"""A run's logs: TensorBoard itself reads our event files, and the curve drops what came after a checkpoint."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from training.curve import COLUMNS, Curve, draw_curves
from training.tensorboard import EventFile


def row(step: int, val: float | None = None) -> dict[str, float | None]:
    return dict.fromkeys(COLUMNS, 1.0) | {
        "step": step,
        "faces": step * 8,
        "val_mae": val,
        "train_mae": 9.0 - step,
    }


def test_tensorflow_reads_the_event_file(tmp_path: Path) -> None:
    from tensorflow.python.summary.summary_iterator import summary_iterator

    log = EventFile(tmp_path)
    log.scalars(3, {"loss": 0.5, "val_mae": 6.25})
    log.scalars(300, {"loss": 0.25})
    (file,) = tmp_path.iterdir()

    events = list(summary_iterator(str(file)))  # checks the CRC of every record

    assert events[0].file_version == "brain.Event:2"
    told = [
        (event.step, value.tag, value.simple_value) for event in events[1:] for value in event.summary.value
    ]
    assert told == [(3, "loss", 0.5), (3, "val_mae", 6.25), (300, "loss", 0.25)]


def test_rows_after_the_checkpoint_are_dropped_at_resume(tmp_path: Path) -> None:
    first = Curve(tmp_path)
    for step in (1, 2, 3):
        first.add(row(step))
    kept = first.rows[:2]

    second = Curve(tmp_path, kept)
    second.add(row(4))

    with (tmp_path / "curve.csv").open(newline="") as stream:
        assert [line["step"] for line in csv.DictReader(stream)] == ["1", "2", "4"]


@pytest.mark.parametrize(
    "rows", [[row(1)], [row(1), row(2, 7.0), row(3, 6.5)]], ids=["no validation yet", "validated"]
)
def test_curves_are_drawn(tmp_path: Path, rows: list[dict[str, float | None]]) -> None:
    draw_curves(rows, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
