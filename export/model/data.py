"""The faces that an export needs: some of `train` for ranges, all of `val`, some of `test` for the gates."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from edge.face import CONTRACT, DetectorKind
from export.model.errors import ExportError
from training.crops import CropSet, is_prepared
from training.labels import DataError
from training.prepare import prepare

__all__ = ["ExportFaces", "open_faces"]

Crops = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFaces:
    """Crops uint8 BGR `(n, 112, 112, 3)` and ages; `described` goes into the bundle as `training.data`."""

    ranges: Crops
    val: Crops
    val_ages: NDArray[np.float64]
    gate: Crops
    gate_ages: NDArray[np.float64]
    gate_split: str
    described: dict[str, Any]


def open_faces(
    data: Path,
    *,
    crops: Path | None,
    ranges: int,
    gate: int,
    detector: DetectorKind = "auto",
    models_folder: Path | None = None,
) -> ExportFaces:
    """Open prepared crops, or prepare a folder of photographs first.

    `crops` is where the prepared set is kept (outside the project); without it a folder named after the label
    file under the user's cache. Raises ExportError where a split is missing or the set is of another contract.
    """
    try:
        whole = CropSet.open(data) if is_prepared(data) else _prepared(data, crops, detector, models_folder)
        if "val" not in set(whole.column("split")):
            raise ExportError(
                f"{data}: no split 'val'; temperature, margins and τ are computed on it and nowhere else"
            )
        train = whole.only("train").limited(ranges)
        val = whole.only("val")
        gate_split = "test" if "test" in set(whole.column("split")) else "val"
        judged = whole.only(gate_split).limited(gate)
    except DataError as wrong:
        raise ExportError(str(wrong)) from wrong
    return ExportFaces(
        ranges=_pixels(train),
        val=_pixels(val),
        val_ages=val.ages,
        gate=_pixels(judged),
        gate_ages=judged.ages,
        gate_split=gate_split,
        described=_described(whole),
    )


def _pixels(part: CropSet) -> Crops:
    return part.take(np.arange(len(part)))


def _prepared(data: Path, crops: Path | None, detector: DetectorKind, models_folder: Path | None) -> CropSet:
    with tqdm(unit="picture", desc="prepare", disable=not sys.stderr.isatty()) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return prepare(
            data, crops or _cache(data), detector=detector, models_folder=models_folder, progress=progress
        )


def _cache(data: Path) -> Path:
    """A folder for this label file and this contract, under the user's cache."""
    labels = data / "labels.csv"
    if not labels.is_file():
        raise ExportError(
            f"{labels}: missing; --data takes a folder with labels.csv, or what `prepare` made of it"
        )
    key = hashlib.sha256(labels.read_bytes() + CONTRACT.digest.encode()).hexdigest()[:16]
    return Path.home() / ".cache" / "checkout-age" / f"crops-{key}"


def _described(whole: CropSet) -> dict[str, Any]:
    manifest = whole.manifest
    sets = Counter(zip(whole.column("data_set").tolist(), whole.column("split").tolist(), strict=True))
    counts: dict[str, dict[str, int]] = {}
    for (name, split), count in sorted(sets.items()):
        counts.setdefault(name or "all", {})[split] = count
    return {
        "data_sets": counts,
        "labels_sha256": manifest["labels_sha256"],
        "manifest_sha256": hashlib.sha256(json.dumps(dict(manifest), sort_keys=True).encode()).hexdigest(),
        "detector": manifest["detector"]["name"],
    }
