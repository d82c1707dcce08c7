"""Which provider runs, by a made-up list of providers; what a GPU is told; no GPU is needed."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest

from edge.age import AgeBundle, AgeReader, ProviderError, reader

CPU_ONLY = ["AzureExecutionProvider", "CPUExecutionProvider"]
WITH_CUDA = ["CUDAExecutionProvider", "CPUExecutionProvider"]


class Session:
    """A session of ONNX Runtime as far as the reader asks; it runs on whatever it is given first."""

    opened: list[list[Any]]
    batches: list[int]

    def __init__(self, _model: bytes, _options: object, *, providers: list[Any]) -> None:
        Session.opened.append(providers)
        self._names = [name for name, _ in (p if isinstance(p, tuple) else (p, None) for p in providers)]

    def get_providers(self) -> list[str]:
        return self._names

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="crops", type="tensor(uint8)", shape=["n", 112, 112, 3])]

    def get_outputs(self) -> list[Any]:
        return [SimpleNamespace(name="logits", type="tensor(float)", shape=["n", 101])]

    def run(self, _names: list[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        Session.batches.append(len(inputs["crops"]))
        return [np.zeros((len(inputs["crops"]), 101), np.float32)]


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> type[Session]:
    Session.opened, Session.batches = [], []
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
    return Session


def box_with_gpu(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr(reader, "_NVIDIA", Path("/") if there else Path("/no/such/driver"))


def test_auto_with_a_gpu_and_no_provider_for_it_reads_on_the_processor_and_says_so(
    shipped: AgeBundle, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    box_with_gpu(monkeypatch, there=True)
    with caplog.at_level(logging.WARNING):
        ages = AgeReader(shipped, provider="auto", available=CPU_ONLY)
    assert (ages.provider, ages.variant) == ("cpu", "int8")
    assert "NVIDIA" in str(ages.degraded)
    assert "Way out" in caplog.text


def test_auto_without_a_gpu_hoped_for_nothing(shipped: AgeBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    box_with_gpu(monkeypatch, there=False)
    assert AgeReader(shipped, provider="auto", available=CPU_ONLY).degraded is None


@pytest.mark.parametrize("there", [True, False])
def test_cuda_is_a_demand(shipped: AgeBundle, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    box_with_gpu(monkeypatch, there=there)
    with pytest.raises(ProviderError, match="Way out"):
        AgeReader(shipped, provider="cuda", available=CPU_ONLY)


@pytest.mark.parametrize("provider", ["auto", "cuda"])
def test_a_gpu_gets_the_half_model_every_batch_size_and_its_bound_before_anybody_is_read(
    shipped: AgeBundle, made_up: type[Session], provider: Any
) -> None:
    ages = AgeReader(shipped, provider=provider, available=WITH_CUDA, gpu_memory_mb=512)
    assert (ages.provider, ages.variant, ages.degraded) == ("cuda", "fp16", None)
    assert made_up.batches == 2 * list(reader.BUCKETS)  # the second time takes the memory of the plan
    name, settings = made_up.opened[0][0]
    assert name == "CUDAExecutionProvider"
    assert settings["gpu_mem_limit"] == str(512 * 1024 * 1024)


def test_only_the_fixed_batch_sizes_are_ever_run(shipped: AgeBundle, made_up: type[Session]) -> None:
    ages = AgeReader(shipped, provider="cpu", available=CPU_ONLY)
    for count in range(1, 20):
        ages.read(np.zeros((count, 112, 112, 3), np.uint8))
    assert set(made_up.batches) == set(reader.BUCKETS)
