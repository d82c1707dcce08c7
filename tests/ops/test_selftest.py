"""The self-test: a sound installation passes, and each thing that can be wrong is named with its way out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edge.app import SHIPPED_BUNDLE
from edge.face import CONTRACT
from edge.ops.selftest import SelfTest, judge_runtimes, selftest


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of the shipped bundle, to be damaged."""
    return Path(shutil.copytree(SHIPPED_BUNDLE, tmp_path / "age"))


def outcome(folder: Path = SHIPPED_BUNDLE, **how) -> SelfTest:
    settings = {"detector": "mtcnn", "provider": "cpu", "threads": 1, "measured_s": 0.0} | how
    return selftest(bundle_folder=folder, **settings)


def reason(result: SelfTest) -> str:
    assert not result.ok
    (said,) = result.as_json()["reasons"]
    return said


def test_a_sound_installation_passes_and_says_what_it_found() -> None:
    result = outcome()
    assert result.ok, result.as_json()["reasons"]
    told = result.as_json()
    assert told["package"] in ("onnxruntime", "onnxruntime-gpu")
    assert "CPUExecutionProvider" in told["providers"]
    assert told["provider"] == {"wanted": "cpu", "used": "cpu", "degraded": None}
    assert told["detector"]["name"] == "mtcnn"
    assert len(told["detector"]["sha256"]) == 64
    assert told["contract"] == {"version": 1, "digest": CONTRACT.digest}
    assert told["golden"]["passed"]
    assert told["speed"]["ms_per_face"] > 0
    assert told["speed"]["ms_per_detection"] > 0
    assert (
        told["research_weights"] == "research weights: train on your own licensed faces before use in a shop"
    )
    json.dumps(told)


class TestRuntimes:
    def test_exactly_one_is_right(self) -> None:
        assert judge_runtimes(["onnxruntime 1.31.1"]) is None
        assert judge_runtimes(["onnxruntime-gpu 1.31.1"]) is None

    def test_both_hide_each_other(self) -> None:
        said = reason(outcome(runtimes=["onnxruntime 1.31.1", "onnxruntime-gpu 1.31.1"]))
        assert said.startswith("onnxruntime 1.31.1 and onnxruntime-gpu 1.31.1 are both installed")
        assert "pip uninstall -y onnxruntime onnxruntime-gpu" in said

    def test_none_ends_the_test_and_unmeasured_figures_are_null(self) -> None:
        result = outcome(runtimes=[])
        assert "pip install 'checkout-age[cpu]'" in reason(result)
        assert result.figures["speed"] == {"ms_per_face": None, "ms_per_detection": None, "threads": None}


class TestModel:
    def test_a_changed_byte(self, bundle: Path) -> None:
        model = bundle / "model_int8.onnx"
        raw = bytearray(model.read_bytes())
        raw[len(raw) // 2] ^= 1
        model.write_bytes(raw)
        said = reason(outcome(bundle))
        assert "model_int8.onnx: altered" in said
        assert "checkout-age models install" in said

    def test_another_crop_contract(self, bundle: Path) -> None:
        manifest = json.loads((bundle / "bundle.json").read_text())
        manifest["contract"]["digest"] = "0" * 64
        (bundle / "bundle.json").write_text(json.dumps(manifest))
        assert "crop contract" in reason(outcome(bundle))

    def test_no_bundle(self, tmp_path: Path) -> None:
        assert "no age bundle in" in reason(outcome(tmp_path / "gone"))

    def test_answers_that_are_not_the_golden_ones(self, bundle: Path) -> None:
        import hashlib

        import numpy as np

        with np.load(bundle / "golden.npz") as vectors:
            arrays = dict(vectors)
        arrays["logits"] = np.roll(arrays["logits"], 7, axis=1)
        np.savez(bundle / "golden.npz", **arrays)
        manifest = json.loads((bundle / "bundle.json").read_text())
        manifest["files"]["golden.npz"] = hashlib.sha256((bundle / "golden.npz").read_bytes()).hexdigest()
        (bundle / "bundle.json").write_text(json.dumps(manifest))
        result = outcome(bundle)
        assert "years off its golden answers" in reason(result)
        assert result.figures["speed"]["ms_per_face"] is None, "a wrong model's speed is no figure"

    def test_a_gpu_that_is_demanded_and_not_there(self) -> None:
        import onnxruntime

        if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
            assert outcome(provider="cuda").ok
        else:
            assert "set provider: auto" in reason(outcome(provider="cuda"))


class TestDetector:
    def test_a_detector_that_is_asked_for_and_not_there(self, tmp_path: Path) -> None:
        said = reason(outcome(detector="yunet", models_folder=tmp_path))
        assert "checkout-age models fetch yunet" in said

    def test_an_altered_detector(self, tmp_path: Path) -> None:
        (tmp_path / "yunet_n_dynamic.onnx").write_bytes(b"something else")
        assert "is not YuNet as it was released" in reason(outcome(detector="yunet", models_folder=tmp_path))

    def test_auto_says_which_one_it_took(self, tmp_path: Path, shared: Path) -> None:
        assert outcome(detector="auto", models_folder=tmp_path).figures["detector"]["name"] == "mtcnn"
        assert (
            outcome(detector="auto", models_folder=shared / "models").figures["detector"]["name"] == "yunet"
        )
