"""A model derived for a GPU is held against the golden crops before it reads anybody."""

from __future__ import annotations

import logging

import pytest

from edge.age import AgeReader, GoldenResult, ProviderError
from edge.app import open_models, parts
from edge.config import Inference

WRONG = GoldenResult(
    crops=4, worst_years=9.0, worst_logit=3.0, passed=False, reason="9.00 years off. Way out: cpu"
)


@pytest.fixture
def wrong_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that works and computes nonsense: the fp16 model runs, the golden crops say no."""

    class OnGpu(AgeReader):
        def __init__(self, *args: object, provider: str, **settings: object) -> None:
            variant = None if provider == "cpu" else "fp16"
            super().__init__(*args, provider="cpu", variant=variant, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(parts, "AgeReader", OnGpu)
    monkeypatch.setattr(parts, "golden_check", lambda _bundle, _reader: WRONG)


def test_cuda_that_answers_wrongly_stops_the_start(wrong_gpu: None) -> None:
    with pytest.raises(ProviderError, match="years off"):
        open_models(Inference(provider="cuda", detector="mtcnn", threads=1))


def test_auto_reads_on_the_processor_then_and_says_so(
    wrong_gpu: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        models = open_models(Inference(provider="auto", detector="mtcnn", threads=1))
    assert (models.ages.provider, models.ages.variant) == ("cpu", "int8")
    assert models.ages.degraded == WRONG.reason
    assert "years off" in caplog.text
