"""What is evaluated: a Keras run or a bundle, with its variants and the calibration that is in force for it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.age import MANIFEST_FILE, AgeBundle, AgeReader, Intervals, Margin, Variant
from edge.face import CONTRACT
from training.evaluation.answers import CalibrationInForce
from training.labels import DataError

__all__ = ["Candidate", "open_candidate"]

Reader = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
_MISS_RATE = 0.05
_BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A model by name; `open[variant]()` starts a reader of crops, the first variant is the one that counts."""

    name: str
    open: dict[str, Callable[[], Reader]]
    calibration: CalibrationInForce | None
    licence: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def variant(self) -> str:
        """The variant whose figures are the model's."""
        return next(iter(self.open))


def open_candidate(path: Path, *, site: Path | None = None, threads: int | None = None) -> Candidate:
    """Open a run folder of `train`, a `*.weights.h5`, or a bundle folder.

    A bundle needs no TensorFlow. `site` is a site's own calibration, refused where it is bound to another
    bundle. Raises DataError or edge.age.BundleError with the way out.
    """
    threads = threads or len(os.sched_getaffinity(0))
    if (path / MANIFEST_FILE).is_file():
        return _bundle(path, site, threads)
    if site is not None:
        raise DataError(f"{site}: a site file belongs to a bundle; {path} is none")
    if path.suffix == ".h5" or (path / "run.json").is_file() or any(path.glob("*.weights.h5")):
        return _run(path)
    raise DataError(
        f"{path}: neither a bundle ({MANIFEST_FILE}) nor a run folder (run.json) nor a *.weights.h5"
    )


def _bundle(folder: Path, site: Path | None, threads: int) -> Candidate:
    bundle = AgeBundle.load(folder, contract_digest=CONTRACT.digest)

    def opener(variant: Variant) -> Callable[[], Reader]:
        return lambda: _with_bar(AgeReader(bundle, provider="cpu", threads=threads, variant=variant).read)

    return Candidate(
        name=bundle.name,
        open={"int8": opener("int8"), "fp32": opener("fp32")},
        calibration=_in_force(bundle, site),
        licence=bundle.licence,
        facts={"digest": bundle.digest, "created": bundle.manifest.created},
    )


def _in_force(bundle: AgeBundle, site: Path | None) -> CalibrationInForce:
    entry = bundle.threshold(under_age=25, miss_rate=_MISS_RATE)
    source, temperature, intervals = "bundle", bundle.temperature, bundle.intervals
    tau, n, usable = entry.tau, entry.n, entry.usable
    if site is not None:
        own = _site_file(site, bundle)
        source = f"site file {site.name}"
        temperature = float(own.get("temperature", temperature))
        if "intervals" in own:
            intervals = _intervals(own["intervals"])
        for row in own.get("thresholds", []):
            if row["under_age"] == 25 and abs(row["miss_rate"] - _MISS_RATE) < 1e-9:
                tau, n = float(row["tau"]), int(row["n"])
                usable = bool(row.get("usable", n >= 50))
    return CalibrationInForce(
        source=source,
        temperature=temperature,
        intervals=intervals,
        tau=tau if usable else None,
        tau_faces=n,
        miss_rate=_MISS_RATE,
        tau_note="" if usable else f"only {n} faces of 14-17 behind τ: unusable",
    )


def _site_file(site: Path, bundle: AgeBundle) -> dict[str, Any]:
    try:
        own: dict[str, Any] = json.loads(site.read_text(encoding="utf-8"))
    except (OSError, ValueError) as wrong:
        raise DataError(f"{site}: no site file: {wrong}") from wrong
    if own.get("bundle") != bundle.digest:
        raise DataError(
            f"{site}: bound to bundle {str(own.get('bundle'))[:12]}, this one is {bundle.digest[:12]}; "
            "make a new one: checkout-age calibrate BUNDLE --data DATA --out FILE"
        )
    return own


def _intervals(document: dict[str, Any]) -> Intervals:
    return Intervals(
        coverage=float(document["coverage"]),
        margins=tuple(
            Margin(
                from_years=float(m["from"]),
                to_years=float(m["to"]),
                low_years=float(m["low"]),
                high_years=float(m["high"]),
            )
            for m in document["margins"]
        ),
    )


def _run(path: Path) -> Candidate:
    facts: dict[str, Any] = {}
    weights = path
    if path.is_dir():
        weights = next(iter(sorted(path.glob("*.weights.h5"))), path / "age.weights.h5")
        if (path / "run.json").is_file():
            facts = json.loads((path / "run.json").read_text(encoding="utf-8"))
        digest = facts.get("contract", {}).get("digest", CONTRACT.digest)
        if digest != CONTRACT.digest:
            raise DataError(
                f"{path}: trained on crops of contract {digest[:12]}, this program has {CONTRACT.digest[:12]}"
            )
    head = facts.get("config", {}).get("head", "distribution")
    mirrored = facts.get("config", {}).get("mirrored", False)

    def opener() -> Reader:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        from training.model import build_model, initialise
        from training.validation import predict

        model = build_model(head)
        initialise(model, weights)

        return _with_bar(lambda crops: predict(model, crops, mirrored=mirrored))

    return Candidate(name=path.name, open={"keras": opener}, calibration=None, facts=facts)


def _with_bar(read: Reader) -> Reader:
    """The same reader for any number of crops, in batches, with a bar on a terminal."""

    def read_all(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        from tqdm import tqdm

        starts = tqdm(
            range(0, len(crops), _BATCH), desc="read", unit="batch", disable=not sys.stderr.isatty()
        )
        return np.concatenate([read(crops[start : start + _BATCH]) for start in starts])

    return read_all
