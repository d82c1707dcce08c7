"""What `prepare` leaves: aligned crops in one memory-mapped array, a table beside it, and a manifest."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.face import CONTRACT
from training.labels import DataError

__all__ = ["CROPS_FILE", "MANIFEST_FILE", "TABLE_COLUMNS", "TABLE_FILE", "CropSet", "is_prepared"]

CROPS_FILE: Final = "crops.npy"
TABLE_FILE: Final = "table.csv"
MANIFEST_FILE: Final = "manifest.json"
TABLE_COLUMNS: Final = [
    "row",
    "file_name",
    "age",
    "age_min",
    "age_max",
    "gender",
    "group",
    "data_set",
    "subject",
    "given_split",
    "split",
    "reject",
    "faces",
    "eye_px",
    "hash",
    "sha256",
]


def is_prepared(folder: Path) -> bool:
    """Whether `prepare` finished in this folder."""
    return (folder / MANIFEST_FILE).is_file()


@dataclass(frozen=True, kw_only=True)
class CropSet:
    """A prepared data set, or a part of it. All arrays have one entry a picture, in table order.

    `pixels` is BGR uint8 `(rows, 112, 112, 3)`, memory-mapped, and is indexed by `row`; rejected pictures are
    not in the set (`rejects` counts them by data set and reason). Ages are years.
    """

    folder: Path
    manifest: Mapping[str, Any]
    pixels: NDArray[np.uint8]
    table: tuple[Mapping[str, str], ...]
    rejected: tuple[Mapping[str, str], ...]

    @classmethod
    def open(cls, folder: Path) -> CropSet:
        """Open what `prepare` made. Raises DataError where it is unfinished, damaged or of another contract."""
        if not is_prepared(folder):
            raise DataError(
                f"{folder}: no prepared crops; make them: checkout-age prepare DATA --out {folder}"
            )
        manifest = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
        digest = manifest["contract"]["digest"]
        if digest != CONTRACT.digest:
            raise DataError(
                f"{folder}: crops follow contract {digest[:12]}, this program {CONTRACT.digest[:12]}; "
                "prepare the pictures again into a new folder"
            )
        try:
            pixels = np.load(folder / CROPS_FILE, mmap_mode="r")
        except (OSError, ValueError) as wrong:
            raise DataError(
                f"{folder / CROPS_FILE}: cannot be read ({wrong}); prepare the pictures again"
            ) from wrong
        with (folder / TABLE_FILE).open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        if pixels.shape != (len(rows), CONTRACT.size, CONTRACT.size, 3):
            raise DataError(
                f"{folder}: {CROPS_FILE} has shape {pixels.shape} and {TABLE_FILE} {len(rows)} rows"
            )
        return cls(
            folder=folder,
            manifest=manifest,
            pixels=pixels,
            table=tuple(row for row in rows if not row["reject"]),
            rejected=tuple(row for row in rows if row["reject"]),
        )

    def __len__(self) -> int:
        return len(self.table)

    def only(self, split: str, *, given: bool = False) -> CropSet:
        """The part with this split; `given` goes by the labels' own column, before anything was moved.

        Raises DataError where nothing is left.
        """
        column = "given_split" if given else "split"
        kept = tuple(row for row in self.table if row[column] == split)
        if not kept:
            names = sorted({row[column] for row in self.table})
            raise DataError(
                f"{self.folder}: the split {split!r} is empty; there are: {', '.join(names) or 'none'}"
            )
        return CropSet(
            folder=self.folder,
            manifest=self.manifest,
            pixels=self.pixels,
            table=kept,
            rejected=tuple(row for row in self.rejected if row[column] == split),
        )

    def limited(self, count: int, *, seed: int = 0) -> CropSet:
        """At most `count` faces, drawn with `seed`, in table order."""
        if count >= len(self):
            return self
        chosen = np.sort(np.random.default_rng(seed).permutation(len(self))[:count])
        return CropSet(
            folder=self.folder,
            manifest=self.manifest,
            pixels=self.pixels,
            table=tuple(self.table[i] for i in chosen),
            rejected=self.rejected,
        )

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Where each face stands in `pixels`."""
        return np.array([int(row["row"]) for row in self.table], dtype=np.int64)

    @cached_property
    def ages(self) -> NDArray[np.float64]:
        """The age, or the middle of the interval, in years."""
        return self._years("age")

    @cached_property
    def ages_min(self) -> NDArray[np.float64]:
        """Lower end of the label, in years."""
        return self._years("age_min")

    @cached_property
    def ages_max(self) -> NDArray[np.float64]:
        """Upper end of the label, in years."""
        return self._years("age_max")

    def column(self, name: str) -> NDArray[np.str_]:
        """A column of the table as text."""
        return np.array([row[name] for row in self.table], dtype=np.str_)

    def take(self, members: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Crops of some members (indices into the set), copied into memory."""
        return np.asarray(self.pixels[self.rows[members]])

    def _years(self, column: str) -> NDArray[np.float64]:
        return np.array([float(row[column]) for row in self.table], dtype=np.float64)
