"""The float model for a GPU: derived once, kept, and never used unless it is what was kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.age import AgeBundle, AgeReader, golden_check
from edge.age import derived as derived_room
from edge.age.derived import float_model


@pytest.fixture
def derivations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which kinds were derived anew, one by one."""
    made: list[str] = []
    real = derived_room.derive_float
    monkeypatch.setattr(
        derived_room, "derive_float", lambda data, kind: (made.append(kind), real(data, kind))[1]
    )
    return made


def test_it_is_derived_at_the_first_start_only(
    shipped: AgeBundle, tmp_path: Path, derivations: list[str]
) -> None:
    cache = tmp_path / "models" / "derived"
    first, second = (float_model(shipped, "fp16", cache) for _ in range(2))
    assert first == second
    assert derivations == ["fp16"]
    assert not list(cache.glob("*.part"))


def test_a_file_that_was_cut_off_or_altered_is_derived_again(
    shipped: AgeBundle, tmp_path: Path, derivations: list[str]
) -> None:
    whole = float_model(shipped, "fp16", tmp_path)
    [kept] = tmp_path.glob("*.onnx")
    kept.write_bytes(whole[:-7])
    assert float_model(shipped, "fp16", tmp_path) == whole
    assert kept.read_bytes() == whole
    assert derivations == ["fp16", "fp16"]


def test_a_folder_that_cannot_be_written_costs_time_and_nothing_else(
    shipped: AgeBundle, tmp_path: Path, derivations: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    assert float_model(shipped, "fp16", tmp_path / "file" / "derived")
    assert derivations == ["fp16"]
    assert "cannot be kept" in caplog.text


def test_the_kept_model_answers_as_the_golden_crops_say(shipped: AgeBundle, tmp_path: Path) -> None:
    for _ in range(2):  # as derived, and as kept
        reader = AgeReader(shipped, provider="cpu", threads=2, variant="fp16", cache=tmp_path)
        assert golden_check(shipped, reader).passed
