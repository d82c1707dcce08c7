"""The age bundle: a folder with the model and every number that was calibrated for it (`schemas.md`).

Nothing else in the system invents a temperature, a margin or a threshold. A bundle that was altered, is
incomplete or belongs to other crops is refused with the file and the way out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.age.errors import (
    BundleAlteredError,
    BundleContractError,
    BundleFormatError,
    BundleMissingError,
    ThresholdError,
)
from edge.age.manifest import Intervals, Manifest, Threshold, read_manifest
from edge.age.vectors import VectorsError, read_vectors

__all__ = ["BUNDLE_FORMAT", "GOLDEN_FILE", "MANIFEST_FILE", "MODEL_FILE", "AgeBundle", "Golden"]

BUNDLE_FORMAT: Final = 1
MANIFEST_FILE: Final = "bundle.json"
MODEL_FILE: Final = "model_int8.onnx"
GOLDEN_FILE: Final = "golden.npz"

_WAY_OUT = "put the bundle back with `checkout-age models install`, or reinstall the package"


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """Crops uint8 `(k, 112, 112, 3)` BGR and what the int8 model answered where it was made, float32 `(k, 101)`.

    `float_logits` are the answers of the float model derived from the same int8 file, against which derived
    variants (fp32, fp16) are held.
    """

    crops: NDArray[np.uint8]
    logits: NDArray[np.float32]
    float_logits: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeBundle:
    """A verified bundle. Made by `AgeBundle.load`; the files were as described at that moment."""

    folder: Path
    manifest: Manifest
    digest: str

    @classmethod
    def load(cls, folder: Path, *, contract_digest: str) -> AgeBundle:
        """Read and verify a bundle folder against the crop contract in force (`edge.face.CONTRACT.digest`).

        Raises a subclass of BundleError: BundleMissingError (folder or file not there), BundleFormatError
        (not a bundle of this format), BundleContractError (made for other crops), BundleAlteredError (a file's
        digest differs).
        """
        path = folder / MANIFEST_FILE
        try:
            raw = path.read_bytes()
        except OSError as gone:
            raise BundleMissingError(
                f"{path}: cannot be read ({gone.strerror}); no age bundle in {folder}. Way out: {_WAY_OUT}"
            ) from gone
        document = _parsed(raw, path)
        manifest = read_manifest(document, where=str(path), expected_format=BUNDLE_FORMAT)
        if manifest.contract_digest != contract_digest:
            raise BundleContractError(
                f"{path}: made for crop contract {manifest.contract_version} with digest "
                f"{manifest.contract_digest[:12]}…, but this program cuts faces by {contract_digest[:12]}…. "
                "Its numbers do not hold here. Way out: export the model again with this version "
                "(`checkout-age export-model`), or install the program version it was made with"
            )
        for name, expected in manifest.files.items():
            _verify(folder / name, expected)
        return cls(folder=folder, manifest=manifest, digest=_identity(document))

    @property
    def name(self) -> str:
        """`name/version+digest`, as events and the register carry it."""
        return f"{self.manifest.name}/{self.manifest.version}+{self.digest[:8]}"

    @property
    def licence(self) -> str:
        """Under which terms the weights may be used."""
        return self.manifest.licence

    @property
    def intended_use(self) -> str:
        """What the model was made for, and what not, in a sentence for people."""
        return self.manifest.intended_use

    @property
    def temperature(self) -> float:
        """Divides log-probabilities of one crop."""
        return self.manifest.temperature

    @property
    def track_temperature(self) -> float:
        """Divides the averaged log-probabilities of several crops; that of one crop until calibrated on tracks."""
        return self.manifest.track_temperature or self.manifest.temperature

    @property
    def intervals(self) -> Intervals:
        """Coverage and the conformal margins by predicted band."""
        return self.manifest.intervals

    @property
    def metrics(self) -> Mapping[str, Any] | None:
        """What `evaluate` measured, as it wrote it; None where nobody has yet."""
        return self.manifest.metrics

    @property
    def model_path(self) -> Path:
        """The int8 ONNX file."""
        return self.folder / MODEL_FILE

    def threshold(self, *, under_age: int, miss_rate: float) -> Threshold:
        """The calibrated threshold for a challenge age and an accepted miss rate.

        Raises ThresholdError with the choice there is. Whether it rests on enough faces is `usable`.
        """
        for entry in self.manifest.thresholds:
            if entry.under_age == under_age and abs(entry.miss_rate - miss_rate) < 1e-9:
                return entry
        ages = sorted({entry.under_age for entry in self.manifest.thresholds})
        rates = sorted({entry.miss_rate for entry in self.manifest.thresholds})
        raise ThresholdError(
            f"{self.name}: no threshold for age {under_age} at miss rate {miss_rate}. "
            f"The bundle has ages {ages} and miss rates {rates}; choose one of them"
        )

    def golden(self) -> Golden:
        """Read the golden vectors; they are small and used by `selftest` only, so not kept."""
        path = self.folder / GOLDEN_FILE
        try:
            with path.open("rb") as stream:
                crops, logits, float_logits = read_vectors(stream)
        except (OSError, VectorsError) as broken:
            raise BundleFormatError(
                f"{path}: no golden vectors in it ({broken}). Way out: {_WAY_OUT}"
            ) from broken
        return Golden(crops=crops, logits=logits, float_logits=float_logits)


def _parsed(raw: bytes, path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as broken:
        raise BundleFormatError(f"{path}: not JSON ({broken}). Way out: {_WAY_OUT}") from broken
    if not isinstance(document, dict):
        raise BundleFormatError(f"{path}: expected a JSON object. Way out: {_WAY_OUT}")
    return MappingProxyType(document)


def _verify(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as gone:
        raise BundleMissingError(
            f"{path}: named in {MANIFEST_FILE} but cannot be read ({gone.strerror}). Way out: {_WAY_OUT}"
        ) from gone
    if found != expected:
        raise BundleAlteredError(
            f"{path}: altered; SHA-256 is {found[:16]}…, {MANIFEST_FILE} says {expected[:16]}…. Way out: {_WAY_OUT}"
        )


def _identity(document: Mapping[str, Any]) -> str:
    """SHA-256 over what decides: all of the manifest but the figures that `evaluate` adds later."""
    deciding = {key: value for key, value in document.items() if key != "metrics"}
    return hashlib.sha256(json.dumps(deciding, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
