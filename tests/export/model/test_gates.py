"""A gate that fails stops the export, and says by how much."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from export.model import export
from export.model.data import ExportFaces
from export.model.errors import GateError
from export.model.parity import check_float, check_int8, check_size
from export.model.source import Source

AGES = np.array([20.0, 30.0, 40.0, 50.0])


def saying(years: np.ndarray) -> np.ndarray:
    """Logits whose mean is these years."""
    return -0.5 * ((np.arange(101) - years[:, None]) / 2.0) ** 2


def test_equal_models_pass_with_nothing_between_them() -> None:
    assert check_float(saying(AGES), saying(AGES)) == 0
    assert check_int8(saying(AGES), saying(AGES), AGES) == pytest.approx((0, 0), abs=1e-6)
    assert check_size(b"small") == 5


def test_one_face_of_many_that_differs_stops_the_export() -> None:
    other = AGES + np.array([0, 0, 0.02, 0])
    with pytest.raises(GateError, match=r"0\.0200 years on one of 4 crops"):
        check_float(saying(AGES), saying(other))
    assert check_float(saying(AGES), saying(AGES + 0.005)) == pytest.approx(0.005, abs=1e-4)


def test_a_model_that_is_broken_does_not_pass_as_not_a_number() -> None:
    with pytest.raises((GateError, ValueError)):
        check_float(saying(AGES), np.full((4, 101), np.nan))


def test_int8_may_lose_a_tenth_of_a_year_and_no_more() -> None:
    check_int8(saying(AGES + 1), saying(AGES + 1.09), AGES)
    with pytest.raises(GateError, match=r"1\.110 years, fp32 1\.000"):
        check_int8(saying(AGES + 1), saying(AGES + 1.11), AGES)


def test_int8_that_is_suspiciously_better_is_no_parity_either() -> None:
    with pytest.raises(GateError):
        check_int8(saying(AGES + 1), saying(AGES + 0.85), AGES)


def test_a_file_above_the_limit_is_too_big() -> None:
    assert check_size(bytes(25_000_000)) == 25_000_000
    with pytest.raises(GateError, match="25,000,001"):
        check_size(bytes(25_000_001))


class Graph:
    """Stands for an ONNX graph of so many bytes."""

    def __init__(self, size: int) -> None:
        self._size = size

    def SerializeToString(self, *, deterministic: bool) -> bytes:  # noqa: N802 - protobuf's own name
        assert deterministic
        return bytes(self._size)


@pytest.mark.parametrize(
    ("off", "int8_bytes", "told"),
    [
        ({"fp32": 0.02, "int8": 0.0}, 10, "Keras and fp32 ONNX differ by 0.0200 years"),
        ({"fp32": 0.0, "int8": 1.3}, 10, "int8 has a mean error of 1.300 years"),
        ({"fp32": 0.0, "int8": 0.0}, 25_000_001, "the int8 file has 25,000,001 bytes"),
    ],
)
def test_an_export_that_a_gate_stops_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: dict[str, float], int8_bytes: int, told: str
) -> None:
    monkeypatch.setattr(export, "to_onnx", lambda _model: Graph(10))
    monkeypatch.setattr(export, "quantise", lambda _fp32, _crops: Graph(int8_bytes))
    monkeypatch.setattr(export, "keras_logits", lambda _model, _crops, **_how: saying(AGES))
    monkeypatch.setattr(export, "onnx_logits", lambda _raw, _crops, **how: saying(AGES + off[how["label"]]))
    crops = np.zeros((4, 112, 112, 3), np.uint8)
    faces = ExportFaces(
        ranges=crops,
        val=crops,
        val_ages=AGES,
        gate=crops,
        gate_ages=AGES,
        gate_split="test",
        described={},
    )
    source = Source(
        model=SimpleNamespace(), weights=tmp_path / "w.h5", recipe="", git=None, contract_digest=None
    )
    passport = export.Passport(name="a", version="1", licence="none", intended_use="tests")

    with pytest.raises(GateError, match=told):
        export.export_bundle(source, faces, tmp_path / "bundle", passport=passport)
    assert list(tmp_path.iterdir()) == []
