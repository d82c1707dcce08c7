"""The regression gate: ratios that miss their limit twice fail loudly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.bench import gate
from edge.cli import main

LIMITS = json.loads(gate.LIMITS_FILE.read_text())
WELL = {name: limit["at_least"] + 1.0 for name, limit in LIMITS.items()}


@pytest.fixture
def film(tmp_path: Path) -> Path:
    (tmp_path / "film.mp4").write_bytes(b"film")
    return tmp_path / "film.mp4"


def ran(film: Path, monkeypatch: pytest.MonkeyPatch, *turns: dict[str, float | None]) -> int:
    """The exit code where the measurements say this, one after the other."""
    told = iter(turns)
    monkeypatch.setattr(gate, "_once", lambda *_: next(told))
    return main(["bench", "gate", "--source", str(film), "--json"])


@pytest.mark.parametrize("name", list(LIMITS))
def test_each_ratio_that_misses_twice_fails_with_its_name(
    name: str, film: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    missed = WELL | {name: LIMITS[name]["at_least"] - 0.01}
    assert ran(film, monkeypatch, missed, missed) == 1
    said = capfd.readouterr()
    assert f"FAILED: {name}" in said.err
    assert json.loads(said.out)["worse"] == [name]


def test_one_disturbance_is_no_regression(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ran(film, monkeypatch, WELL | {"mtcnn_to_yunet": 0.1}, WELL) == 0


def test_what_was_not_measured_has_not_held(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ran(film, monkeypatch, WELL | {"lane_to_naive": None}, WELL | {"lane_to_naive": None}) == 1


def test_all_that_holds_passes(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ran(film, monkeypatch, WELL) == 0


def test_a_missing_film_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "gate", "--source", str(tmp_path / "none.mp4")]) == 2
    assert "no film at" in capfd.readouterr().err
