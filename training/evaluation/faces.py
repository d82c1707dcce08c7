"""The faces that a model is judged on: aligned crops with what is known of each person."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.face import DetectorKind
from training.crops import CropSet, is_prepared
from training.faces import FaceFinder
from training.labels import DataError, read_labels

__all__ = ["EvalFaces", "load_faces"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalFaces:
    """Crops BGR uint8 `(n, 112, 112, 3)`, ages in years, texts per face (empty where unknown).

    `rejected` counts pictures without a usable face by data set; they are in no figure. `train_ages` are those of
    the split `train` beside them, for the baseline; empty where there is none.
    """

    crops: NDArray[np.uint8]
    ages: NDArray[np.float64]
    names: tuple[str, ...]
    gender: NDArray[np.str_]
    group: NDArray[np.str_]
    data_set: NDArray[np.str_]
    rejected: dict[str, int]
    train_ages: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ages)


def load_faces(
    data: Path, split: str, *, detector: DetectorKind = "auto", models_folder: Path | None = None
) -> EvalFaces:
    """Faces of a split, from photographs with `labels.csv` or from what `prepare` made of them.

    The split is the labels' own column (what `prepare` moved to keep training clean stays where the labels have
    it); every row where there is no such column. Raises DataError where nothing is left.
    """
    return _prepared(data, split) if is_prepared(data) else _photographs(data, split, detector, models_folder)


def _prepared(data: Path, split: str) -> EvalFaces:
    whole = CropSet.open(data)
    seeded = bool(whole.manifest["splits"]["seeded"])
    part = whole.only(split, given=not seeded)
    train = np.array(
        [float(r["age"]) for r in whole.table if r["given_split" if not seeded else "split"] == "train"]
    )
    rejected = Counter(row["data_set"] or "all" for row in part.rejected)
    return EvalFaces(
        crops=part.take(np.arange(len(part))),
        ages=part.ages,
        names=tuple(part.column("file_name").tolist()),
        gender=part.column("gender"),
        group=part.column("group"),
        data_set=_named(part.column("data_set")),
        rejected=dict(rejected),
        train_ages=train,
    )


def _photographs(data: Path, split: str, detector: DetectorKind, models_folder: Path | None) -> EvalFaces:
    from tqdm import tqdm

    labels = read_labels(data)
    if labels.pictures is None:
        raise DataError(f"{labels.file}: none of its pictures is beside it or in final_files/")
    rows = (
        [row for row in labels.rows if row.split == split] if "split" in labels.columns else list(labels.rows)
    )
    if not rows:
        names = sorted({row.split for row in labels.rows})
        raise DataError(f"{labels.file}: the split {split!r} is empty; there are: {', '.join(names)}")
    finder = FaceFinder(detector, models_folder=models_folder)
    crops, kept, rejected = [], [], Counter[str]()
    for row in tqdm(rows, desc="faces", unit="picture", disable=not sys.stderr.isatty()):
        cut = finder.cut_file(labels.pictures / row.file_name)
        if cut.crop is None:
            rejected[row.data_set or "all"] += 1
        else:
            crops.append(cut.crop)
            kept.append(row)
    if not kept:
        raise DataError(f"{labels.file}: no picture of the split {split!r} has a usable face")
    return EvalFaces(
        crops=np.stack(crops),
        ages=np.array([row.age for row in kept]),
        names=tuple(row.file_name for row in kept),
        gender=np.array([row.gender for row in kept]),
        group=np.array([row.group for row in kept]),
        data_set=_named(np.array([row.data_set for row in kept])),
        rejected=dict(rejected),
        train_ages=np.array([row.age for row in labels.rows if row.split == "train"]),
    )


def _named(data_sets: NDArray[np.str_]) -> NDArray[np.str_]:
    return np.where(data_sets == "", "all", data_sets).astype(np.str_)
