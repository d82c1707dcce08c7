"""What several crops of one person add: a temperature for averaged distributions, fitted on clips with known truth.

Crops of one person are no independent witnesses, so their mean is not sharper by √k; how sharp it may be is
measured. Clips are rendered from faces of `val` with known truth (`people`: age, when at the till, where). Pictures
are sampled while a person stands at the till, gated and limited as the till does it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.age import AgeBundle, AgeReader, interval_years, log_softmax, mean_years, tempered
from edge.face import Detector, QualityGate, crop_face
from edge.flow import Face
from training.calibration import fit_temperature
from training.labels import DataError

__all__ = ["TrackCalibration", "TrackSample", "calibrate_tracks", "clips_in", "read_tracks"]

_F64 = NDArray[np.float64]
_CROPS: Final = 5
_APART_S: Final = 0.35
_OVERLAP_MIN: Final = 0.3
_TRACKS_MIN: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackSample:
    """One person at the till: age in years, logits `(k, 101)` of the best crops and their qualities `(k,)`."""

    clip: str
    person: str
    age: float
    logits: NDArray[np.float32]
    qualities: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackCalibration:
    """The temperature for tracks, and one crop against several on the same people (years; shares in 0..1)."""

    temperature: float
    tracks: int
    crops_mean: float
    nll_single: float
    nll_untouched: float
    nll: float
    mae_single: float
    mae: float
    covered: float


def read_tracks(clips: Sequence[Path], detector: Detector, reader: AgeReader) -> list[TrackSample]:
    """Find the people of each clip by its `*.truth.json` and read their best crops.

    Raises DataError for a clip without truth or that cannot be read.
    """
    samples = []
    for clip in clips:
        samples += _clip(clip, detector, reader)
    return samples


def calibrate_tracks(samples: Sequence[TrackSample], bundle: AgeBundle) -> TrackCalibration:
    """Fit the temperature of averaged distributions. Raises DataError for fewer than 50 people."""
    if len(samples) < _TRACKS_MIN:
        raise DataError(
            f"{len(samples)} people in the clips are too few to calibrate tracks; render {_TRACKS_MIN} or more"
        )
    ages = np.array([sample.age for sample in samples])
    averaged = np.stack([_averaged(sample) for sample in samples])
    single = np.stack([log_softmax(sample.logits[int(np.argmax(sample.qualities))]) for sample in samples])
    temperature = round(fit_temperature(averaged, ages), 4)
    p = tempered(averaged, temperature)
    low, high = interval_years(p, bundle.intervals)
    return TrackCalibration(
        temperature=temperature,
        tracks=len(samples),
        crops_mean=float(np.mean([len(sample.qualities) for sample in samples])),
        nll_single=_nll(single, ages, bundle.temperature),
        nll_untouched=_nll(averaged, ages, bundle.temperature),
        nll=_nll(averaged, ages, temperature),
        mae_single=float(np.abs(mean_years(tempered(single, bundle.temperature)) - ages).mean()),
        mae=float(np.abs(mean_years(p) - ages).mean()),
        covered=float(((low <= ages) & (ages <= high)).mean()),
    )


def _averaged(sample: TrackSample) -> _F64:
    """The mean of log-probabilities by quality, as the till merges them."""
    weights = np.asarray(sample.qualities, dtype=np.float64)
    weights = np.ones_like(weights) if weights.sum() <= 0 else weights
    return log_softmax((weights / weights.sum()) @ log_softmax(sample.logits))


def _nll(log_p: _F64, ages: _F64, temperature: float) -> float:
    at = np.clip(np.rint(ages), 0, 100).astype(int)
    return float(-log_softmax(log_p / temperature)[np.arange(len(at)), at].mean())


def _clip(clip: Path, detector: Detector, reader: AgeReader) -> list[TrackSample]:
    truth_file = clip.with_suffix(".truth.json")
    try:
        truth: dict[str, Any] = json.loads(truth_file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as wrong:
        raise DataError(
            f"{truth_file}: no truth beside the clip ({wrong}); render it with --truth"
        ) from wrong
    people = [p for p in truth["people"] if p.get("pause_from_s") is not None and p["role"] != "cashier"]
    shots: dict[str, list[tuple[float, NDArray[np.uint8]]]] = {person["id"]: [] for person in people}
    capture = cv2.VideoCapture(str(clip))
    if not capture.isOpened():
        raise DataError(f"{clip}: cannot be read as video")
    gate, fps, index, taken = QualityGate(), float(truth["fps"]), -1, dict.fromkeys(shots, -1.0)
    try:
        while capture.grab():
            index += 1
            at_s = index / fps
            due = [
                p
                for p in people
                if p["pause_from_s"] <= at_s <= p["pause_to_s"] and at_s - taken[p["id"]] >= _APART_S
            ]
            if not due:
                continue
            read, image = capture.retrieve()
            if not read:
                break
            _take(
                np.asarray(image, dtype=np.uint8),
                due,
                at_s,
                detector=detector,
                gate=gate,
                shots=shots,
                taken=taken,
            )
    finally:
        capture.release()
    return [
        _sample(clip.name, person, shots[person["id"]], reader) for person in people if shots[person["id"]]
    ]


def _take(
    image: NDArray[np.uint8],
    due: Sequence[dict[str, Any]],
    at_s: float,
    *,
    detector: Detector,
    gate: QualityGate,
    shots: dict[str, list[tuple[float, NDArray[np.uint8]]]],
    taken: dict[str, float],
) -> None:
    faces = detector.detect([image])[0]
    for person in due:
        face = _face_of(person, at_s, faces)
        if face is None:
            continue
        exact = detector.refine(image, [face])[0]
        crop = crop_face(image, exact.landmarks_px)
        verdict = gate.judge(exact, crop)
        if verdict.reason is None:
            shots[person["id"]].append((verdict.quality, crop))
            taken[person["id"]] = at_s


def _face_of(person: dict[str, Any], at_s: float, faces: Sequence[Face]) -> Face | None:
    """The detected face that lies on the true one."""
    spots = [spot for spot in person["track"] if spot["visible"] >= 0.5]
    if not spots or not faces:
        return None
    spot = min(spots, key=lambda s: abs(s["t"] - at_s))
    best = max(faces, key=lambda face: _overlap(face.box_px, (spot["x"], spot["y"], spot["w"], spot["h"])))
    return (
        best if _overlap(best.box_px, (spot["x"], spot["y"], spot["w"], spot["h"])) >= _OVERLAP_MIN else None
    )


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    common = max(width, 0.0) * max(height, 0.0)
    return common / max(a[2] * a[3] + b[2] * b[3] - common, 1e-9)


def _sample(
    clip: str, person: dict[str, Any], shots: list[tuple[float, NDArray[np.uint8]]], reader: AgeReader
) -> TrackSample:
    best = sorted(shots, key=lambda shot: -shot[0])[:_CROPS]
    return TrackSample(
        clip=clip,
        person=person["id"],
        age=float(person["age"]),
        logits=reader.read(np.stack([crop for _, crop in best])),
        qualities=np.array([quality for quality, _ in best], dtype=np.float32),
    )


def clips_in(folder: Path) -> list[Path]:
    """Clips with truth, by name."""
    found = sorted(path for path in folder.glob("*.mp4") if path.with_suffix(".truth.json").is_file())
    if not found:
        raise DataError(f"{folder}: no clip with its *.truth.json; render some: see docs/model.md")
    return found
