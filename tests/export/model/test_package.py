"""The folder that is written is the one that the till loads; what was there before stays until it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.age import AgeBundle
from edge.face import CONTRACT
from export.model.errors import ExportError, GateError
from export.model.package import bundle_document, write_bundle
from export.model.parity import Parity
from export.model.source import open_source
from training.bundle import put_metrics
from training.calibration import calibrate
from training.card import model_card

SHIPPED = Path(__file__).resolve().parents[3] / "edge" / "models" / "age"


@pytest.fixture
def document() -> dict[str, Any]:
    draw = np.random.default_rng(0)
    middle = draw.uniform(10, 80, 800)
    logits = -0.5 * ((np.arange(101) - middle[:, None]) / 5.0) ** 2
    return bundle_document(
        name="age-test",
        version="0.1.0",
        licence="none",
        intended_use="tests",
        calibration=calibrate(logits, np.clip(np.rint(middle + draw.normal(0, 6, 800)), 0, 100)),
        parity=Parity(
            n=4, keras_to_fp32_worst=0.001, mae_keras=5, mae_fp32=5, mae_int8=5.01, int8_bytes=24_000_000
        ),
        data={"data_sets": {"faces": {"train": 10, "val": 800}}, "labels_sha256": "0" * 64},
        recipe="none",
        git=None,
    )


@pytest.fixture
def files() -> dict[str, bytes]:
    return {name: (SHIPPED / name).read_bytes() for name in ("model_int8.onnx", "golden.npz")}


METRICS = {
    "n": 300,
    "data_sets": {"faces": {"n": 300, "mae_mean": 5.1, "mae_median": 5.0, "cs5": 0.62, "bias": 0.1}},
    "bands": [{"from": 0, "to": 12, "n": 150, "mae": 3.0, "bias": 0.1, "coverage": 0.9}],
    "groups": [
        {
            "by": "gender",
            "value": "female",
            "n": 150,
            "mae": 5.5,
            "miss_14_17": 0.1,
            "false_challenge_35_plus": 0.05,
        },
        {
            "by": "gender",
            "value": "male",
            "n": 150,
            "mae": 4.7,
            "miss_14_17": None,
            "false_challenge_35_plus": 0.04,
        },
        {
            "by": "group",
            "value": "few",
            "n": 3,
            "mae": 20.0,
            "miss_14_17": None,
            "false_challenge_35_plus": None,
        },
    ],
    "calibration": {"coverage90": 0.905, "ece_under_25": 0.021},
}


def test_a_bundle_is_written_loaded_and_described(
    tmp_path: Path, document: dict[str, Any], files: dict[str, bytes]
) -> None:
    bundle = write_bundle(tmp_path / "age", document, files)
    assert bundle.temperature == document["temperature"]
    assert sorted(p.name for p in (tmp_path / "age").iterdir()) == [
        "MODEL_CARD.md", "bundle.json", "golden.npz", "model_int8.onnx",
    ]  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["age"]
    card = (tmp_path / "age" / "MODEL_CARD.md").read_text()
    for section in (
        "Model details",
        "Intended use",
        "Metrics",
        "Decision thresholds",
        "Ethical considerations",
    ):
        assert f"## {section}" in card
    assert "not measured" in card


def test_the_same_inputs_give_the_same_bytes(
    tmp_path: Path, document: dict[str, Any], files: dict[str, bytes]
) -> None:
    write_bundle(tmp_path / "one", document, files)
    write_bundle(tmp_path / "two", document, files)
    for name in ("bundle.json", "MODEL_CARD.md"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_golden_answers_that_do_not_come_out_again_leave_the_old_bundle_in_place(
    tmp_path: Path, document: dict[str, Any], files: dict[str, bytes]
) -> None:
    place = Path(shutil.copytree(SHIPPED, tmp_path / "age"))
    before = {p.name: p.read_bytes() for p in place.iterdir()}
    with np.load(SHIPPED / "golden.npz") as golden:
        np.savez(tmp_path / "wrong.npz", crops=golden["crops"], logits=golden["logits"] * 2)
    with pytest.raises(GateError, match="golden"):
        write_bundle(place, document, files | {"golden.npz": (tmp_path / "wrong.npz").read_bytes()})
    assert {p.name: p.read_bytes() for p in place.iterdir()} == before
    assert not list(tmp_path.glob("*.part"))


def test_a_folder_with_something_else_in_it_is_left_alone(
    tmp_path: Path, document: dict[str, Any], files: dict[str, bytes]
) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"sea")
    with pytest.raises(ExportError, match="is no bundle"):
        write_bundle(tmp_path, document, files)
    assert [p.name for p in tmp_path.iterdir()] == ["holiday.jpg"]


def test_metrics_go_into_manifest_and_card_and_change_nothing_that_decides(tmp_path: Path) -> None:
    place = Path(shutil.copytree(SHIPPED, tmp_path / "age"))
    name = AgeBundle.load(place, contract_digest=CONTRACT.digest).name
    bundle = put_metrics(place, METRICS)
    assert bundle.name == name
    assert bundle.metrics == METRICS
    card = (place / "MODEL_CARD.md").read_text()
    assert "| faces | 300 | 5.10 | 5.00 | 62.0% | 0.10 |" in card
    assert "The worst group (n ≥ 100) is gender female" in card
    assert "| gender | male | 150 | 4.70 | not measured | 4.0% |" in card


def test_the_shipped_card_is_the_one_that_the_shipped_manifest_makes() -> None:
    document = json.loads((SHIPPED / "bundle.json").read_text())
    assert (SHIPPED / "MODEL_CARD.md").read_text() == model_card(document)


@pytest.mark.parametrize("make", ["missing", "empty folder", "scalar run", "broken run"])
def test_a_source_that_cannot_be_exported_is_named(tmp_path: Path, make: str) -> None:
    place = tmp_path / "run"
    if make != "missing":
        place.mkdir()
    if make in ("scalar run", "broken run"):
        (place / "age.weights.h5").write_bytes(b"")
        text = json.dumps({"config": {"head": "scalar"}}) if make == "scalar run" else "{"
        (place / "run.json").write_text(text)
    expected = {
        "missing": "not there",
        "empty folder": "age.weights.h5",
        "scalar run": "scalar",
        "broken run": "JSON",
    }
    with pytest.raises(ExportError, match=expected[make]):
        open_source(place)
