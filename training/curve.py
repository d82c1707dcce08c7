"""The learning curve of a run: rows in a CSV file, the same in TensorBoard, and a picture."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from training.tensorboard import EventFile

__all__ = ["COLUMNS", "Curve", "draw_curves"]

COLUMNS: Final = (
    *["step", "faces", "passes", "rate", "size_px", "loss", "train_mae"],
    *["val_mae", "val_cs5", "val_miss_14_17", "faces_per_s"],
)
Row = Mapping[str, float | None]


class Curve:
    """Rows of a run, one a round; validation figures are None in rounds without validation."""

    def __init__(self, folder: Path, rows: Sequence[Row] = ()) -> None:
        """Start from the rows of a checkpoint: what a killed run wrote after it is dropped from the CSV."""
        self._folder = folder
        self.rows: list[dict[str, float | None]] = [dict(row) for row in rows]
        self._events = EventFile(folder / "tensorboard")
        with self._csv.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)

    @property
    def _csv(self) -> Path:
        return self._folder / "curve.csv"

    def add(self, row: Row) -> None:
        """Append one round."""
        self.rows.append(dict(row))
        with self._csv.open("a", newline="", encoding="utf-8") as stream:
            csv.DictWriter(stream, COLUMNS).writerow(row)
        told = {name: value for name, value in row.items() if value is not None and name != "step"}
        self._events.scalars(int(row["step"] or 0), told)


def draw_curves(rows: Sequence[Row], file: Path) -> None:
    """Loss, MAE and rate over the faces seen, as PNG."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (top, bottom) = plt.subplots(2, 1, figsize=(8, 7), sharex=True, layout="constrained")
    faces = [row["faces"] for row in rows]
    top.plot(faces, [row["train_mae"] for row in rows], color="#9aa7b8", lw=1, label="train, augmented faces")
    seen = [row for row in rows if row["val_mae"] is not None]
    if seen:
        best = min(seen, key=lambda row: row["val_mae"] or 0.0)
        top.plot(
            [r["faces"] for r in seen],
            [r["val_mae"] for r in seen],
            "o-",
            color="#1f5fbf",
            label="val, mean weights",
        )
        top.annotate(
            f"best {best['val_mae']:.2f}",
            (best["faces"] or 0, best["val_mae"] or 0),
            (0, 12),
            textcoords="offset points",
        )
    top.set_ylabel("MAE, years")
    top.legend(frameon=False)
    bottom.plot(faces, [row["loss"] for row in rows], color="#b8572a", lw=1, label="loss")
    bottom.set_ylabel("loss")
    bottom.set_xlabel("faces seen")
    rate = bottom.twinx()
    rate.plot(faces, [row["rate"] for row in rows], color="#5a8f5a", ls="--", lw=1)
    rate.set_ylabel("learning rate (dashed)")
    for axes in (top, bottom):
        axes.grid(alpha=0.25)
        axes.spines[["top"]].set_visible(False)
    waiting = file.with_name(file.name + ".new")
    figure.savefig(waiting, format="png", dpi=110)
    plt.close(figure)
    waiting.replace(file)
