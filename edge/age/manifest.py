"""`bundle.json` as typed values, every field checked once at the border (`schemas.md`, "Age bundle")."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from edge.age.errors import BundleFormatError

__all__ = ["FACES_MIN", "Intervals", "Manifest", "Margin", "Threshold", "read_manifest"]

FACES_MIN: Final = 50  # fewer 14–17-year-olds than this say nothing about a miss rate (issue 11)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_REQUIRED_FILES = ("model_int8.onnx", "golden.npz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """For predicted means of `from_years` up to below `to_years`: years added below and above the quantiles."""

    from_years: float
    to_years: float
    low_years: float
    high_years: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """The share of people whose age the interval holds, and the margins that make it so."""

    coverage: float
    margins: tuple[Margin, ...]

    def margin_at(self, mean_years: float) -> Margin:
        """The margin of the band that a predicted mean falls into; the outer bands reach on."""
        for margin in self.margins:
            if mean_years < margin.to_years:
                return margin
        return self.margins[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """τ: ask for ID when `p_under[under_age] ≥ tau`; of `n` 14–17-year-olds at most `miss_rate` were below it.

    `interval` is the 95 % bootstrap interval of τ itself.
    """

    under_age: int
    miss_rate: float
    tau: float
    n: int
    interval: tuple[float, float]

    @property
    def usable(self) -> bool:
        """Whether τ rests on enough faces to be used without an explicit override."""
        return self.n >= FACES_MIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Everything in `bundle.json` that the edge acts on. `track_temperature` is None until calibrated."""

    name: str
    version: str
    created: str
    licence: str
    intended_use: str
    contract_version: int
    contract_digest: str
    files: Mapping[str, str]
    temperature: float
    track_temperature: float | None
    intervals: Intervals
    thresholds: tuple[Threshold, ...]
    training: Mapping[str, Any]
    metrics: Mapping[str, Any] | None


def read_manifest(document: Mapping[str, Any], *, where: str, expected_format: int) -> Manifest:
    """Turn parsed JSON into a Manifest; raises BundleFormatError with the file, the field and what it should be."""
    source = _Fields(document, where)
    found = source.value("format")
    if found != expected_format:
        raise BundleFormatError(
            f"{where}: format {found!r}, this program reads {expected_format}. Way out: "
            "install the program version that fits the bundle, or export the bundle again"
        )
    contract = source.inner("contract")
    ages = source.value("ages")
    if ages != [0, 100]:
        raise BundleFormatError(f"{where}: ages: expected [0, 100], got {ages!r}")
    size = contract.value("size")
    if size != 112:
        raise BundleFormatError(f"{where}: contract.size: expected 112, got {size!r}")
    metrics = document.get("metrics")
    return Manifest(
        name=source.text("name"),
        version=source.text("version"),
        created=source.text("created"),
        licence=source.text("licence"),
        intended_use=source.text("intended_use"),
        contract_version=int(contract.number("version", low=1)),
        contract_digest=contract.text("digest"),
        files=_files(source),
        temperature=source.number("temperature", low=0.05, high=20),
        track_temperature=_track_temperature(source),
        intervals=_intervals(source.inner("intervals")),
        thresholds=tuple(_threshold(entry) for entry in source.many("thresholds")),
        training=MappingProxyType(dict(document.get("training") or {})),
        metrics=MappingProxyType(dict(metrics)) if isinstance(metrics, dict) else None,
    )


class _Fields:
    """Reads named fields of one JSON object and says where a wrong one stands."""

    def __init__(self, document: Any, where: str) -> None:
        if not isinstance(document, Mapping):
            raise BundleFormatError(f"{where}: expected a JSON object, got {type(document).__name__}")
        self._document = document
        self.where = where

    def value(self, key: str) -> Any:
        if key not in self._document:
            raise BundleFormatError(f"{self.where}: field '{key}' is missing; this is no complete bundle")
        return self._document[key]

    def text(self, key: str) -> str:
        value = self.value(key)
        if not isinstance(value, str) or not value:
            raise BundleFormatError(f"{self.where}: {key}: expected a text, got {value!r}")
        return value

    def number(self, key: str, *, low: float = -math.inf, high: float = math.inf) -> float:
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise BundleFormatError(f"{self.where}: {key}: expected a number in {low}..{high}, got {value!r}")
        return float(value)

    def inner(self, key: str) -> _Fields:
        return _Fields(self.value(key), f"{self.where}: {key}")

    def many(self, key: str) -> list[_Fields]:
        value = self.value(key)
        if not isinstance(value, list):
            raise BundleFormatError(f"{self.where}: {key}: expected a list, got {type(value).__name__}")
        return [_Fields(entry, f"{self.where}: {key}[{index}]") for index, entry in enumerate(value)]

    def optional(self, key: str) -> _Fields | None:
        return self.inner(key) if self._document.get(key) is not None else None


def _files(source: _Fields) -> Mapping[str, str]:
    files = source.value("files")
    if not isinstance(files, dict) or any(name not in files for name in _REQUIRED_FILES):
        raise BundleFormatError(
            f"{source.where}: files: expected digests of at least {list(_REQUIRED_FILES)}"
        )
    for name, digest in files.items():
        if "/" in name or "\\" in name or name.startswith("."):
            raise BundleFormatError(f"{source.where}: files: {name!r} is no plain file name")
        if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
            raise BundleFormatError(
                f"{source.where}: files: {name}: expected a SHA-256 in hex, got {digest!r}"
            )
    return MappingProxyType(dict(files))


def _track_temperature(source: _Fields) -> float | None:
    tracks = source.optional("tracks")
    return None if tracks is None else tracks.number("temperature", low=0.05, high=20)


def _intervals(source: _Fields) -> Intervals:
    margins = tuple(
        Margin(
            from_years=entry.number("from"),
            to_years=entry.number("to"),
            low_years=entry.number("low", low=-100, high=100),
            high_years=entry.number("high", low=-100, high=100),
        )
        for entry in source.many("margins")
    )
    ends = [margin.to_years for margin in margins]
    if not margins or ends != sorted(ends) or any(m.from_years >= m.to_years for m in margins):
        raise BundleFormatError(f"{source.where}: margins: expected bands in rising order, got ends {ends}")
    return Intervals(coverage=source.number("coverage", low=0.5, high=0.999), margins=margins)


def _threshold(source: _Fields) -> Threshold:
    ends = source.value("interval")
    if not isinstance(ends, list) or len(ends) != 2 or not all(isinstance(end, int | float) for end in ends):
        raise BundleFormatError(f"{source.where}: interval: expected two numbers, got {ends!r}")
    return Threshold(
        under_age=int(source.number("under_age", low=1, high=100)),
        miss_rate=source.number("miss_rate", low=0, high=1),
        tau=source.number("tau", low=0, high=1),
        n=int(source.number("n", low=0)),
        interval=(float(ends[0]), float(ends[1])),
    )
