"""`python -m training.scenes DATA --out DIR`: scenes of a till for `make_lane.py`, each person a face of `val`.

`calibrate --tracks` measures on clips rendered from them what several crops of one person add. Faces of `train` would
make the model look sharper than it is, faces of `test` belong to the final figure.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from training.faces import FaceFinder, labelled_face, read_picture
from training.labels import DataError, LabelRow, Labels, read_labels

__all__ = ["scenes"]

_A_SCENE: Final = 20
_FPS: Final = 5  # a crop every 0.35 s is the most that is used
_PAUSE_S: Final = 2.6
_EACH_S: Final = 4.6
_STYLES: Final = ("shelves", "fridges", "kiosk")
_LIGHTS: Final = ("warm", "cold", "neutral")


def scenes(
    labels: Labels, finder: FaceFinder, *, people: int, split: str = "val", seed: int = 0
) -> Iterator[dict[str, Any]]:
    """Scenes with 20 customers each, one after another, in changing light, size and turn.

    Ages are drawn as they are in the split, but at least a fifth of 14 to 24. Raises DataError where the split has
    fewer faces than `people`.
    """
    rng = np.random.default_rng(seed)
    chosen = _drawn(labels, split, people, rng)
    for number, start in enumerate(range(0, len(chosen), _A_SCENE)):
        actors = [
            actor
            for place, row in enumerate(chosen[start : start + _A_SCENE])
            if (
                actor := _actor(
                    labels, finder, row, rng, name=f"p{start + place:03d}", enter_s=0.5 + _EACH_S * place
                )
            )
            is not None
        ]
        yield {
            "name": f"tracks_{number:02d}",
            "size": [1280, 720],
            "fps": _FPS,
            "duration_s": 1.5 + _EACH_S * len(actors),
            "seed": seed * 1000 + number,
            "lane": "lane-1",
            "clip_start": "2026-01-05T10:00:00Z",
            "background": {
                "style": _STYLES[number % 3],
                "light": _LIGHTS[number % 3],
                "noise": float(rng.uniform(1.5, 5.0)),
                "brightness": float(rng.uniform(0.7, 1.2)),
            },
            "geometry": {"far_px": 45, "till": [0.35, 0.4]},
            "zones": {
                "customer": [[0.06, 0.06], [0.52, 0.06], [0.52, 0.86], [0.06, 0.86]],
                "cashier": [[0.66, 0.06], [0.96, 0.06], [0.96, 0.5], [0.66, 0.5]],
            },
            "actors": actors,
            "receipts": [],
        }


def _drawn(labels: Labels, split: str, people: int, rng: np.random.Generator) -> list[LabelRow]:
    rows = [row for row in labels.rows if row.split == split]
    if len(rows) < people:
        raise DataError(f"{labels.file}: the split {split!r} has {len(rows)} pictures, {people} are needed")
    mixed = [rows[i] for i in rng.permutation(len(rows))]
    young = [row for row in mixed if 14 <= row.age < 25][: people // 5]
    others = [row for row in mixed if row not in young][: people - len(young)]
    together = young + others
    return [together[i] for i in rng.permutation(len(together))]


def _actor(
    labels: Labels, finder: FaceFinder, row: LabelRow, rng: np.random.Generator, *, name: str, enter_s: float
) -> dict[str, Any] | None:
    assert labels.pictures is not None
    image = read_picture(labels.pictures / row.file_name)
    if isinstance(image, str) or not (faces := finder.find(image)):
        return None
    face = labelled_face(faces, image.shape[1], image.shape[0])
    return {
        "id": name,
        "role": "customer",
        "picture": row.file_name,
        "face": [round(float(value), 1) for value in face.box_px],
        "age": row.age,
        "gender": row.gender,
        "set": row.data_set,
        "enter_s": round(enter_s, 2),
        "approach_s": 0.8,
        "pause_s": _PAUSE_S,
        "leave_s": 0.8,
        "face_width_px": int(rng.integers(60, 150)),
        "yaw_deg": float(round(rng.normal(0, 9), 1)),
        "sway": 1.0,
        "degrade": {"dark": float(rng.uniform(0.2, 0.5))} if rng.random() < 0.1 else {},
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Write the scene files."""
    parser = argparse.ArgumentParser(prog="python -m training.scenes", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--people", type=int, default=120)
    parser.add_argument("--split", default="val")
    parser.add_argument("--models", type=Path)
    args = parser.parse_args(argv)
    try:
        labels = read_labels(args.data)
        if labels.pictures is None:
            raise DataError(f"{labels.file}: its pictures are needed")
        args.out.mkdir(parents=True, exist_ok=True)
        finder = FaceFinder("auto", models_folder=args.models)
        for scene in scenes(labels, finder, people=args.people, split=args.split):
            file = args.out / f"{scene['name']}.scene.json"
            file.write_text(json.dumps(scene, indent=1) + "\n", encoding="utf-8")
            print(file)
    except DataError as error:
        print(f"training.scenes: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
