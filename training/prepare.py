"""Cut every labelled face once, on all cores, resumable, and write down what became of each picture."""

from __future__ import annotations

import csv
import hashlib
import json
import multiprocessing
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from edge.face import CONTRACT, DetectorKind, choose_detector
from training.crops import CROPS_FILE, MANIFEST_FILE, TABLE_COLUMNS, TABLE_FILE, CropSet
from training.faces import FaceFinder, finder_settings
from training.labels import DataError, Labels, read_labels
from training.likeness import HASH_BYTES, difference_hash
from training.splits import SplitPlan, plan_splits

__all__ = ["prepare"]

_PROGRESS_FILE: Final = "progress.jsonl"
_CHUNK: Final = 16
_Record = dict[str, Any]


def prepare(
    data: Path,
    out: Path,
    *,
    detector: DetectorKind = "auto",
    models_folder: Path | None = None,
    jobs: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> CropSet:
    """Make (or finish) the prepared set of `data` in `out` and open it.

    A run that was stopped goes on where it was; a folder made from other labels, crops or detectors is refused
    with DataError. `progress(done, total)` is called from this thread.
    """
    labels = read_labels(data)
    if labels.pictures is None:
        raise DataError(f"{labels.file}: none of its pictures is beside it or in final_files/")
    out.mkdir(parents=True, exist_ok=True)
    choice = choose_detector(detector, models_folder=models_folder)
    made_from = {
        "labels_sha256": hashlib.sha256(labels.file.read_bytes()).hexdigest(),
        "contract": asdict(CONTRACT),
        "detector": {"name": choice.name, "sha256": choice.sha256, "settings": finder_settings(choice.name)},
    }
    records = _resume(out, made_from)
    pixels = _open_array(out / CROPS_FILE, len(labels))
    _cut_missing(
        labels,
        pixels,
        records,
        out,
        detector=detector,
        models_folder=models_folder,
        jobs=jobs,
        progress=progress,
    )
    pixels.flush()
    _finish(labels, out, records, made_from, seed)
    return CropSet.open(out)


def _resume(out: Path, made_from: _Record) -> dict[int, _Record]:
    """Records of an earlier run by row; the last line may be torn."""
    path = out / _PROGRESS_FILE
    if not path.is_file():
        path.write_text(json.dumps(made_from) + "\n", encoding="utf-8")
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines or json.loads(lines[0]) != made_from:
        raise DataError(
            f"{out}: was begun with other labels, crops or another detector; choose a new --out or remove it"
        )
    records: dict[int, _Record] = {}
    for line in lines[1:]:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        records[record["row"]] = record
    return records


def _open_array(path: Path, count: int) -> np.memmap[Any, np.dtype[np.uint8]]:
    """The crops' file, opened or laid out at full size at once, so that a full disk is told before the work."""
    shape = (count, CONTRACT.size, CONTRACT.size, 3)
    if not path.is_file():
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            try:
                npy.write_array_header_2_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
                os.posix_fallocate(file.fileno(), file.tell(), int(np.prod(shape)))
            except OSError as full:
                Path(file.name).unlink()
                raise DataError(
                    f"{path}: no room for {np.prod(shape) / 1e9:.1f} GB of crops: {full}"
                ) from full
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
    array: np.memmap[Any, np.dtype[np.uint8]] = np.load(path, mmap_mode="r+")
    if array.shape != shape:
        raise DataError(f"{path}: has shape {array.shape}, the labels need {shape}; choose a new --out")
    return array


def _cut_missing(
    labels: Labels,
    pixels: NDArray[np.uint8],
    records: dict[int, _Record],
    out: Path,
    *,
    detector: DetectorKind,
    models_folder: Path | None,
    jobs: int | None,
    progress: Callable[[int, int], None],
) -> None:
    assert labels.pictures is not None
    todo = [(i, labels.pictures / row.file_name) for i, row in enumerate(labels.rows) if i not in records]
    total = len(labels)
    progress(total - len(todo), total)
    with (out / _PROGRESS_FILE).open("a", encoding="utf-8") as log:
        log.write("\n" if records else "")  # closes a torn last line
        for crop, record in _work(todo, detector, models_folder, jobs):
            if crop is not None:
                pixels[record["row"]] = crop
            log.write(json.dumps(record) + "\n")
            log.flush()
            records[record["row"]] = record
            progress(len(records), total)


def _work(
    todo: Sequence[tuple[int, Path]], detector: DetectorKind, models_folder: Path | None, jobs: int | None
) -> Iterator[tuple[NDArray[np.uint8] | None, _Record]]:
    jobs = jobs or len(os.sched_getaffinity(0))
    if jobs == 1 or len(todo) < 2 * _CHUNK:
        _open_worker(detector, models_folder)
        yield from map(_cut_one, todo)
        return
    context = multiprocessing.get_context("spawn")  # a fork would copy the parent's inference threads
    with context.Pool(jobs, _open_worker, (detector, models_folder)) as pool:
        yield from pool.imap_unordered(_cut_one, todo, _CHUNK)


_finder: FaceFinder | None = None  # one a worker process


def _open_worker(detector: DetectorKind, models_folder: Path | None) -> None:
    global _finder  # noqa: PLW0603 - a pool's workers have no other place for it
    cv2.setNumThreads(1)
    _finder = FaceFinder(detector, models_folder=models_folder)


def _cut_one(job: tuple[int, Path]) -> tuple[NDArray[np.uint8] | None, _Record]:
    assert _finder is not None
    row, path = job
    cut = _finder.cut_file(path)
    record: _Record = {"row": row, "reject": cut.reject or "", "faces": cut.faces}
    if cut.reject != "missing":
        record["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    if cut.crop is not None:
        record["eye_px"] = round(cut.eye_distance_px, 1)
        record["hash"] = difference_hash(cut.crop).tobytes().hex()
    return cut.crop, record


def _finish(labels: Labels, out: Path, records: dict[int, _Record], made_from: _Record, seed: int) -> None:
    """Settle the splits and write table and manifest; the manifest last, it says that all is there."""
    usable = [i for i in range(len(labels)) if not records[i]["reject"]]
    if not usable:
        raise DataError(f"{labels.file}: no picture has a usable face: {_count_rejects(labels, records)}")
    hashes = np.frombuffer(bytes.fromhex("".join(records[i]["hash"] for i in usable)), np.uint8)
    plan = plan_splits(
        [labels.rows[i].split for i in usable],
        [labels.rows[i].subject for i in usable],
        hashes.reshape(-1, HASH_BYTES),
        np.array([labels.rows[i].age for i in usable]),
        seed=seed,
    )
    splits = dict(zip(usable, plan.splits, strict=True))
    table = out / TABLE_FILE
    with table.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(TABLE_COLUMNS)
        for i, row in enumerate(labels.rows):
            record = records[i]
            labelled = (
                i,
                row.file_name,
                row.age,
                row.age_min,
                row.age_max,
                row.gender,
                row.group,
                row.data_set,
            )
            split = (row.split or splits.get(i, ""), splits.get(i, row.split))
            found = (
                record["faces"],
                record.get("eye_px", ""),
                record.get("hash", ""),
                record.get("sha256", ""),
            )
            writer.writerow((*labelled, row.subject, *split, record["reject"], *found))
    manifest = {
        "format": 1,
        **made_from,
        "labels": labels.file.name,
        "pictures": len(labels),
        "usable": len(usable),
        "rejects": _count_rejects(labels, records),
        "several_faces": sum(record["faces"] > 1 for record in records.values()),
        "splits": plan.counts | {"seeded": plan.seeded, "seed": seed},
        "near_duplicate_pairs": len(plan.near),
        "moved": _told_moves(labels, usable, plan),
        "files": {TABLE_FILE: _sha256(table), CROPS_FILE: _sha256(out / CROPS_FILE)},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    waiting = out / (MANIFEST_FILE + ".new")
    waiting.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    waiting.replace(out / MANIFEST_FILE)


def _count_rejects(labels: Labels, records: dict[int, _Record]) -> dict[str, dict[str, int]]:
    """Rejected pictures by data set and reason."""
    counted: dict[str, Counter[str]] = {}
    for i, row in enumerate(labels.rows):
        if reason := records[i]["reject"]:
            counted.setdefault(row.data_set or "all", Counter())[reason] += 1
    return {name: dict(sorted(reasons.items())) for name, reasons in sorted(counted.items())}


def _told_moves(labels: Labels, usable: Sequence[int], plan: SplitPlan) -> list[dict[str, str]]:
    return [
        {
            "file_name": labels.rows[usable[move.index]].file_name,
            "from": move.source,
            "to": move.target,
            "because": move.reason,
        }
        for move in plan.moves
    ]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
