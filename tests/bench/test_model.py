"""`bench model` measures what it says; figures that nobody took are null."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.age import AgeBundle
from edge.bench.model import _ratios, measure
from edge.bench.runtimes import Contender, RuntimeFailedError, RuntimeProcess
from edge.cli import main
from edge.face import CONTRACT

SHIPPED = Path(__file__).resolve().parents[2] / "edge" / "models" / "age"


def test_every_runtime_variant_and_batch_has_a_row() -> None:
    bundle = AgeBundle.load(SHIPPED, contract_digest=CONTRACT.digest)
    figures = measure(bundle, threads=1, spinning=False, seconds=0, turns_min=1)
    rows = figures["rows"]
    assert {(r["runtime"], r["variant"], r["batch"]) for r in rows if r["provider"] == "cpu"} == {
        (runtime, variant, batch)
        for runtime in ("onnxruntime", "openvino")
        for variant in ("fp32", "int8")
        for batch in (1, 4, 8)
    }
    for row in rows:
        assert 0 < row["ms_per_face"]["min"] <= row["ms_per_face"]["median"] <= row["ms_per_face"]["p95"]
    assert set(figures) >= {"machine", "versions", "settings", "seconds", "rows", "ratios"}
    assert figures["ratios"] == figures["ratios_by_batch"]["4"]
    json.dumps(figures)


def test_a_ratio_of_something_that_was_not_measured_is_null() -> None:
    row = {"runtime": "onnxruntime", "provider": "cpu", "batch": 4}
    rows = [
        row | {"variant": "int8", "ms_per_face": {"median": 3.0}},
        row | {"variant": "fp32", "ms_per_face": {"median": 6.0}},
    ]
    assert _ratios(rows, 4) == {"int8_to_fp32": 0.5, "int8_to_openvino_int8": None}
    assert _ratios(rows, 8) == {"int8_to_fp32": None, "int8_to_openvino_int8": None}


def test_a_runtime_that_cannot_read_the_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    contender = Contender(
        runtime="onnxruntime",
        variant="int8",
        provider="cpu",
        file=tmp_path / "model.onnx",
        threads=1,
        spinning=False,
    )
    with pytest.raises(RuntimeFailedError, match="onnxruntime int8"):
        RuntimeProcess(contender, (1,))


def test_bench_lists_its_measurements_and_names_a_wrong_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench"]) == 2
    told = capsys.readouterr().err
    assert "model" in told
    assert "pipeline" in told
    assert "\n  machine " not in told
    assert main(["bench", "cheese"]) == 2
    assert "no measurement 'cheese'" in capsys.readouterr().err


def test_a_bundle_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "model", "--bundle", str(tmp_path)]) == 2
    assert "bundle.json" in capsys.readouterr().err
