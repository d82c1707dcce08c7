"""Figures about pictures: sizes, light, sharpness, faces, duplicates, files that cannot be read."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face import DetectorKind
from training.faces import FaceFinder, read_picture
from training.labels import Labels
from training.likeness import HASH_BYTES, Groups, difference_hash, near_pairs

__all__ = ["Seen", "look_at", "picture_figures"]

_GREY_MAX: Final = 3.0  # mean distance of the channels, in grey values
_DARK, _BRIGHT = 50.0, 205.0
_BLURRED: Final = 20.0  # variance of the Laplacian on a face of 112 px
_AGES_APART: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of one labelled picture; `trouble` is empty, `missing` or `unreadable`."""

    row: int
    trouble: str
    width: int = 0
    height: int = 0
    grey: bool = False
    brightness: float = 0.0
    faces: int = 0
    eye_px: float = 0.0
    sharpness: float = 0.0
    sha256: str = ""
    face_hash: bytes = b""


def look_at(
    labels: Labels,
    members: Sequence[int],
    *,
    detector: DetectorKind,
    models_folder: Path | None,
    jobs: int | None,
) -> list[Seen]:
    """Look at some of the labelled pictures, on all cores unless `jobs` says less."""
    from tqdm import tqdm

    assert labels.pictures is not None
    todo = [(i, labels.pictures / labels.rows[i].file_name) for i in members]
    bar = tqdm(total=len(todo), desc="look", unit="picture", disable=not sys.stderr.isatty())
    found = []
    with bar:
        for seen in _work(todo, detector, models_folder, jobs or len(os.sched_getaffinity(0))):
            found.append(seen)
            bar.update()
    return sorted(found, key=lambda seen: seen.row)


def picture_figures(labels: Labels, seen: Sequence[Seen]) -> dict[str, Any]:
    """Counts and shares over what was seen."""
    readable = [s for s in seen if not s.trouble]
    sides = Counter((s.width, s.height) for s in readable)
    with_face = [s for s in readable if s.faces]
    return {
        "looked_at": len(seen),
        "trouble": {
            kind: [labels.rows[s.row].file_name for s in seen if s.trouble == kind]
            for kind in ("missing", "unreadable")
        },
        "sizes": [{"width": w, "height": h, "n": n} for (w, h), n in sides.most_common(12)],
        "size_range": _ranges(readable),
        "orientation": {
            "portrait": sum(s.height > s.width for s in readable),
            "landscape": sum(s.width > s.height for s in readable),
            "square": sum(s.width == s.height for s in readable),
        },
        "grey": sum(s.grey for s in readable),
        "dark": sum(s.brightness < _DARK for s in readable),
        "bright": sum(s.brightness > _BRIGHT for s in readable),
        "brightness": _histogram([s.brightness for s in readable], np.arange(0, 257, 16)),
        "blurred": sum(s.sharpness < _BLURRED for s in with_face),
        "sharpness": _histogram(
            [float(np.log10(max(s.sharpness, 1.0))) for s in with_face], np.arange(0, 4.6, 0.25)
        ),
        "eye_px": _quantiles([s.eye_px for s in with_face]),
        "faces": {
            "none": sum(s.faces == 0 for s in readable),
            "one": sum(s.faces == 1 for s in readable),
            "several": sum(s.faces > 1 for s in readable),
        },
        "duplicates": _duplicates(labels, readable),
    }


def _duplicates(labels: Labels, readable: Sequence[Seen]) -> dict[str, Any]:
    exact = Groups(len(readable))
    exact.join_equal([s.sha256 for s in readable])
    same = [group for group in exact.lists() if len(group) > 1]
    hashed = [i for i, s in enumerate(readable) if s.face_hash]
    table = np.frombuffer(b"".join(readable[i].face_hash for i in hashed), np.uint8).reshape(-1, HASH_BYTES)
    pairs = [(readable[hashed[a]], readable[hashed[b]]) for a, b in near_pairs(table).tolist()]
    near = [(labels.rows[a.row], labels.rows[b.row]) for a, b in pairs]
    straddling = [(a, b) for a, b in near if a.split != b.split]
    disagreeing = [(a, b) for a, b in near if abs(a.age - b.age) > _AGES_APART]
    return {
        "exact_groups": len(same),
        "exact_pictures": sum(len(group) for group in same),
        "near_pairs": len(near),
        "straddling": [[a.file_name, b.file_name, a.split, b.split] for a, b in straddling],
        "ages_disagree": [[a.file_name, b.file_name, a.age, b.age] for a, b in disagreeing],
    }


def _work(
    todo: Sequence[tuple[int, Path]], detector: DetectorKind, models_folder: Path | None, jobs: int
) -> Iterator[Seen]:
    if jobs == 1 or len(todo) < 64:
        _open_worker(detector, models_folder)
        yield from map(_see, todo)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, _open_worker, (detector, models_folder)) as pool:
        yield from pool.imap_unordered(_see, todo, 16)


_finder: FaceFinder | None = None  # one a worker process


def _open_worker(detector: DetectorKind, models_folder: Path | None) -> None:
    global _finder  # noqa: PLW0603 - a pool's workers have no other place for it
    cv2.setNumThreads(1)
    _finder = FaceFinder(detector, models_folder=models_folder)


def _see(job: tuple[int, Path]) -> Seen:
    assert _finder is not None
    row, path = job
    image = read_picture(path)
    if isinstance(image, str):
        return Seen(row=row, trouble=image)
    cut = _finder.cut(image)
    wide = image.astype(np.int16)
    spread = np.abs(wide[..., 0] - wide[..., 1]).mean() + np.abs(wide[..., 1] - wide[..., 2]).mean()
    return Seen(
        row=row,
        trouble="",
        width=image.shape[1],
        height=image.shape[0],
        grey=bool(spread / 2 < _GREY_MAX),
        brightness=float(image.mean()),
        faces=cut.faces,
        eye_px=cut.eye_distance_px,
        sharpness=0.0 if cut.crop is None else _sharpness(cut.crop),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        face_hash=b"" if cut.crop is None else difference_hash(cut.crop).tobytes(),
    )


def _sharpness(crop: NDArray[np.uint8]) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())


def _ranges(readable: Sequence[Seen]) -> dict[str, list[int]]:
    if not readable:
        return {}
    return {
        "width": [min(s.width for s in readable), max(s.width for s in readable)],
        "height": [min(s.height for s in readable), max(s.height for s in readable)],
    }


def _histogram(values: Sequence[float], edges: NDArray[Any]) -> list[dict[str, float]]:
    counted, _ = np.histogram(values, edges)
    return [{"from": float(a), "n": int(n)} for a, n in zip(edges[:-1], counted, strict=True)]


def _quantiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {f"p{q}": float(np.percentile(values, q)) for q in (5, 25, 50, 75, 95)}
