"""A bundle with known numbers, and the one that ships."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import MappingProxyType

import pytest

from edge.age import AgeBundle, AgeReader, Intervals, Margin
from edge.age.manifest import Manifest
from edge.face import CONTRACT

SHIPPED = Path(__file__).resolve().parents[2] / "edge" / "models" / "age"


def bundle_with(
    *,
    temperature: float = 1.0,
    track_temperature: float | None = None,
    margins: tuple[Margin, ...] | None = None,
) -> AgeBundle:
    """A bundle of nothing but numbers; it has no files."""
    whole = Margin(from_years=0, to_years=100, low_years=0.0, high_years=0.0)
    manifest = Manifest(
        name="age-test",
        version="1.0.0",
        created="2026-01-05T10:00:00.000Z",
        licence="none",
        intended_use="tests",
        contract_version=1,
        contract_digest="0" * 64,
        files=MappingProxyType({}),
        temperature=temperature,
        track_temperature=track_temperature,
        intervals=Intervals(coverage=0.9, margins=margins or (whole,)),
        thresholds=(),
        training=MappingProxyType({}),
        metrics=None,
    )
    return AgeBundle(folder=Path("nowhere"), manifest=manifest, digest="ab" * 32)


@pytest.fixture(scope="session")
def shipped() -> AgeBundle:
    return AgeBundle.load(SHIPPED, contract_digest=CONTRACT.digest)


@pytest.fixture(scope="session")
def reader(shipped: AgeBundle) -> AgeReader:
    return AgeReader(shipped, provider="cpu", threads=2)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The shipped bundle where a test may damage it."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "age"))
