"""`checkout-age export-model`: one real export from photographs, and the ways in which it stops."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from edge.age import AgeBundle, AgeReader, golden_check
from edge.cli import main
from edge.face import CONTRACT

WANTED = {"train": 40, "val": 130, "test": 60}


@pytest.fixture
def photographs(shared: Path, tmp_path: Path) -> Path:
    """A small folder of real faces with labels, as a shop would have it."""
    source = shared / "data" / "faces"
    folder = tmp_path / "photographs"
    folder.mkdir()
    left = dict(WANTED)
    kept = []
    with (source / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows[::7]:
        if left.get(row["split"], 0):
            left[row["split"]] -= 1
            target = folder / row["file_name"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source / row["file_name"])
            kept.append(row)
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(kept)
    return folder


def test_photographs_and_weights_become_a_bundle_that_the_till_reads(
    shared: Path, photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = shared / "models" / "resnet50_faces.weights.h5"
    out = tmp_path / "bundle"
    code = main(
        ["export-model", str(weights), "--data", str(photographs), "--out", str(out),
         "--crops", str(tmp_path / "crops"), "--models", str(shared / "models"),
         "--version", "9.9.9", "--licence", "tests only"]
    )  # fmt: skip
    told = capsys.readouterr()
    assert code == 0, told.err
    assert "licence: tests only" in told.out
    assert "τ unusable" in told.out  # a handful of 14–17-year-olds says nothing

    bundle = AgeBundle.load(out, contract_digest=CONTRACT.digest)
    reader = AgeReader(bundle, provider="cpu")
    assert golden_check(bundle, reader).passed
    assert not any(threshold.usable for threshold in bundle.manifest.thresholds)
    document = json.loads((out / "bundle.json").read_text())
    parity = document["export"]["parity"]
    assert parity["keras_to_fp32_worst"] <= 0.01
    assert abs(parity["mae_int8"] - parity["mae_fp32"]) <= 0.10
    assert document["metrics"] is None
    facts = reader_facts(bundle.model_path)
    assert facts["color_order"] == "BGR"
    assert facts["license"] == "tests only"
    assert facts["temperature"] == str(bundle.temperature)


def reader_facts(path: Path) -> dict[str, str]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return dict(session.get_modelmeta().custom_metadata_map)


@pytest.mark.parametrize("what", ["weights", "data"])
def test_what_is_not_there_is_named_and_nothing_is_written(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    weights = shared / "models" / "resnet50_faces.weights.h5" if what == "data" else tmp_path / "gone.h5"
    out = tmp_path / "bundle"
    assert main(["export-model", str(weights), "--data", str(tmp_path), "--out", str(out)]) == 2
    assert ("labels.csv" if what == "data" else "gone.h5") in capsys.readouterr().err
    assert not out.exists()
