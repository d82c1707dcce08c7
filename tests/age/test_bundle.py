"""A bundle that is not the one that was calibrated is refused, with the file and the way out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.age import (
    AgeBundle,
    BundleAlteredError,
    BundleContractError,
    BundleFormatError,
    BundleMissingError,
    ThresholdError,
)
from edge.face import CONTRACT
from tests.conftest import Measured


def load(folder: Path) -> AgeBundle:
    return AgeBundle.load(folder, contract_digest=CONTRACT.digest)


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "bundle.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_the_shipped_bundle_says_what_it_is_for(shipped: AgeBundle) -> None:
    assert "research use only" in shipped.licence
    assert "train on your own licensed faces" in shipped.intended_use
    assert shipped.name.startswith("age-resnet50/")
    assert len(shipped.name.rpartition("+")[2]) == 8
    assert shipped.model_path.stat().st_size <= 25_000_000
    assert shipped.intervals.coverage == 0.9
    assert {(t.under_age, t.miss_rate) for t in shipped.manifest.thresholds} == {
        (age, rate) for age in (18, 21, 25, 30) for rate in (0.01, 0.02, 0.05, 0.10)
    }


@pytest.mark.parametrize("manifest", ["", "[]", "[" * 100_000, '{"format": 1}'])
def test_a_manifest_that_is_none_is_refused_in_words(copied: Path, manifest: str) -> None:
    (copied / "bundle.json").write_text(manifest)
    with pytest.raises(BundleFormatError, match=r"bundle\.json"):
        load(copied)


@pytest.mark.parametrize(
    "spoil", [lambda raw: raw[:-9], lambda raw: b"PK" + raw, lambda raw: raw[:400] + raw]
)
def test_golden_vectors_that_are_damaged_are_refused_in_words(
    copied: Path, spoil: Callable[[bytes], bytes]
) -> None:
    """A zip's own complaint (BadZipFile, zlib.error) ended `models install` and `selftest` with a trace."""
    bundle = load(copied)
    raw = (copied / "golden.npz").read_bytes()
    (copied / "golden.npz").write_bytes(spoil(raw[: len(raw) // 2]) + raw[len(raw) // 2 + 1 :])
    with pytest.raises(BundleFormatError, match=r"golden\.npz: no golden vectors in it"):
        bundle.golden()


@pytest.mark.parametrize("name", ["model_int8.onnx", "golden.npz"])
def test_one_changed_byte_is_found(copied: Path, name: str, measured: Measured) -> None:
    path = copied / name
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(BundleAlteredError, match=rf"{name}.*altered.*Way out"):
        load(copied)
    measured("age model missing or altered", f"1 of {len(raw)} bytes of {name}: refused")


def test_a_file_that_is_gone_is_named(copied: Path, measured: Measured) -> None:
    (copied / "golden.npz").unlink()
    with pytest.raises(BundleMissingError, match=r"golden\.npz.*Way out") as refused:
        load(copied)
    measured("age model missing or altered", f"golden.npz gone: `{refused.typename}`")


def test_an_empty_folder_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleMissingError, match=r"bundle\.json.*Way out"):
        load(tmp_path)


def test_a_bundle_for_other_crops_is_refused_before_anything_else(copied: Path) -> None:
    edit(copied, lambda d: d["contract"].update(digest="f" * 64))
    with pytest.raises(BundleContractError, match=r"ffffffffffff.*export-model"):
        load(copied)


def test_a_later_format_is_named(copied: Path) -> None:
    edit(copied, lambda d: d.update(format=2))
    with pytest.raises(BundleFormatError, match=r"format 2, this program reads 1"):
        load(copied)


def test_half_a_manifest_is_no_manifest(copied: Path) -> None:
    path = copied / "bundle.json"
    path.write_text(path.read_text()[:200])
    with pytest.raises(BundleFormatError, match="not JSON"):
        load(copied)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d.pop("temperature"), "'temperature' is missing"),
        (lambda d: d.update(temperature=0), "temperature: expected a number"),
        (lambda d: d.update(temperature=True), "temperature: expected a number"),
        (lambda d: d.update(ages=[0, 90]), "ages"),
        (lambda d: d.update(licence=""), "licence"),
        (lambda d: d["intervals"].update(margins=[]), "margins"),
        (lambda d: d["intervals"]["margins"].reverse(), "rising order"),
        (lambda d: d["thresholds"][3].update(tau=1.2), r"thresholds\[3\]: tau"),
        (lambda d: d["thresholds"][0].update(interval=0.2), "interval"),
        (lambda d: d["files"].update({"../evil": "0" * 64}), "no plain file name"),
        (lambda d: d["files"].update({"golden.npz": "short"}), "SHA-256"),
        (lambda d: d["files"].pop("model_int8.onnx"), "files"),
        (lambda d: d["contract"].update(size=96), "contract.size"),
    ],
)
def test_every_field_is_checked_and_named(
    copied: Path, change: Callable[[dict[str, Any]], object], complaint: str
) -> None:
    edit(copied, change)
    with pytest.raises(BundleFormatError, match=complaint):
        load(copied)


def test_the_name_changes_with_what_decides_and_not_with_what_was_measured(
    copied: Path, shipped: AgeBundle
) -> None:
    edit(copied, lambda d: d.update(metrics={"n": 1}))
    assert load(copied).name == shipped.name
    edit(copied, lambda d: d.update(temperature=1.5))
    assert load(copied).name != shipped.name


def test_a_threshold_that_was_not_calibrated_is_refused_with_the_choice(shipped: AgeBundle) -> None:
    assert shipped.threshold(under_age=25, miss_rate=0.05).usable
    with pytest.raises(ThresholdError, match=r"\[18, 21, 25, 30\]"):
        shipped.threshold(under_age=23, miss_rate=0.05)


def test_a_threshold_from_few_faces_is_not_usable(copied: Path) -> None:
    edit(copied, lambda d: [t.update(n=49) for t in d["thresholds"]])
    assert not load(copied).threshold(under_age=25, miss_rate=0.05).usable


def test_a_track_temperature_is_read_where_there_is_one(copied: Path) -> None:
    edit(copied, lambda d: d.pop("tracks", None))
    assert load(copied).track_temperature == load(copied).temperature
    edit(copied, lambda d: d.update(tracks={"temperature": 1.25}))
    assert load(copied).track_temperature == 1.25
