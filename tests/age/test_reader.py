"""Crops in, logits out; which provider runs is never a secret."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.age import AgeBundle, AgeReader, ModelFileError, ProviderError, golden_check
from tests.conftest import Measured


@pytest.fixture(scope="module")
def crops(shipped: AgeBundle) -> np.ndarray:
    return np.tile(shipped.golden().crops, (4, 1, 1, 1))[:19]


def test_nobody_there_is_an_ordinary_case(reader: AgeReader) -> None:
    assert reader.read(np.zeros((0, 112, 112, 3), np.uint8)).shape == (0, 101)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 9, 19])
def test_a_crop_says_the_same_in_any_company(reader: AgeReader, crops: np.ndarray, n: int) -> None:
    alone = np.concatenate([reader.read(crops[i : i + 1]) for i in range(n)])
    together = reader.read(crops[:n])
    assert together.dtype == np.float32
    np.testing.assert_allclose(together, alone, atol=1e-4)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, 112, 112, 3), np.float32),
        np.zeros((112, 112, 3), np.uint8),
        np.zeros((1, 96, 96, 3), np.uint8),
        np.zeros((1, 3, 112, 112), np.uint8),
    ],
)
def test_what_is_no_crop_is_refused(reader: AgeReader, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        reader.read(wrong)


def test_crops_that_are_views_of_a_picture_are_read_too(reader: AgeReader, crops: np.ndarray) -> None:
    mirrored = crops[:2, :, ::-1]
    np.testing.assert_allclose(reader.read(mirrored), reader.read(mirrored.copy()), atol=1e-5)


def test_cuda_that_is_not_there_stops_the_start(shipped: AgeBundle, measured: Measured) -> None:
    with pytest.raises(ProviderError, match=r"CPUExecutionProvider.*Way out") as refused:
        AgeReader(shipped, provider="cuda", available=["CPUExecutionProvider"])
    measured("GPU demanded and not there", f"the reader: `{refused.typename}` with the way out")


def test_cuda_that_is_offered_and_does_not_start_is_no_quiet_cpu(
    shipped: AgeBundle, measured: Measured
) -> None:
    """ONNX Runtime passes over a provider that fails to load; asked for, that is an error, hoped for, a report."""
    offered = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    with pytest.raises(ProviderError, match="Way out"):
        AgeReader(shipped, provider="cuda", available=offered)
    fallen_back = AgeReader(shipped, provider="auto", available=offered)
    assert fallen_back.provider == "cpu"
    assert fallen_back.variant == "int8"
    assert fallen_back.degraded is not None
    assert "CUDA" in fallen_back.degraded
    measured(
        "GPU hoped for and not working", f"runs on {fallen_back.provider}, {fallen_back.variant}, and says so"
    )


def test_a_cpu_that_was_asked_for_is_not_degraded(reader: AgeReader) -> None:
    assert (reader.provider, reader.variant, reader.degraded) == ("cpu", "int8", None)


def test_a_file_that_is_no_age_model_is_named(shipped: AgeBundle, tmp_path: Path) -> None:
    (tmp_path / "model_int8.onnx").write_bytes(b"no model")
    broken = AgeBundle(folder=tmp_path, manifest=shipped.manifest, digest=shipped.digest)
    with pytest.raises(ModelFileError, match=r"model_int8\.onnx.*Way out"):
        AgeReader(broken, provider="cpu")


def test_the_golden_faces_come_out_as_where_the_model_was_made(shipped: AgeBundle, reader: AgeReader) -> None:
    result = golden_check(shipped, reader)
    assert result.passed
    assert result.crops >= 4
    assert result.worst_years < 0.05
    assert result.reason is None


def test_the_float_twins_are_held_to_their_own_golden_answers(shipped: AgeBundle) -> None:
    for variant, allowed_years in (("fp32", 0.01), ("fp16", 0.1)):
        result = golden_check(shipped, AgeReader(shipped, provider="cpu", variant=variant))  # type: ignore[arg-type]
        assert result.worst_years < allowed_years


def test_a_model_that_answers_otherwise_fails_the_golden_check(
    shipped: AgeBundle, reader: AgeReader, copied: Path
) -> None:
    golden = shipped.golden()
    np.savez(copied / "golden.npz", crops=golden.crops, logits=golden.logits[::-1])
    other = AgeBundle(folder=copied, manifest=shipped.manifest, digest=shipped.digest)
    result = golden_check(other, reader)
    assert not result.passed
    assert result.reason is not None
    assert "Way out" in result.reason


def test_two_readers_say_the_same_whatever_their_threads(
    shipped: AgeBundle, reader: AgeReader, crops: np.ndarray
) -> None:
    np.testing.assert_allclose(
        AgeReader(shipped, provider="cpu", threads=1).read(crops), reader.read(crops), atol=1e-4
    )


def test_a_reader_has_all_its_memory_before_the_first_customer(shipped: AgeBundle, crops: np.ndarray) -> None:
    """The first eight crops at once made a box that had been ready for ten minutes grow by 5 MB."""
    reader = AgeReader(shipped)
    before_kib = anonymous_kib()

    for count in (8, 4, 2, 1, 8):
        reader.read(crops[:count])

    assert anonymous_kib() - before_kib < 2048


def anonymous_kib() -> int:
    """Resident memory of this process that is no file's."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:"))
