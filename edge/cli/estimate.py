"""`checkout-age estimate PHOTO|DIR`: the age of every face in photographs, or the reason why not."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge.vision.photo import FaceReading, PhotoVision

HELP = "ages of the faces in a photograph, or in a folder of them"
EXIT_UNREADABLE = 2

_COLUMNS = (
    "file", "face", "box_px", "mean", "median", "low", "high", "p_under_18", "p_under_25", "quality", "reason"
)  # fmt: skip
_AT_ONCE, _AT_ONCE_PX = 8, 24_000_000  # photographs in one batch: so many, or so many pixels of them

Row = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The photographs, and the form of the answer."""
    parser.add_argument("photos", type=Path, metavar="PHOTO|DIR", help="a photograph, or a folder of them")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="a JSON array with an object for each face")
    form.add_argument("--csv", action="store_true", help="comma-separated values with a heading")
    parser.add_argument("--detector", choices=["mtcnn", "yunet", "auto"], default="auto")
    parser.add_argument("--threads", type=int, default=0, help="threads of the networks; 0: one a core")


def run(args: argparse.Namespace) -> int:
    """0 where at least one photograph could be read; 2 with the reason on stderr where none could."""
    import cv2

    from edge.age import AgeModelError
    from edge.app.photos import open_photo_vision
    from edge.camera.photo import PhotoError, find_photos
    from edge.config import Inference
    from edge.face import DetectorError
    from edge.ops.process import forbid_core_dumps
    from edge.ops.progress import Progress
    from edge.ops.selftest import RESEARCH, is_research

    forbid_core_dumps()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # damage is reported in our own words
    try:
        paths = find_photos(args.photos)
        parts = open_photo_vision(Inference(detector=args.detector, threads=max(0, args.threads)))
    except (PhotoError, DetectorError, AgeModelError) as error:
        print(f"checkout-age estimate: {error}", file=sys.stderr)
        return EXIT_UNREADABLE
    if isinstance(
        sys.stdout, TextIOWrapper
    ):  # a name or a dash that the terminal cannot show must not end the run
        sys.stdout.reconfigure(errors="backslashreplace")
    broken = 0
    with ExitStack() as stack:
        bar = stack.enter_context(Progress("estimate", len(paths), unit="photos"))
        table = _table(args, sys.stdout)
        for done, rows, damage in _answers(parts.vision, paths):
            broken += len(damage)
            for said in damage:
                _wipe_bar()
                print(f"checkout-age estimate: {said}", file=sys.stderr)
            table.add(rows)
            bar.at(done)
        table.end()
    if broken:
        print(f"checkout-age estimate: {broken} of {len(paths)} files could not be read", file=sys.stderr)
    if not (args.json or args.csv) and is_research(parts.bundle):
        print(RESEARCH, file=sys.stderr)
    return EXIT_UNREADABLE if broken == len(paths) else 0


def _answers(vision: PhotoVision, paths: Sequence[Path]) -> Iterator[tuple[int, list[Row], list[str]]]:
    """For each batch: how many files are done, the rows, and a sentence for every file that is broken."""
    from edge.camera.photo import PhotoError, read_photo

    batch: list[tuple[Path, NDArray[np.uint8]]] = []
    damage: list[str] = []
    for done, path in enumerate(paths, start=1):
        try:
            batch.append((path, read_photo(path)))
        except PhotoError as error:
            damage.append(str(error))
        pixels = sum(image.shape[0] * image.shape[1] for _, image in batch)
        if len(batch) >= _AT_ONCE or pixels >= _AT_ONCE_PX or done == len(paths):
            found = vision.read([image for _, image in batch])
            rows = [row for (file, _), faces in zip(batch, found, strict=True) for row in _rows(file, faces)]
            yield done, rows, damage
            batch, damage = [], []


def _rows(file: Path, faces: Sequence[FaceReading]) -> list[Row]:
    """The pinned columns of each face of one photograph, or the one row that says there is none."""
    if not faces:
        return [dict.fromkeys(_COLUMNS) | {"file": _name(file), "reason": "no_face"}]
    return [_row(file, number, face) for number, face in enumerate(faces)]


def _name(file: Path) -> str:
    """The file's name as text, also where it is not UTF-8."""
    return os.fsencode(file).decode("utf-8", "replace")


def _row(file: Path, number: int, face: FaceReading) -> Row:
    estimate = face.estimate
    return {
        "file": _name(file),
        "face": number,
        "box_px": [round(value) for value in face.box_px],
        "mean": _rounded(estimate.mean_years, 1),
        "median": _rounded(estimate.median_years, 1),
        "low": _rounded(estimate.low_years, 1),
        "high": _rounded(estimate.high_years, 1),
        "p_under_18": _rounded(estimate.p_under.get(18), 4),
        "p_under_25": _rounded(estimate.p_under.get(25), 4),
        "quality": round(face.quality, 3),
        "reason": None if estimate.reason is None else estimate.reason.value,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _wipe_bar() -> None:
    """Take the progress bar's line away before something else is written to the same terminal."""
    from edge.ops.redraw import can_redraw

    if can_redraw(sys.stderr):
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


class _Table(Protocol):
    """One of the three forms of the answer; rows come in batches, so that thousands need no memory."""

    def add(self, rows: Sequence[Row]) -> None: ...
    def end(self) -> None: ...


def _table(args: argparse.Namespace, out: TextIO) -> _Table:
    if args.json:
        return _Json(out)
    return _Csv(out) if args.csv else _Plain(out)


class _Json:
    """An array, one object a line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._before = "[\n"

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._out.write(self._before + json.dumps(row, ensure_ascii=False))
            self._before = ",\n"

    def end(self) -> None:
        self._out.write("[]\n" if self._before == "[\n" else "\n]\n")
        self._out.flush()


class _Csv:
    """RFC 4180 with a heading; a box is written as JSON, what is unknown stays empty."""

    def __init__(self, out: TextIO) -> None:
        self._writer = csv.DictWriter(out, _COLUMNS)
        self._writer.writeheader()
        self._out = out

    def add(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._writer.writerow(row | {"box_px": json.dumps(row["box_px"]) if row["box_px"] else None})

    def end(self) -> None:
        self._out.flush()


class _Plain:
    """For people: one line a face."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._heading = (
            f"{'FILE':32}  {'FACE':>4}  {'AGE':>5}  {'90 %':9}  {'P(<18)':>6}  {'P(<25)':>6}  QUALITY"
        )

    def add(self, rows: Sequence[Row]) -> None:
        if self._out.isatty():
            _wipe_bar()
        for row in rows:
            if self._heading:
                self._out.write(self._heading + "\n")
                self._heading = ""
            self._out.write(_line(row) + "\n")
        self._out.flush()

    def end(self) -> None:
        self._out.flush()


def _line(row: Row) -> str:
    name = row["file"]
    name = name if len(name) <= 32 else "…" + name[-31:]
    name = "".join(each if each.isprintable() else "?" for each in name)
    face = "–" if row["face"] is None else row["face"]
    if row["mean"] is None:
        return f"{name:32}  {face:>4}  unknown: {row['reason'].replace('_', ' ')}"
    span = f"{row['low']:.0f}–{row['high']:.0f}"
    chances = f"{row['p_under_18']:6.2f}  {row['p_under_25']:6.2f}"
    return f"{name:32}  {face:>4}  {row['mean']:5.1f}  {span:9}  {chances}  {row['quality']:.2f}"
