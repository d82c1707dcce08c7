"""The ablation: one change a variant, figures by hand, and a tiny real one that is stopped and goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import yaml

from training.ablation import runs
from training.ablation.__main__ import main
from training.ablation.plan import load_plan, merged
from training.ablation.table import Judged, figures_of, markdown
from training.crops import CropSet
from training.labels import DataError

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def write_plan(folder: Path, variants: list[dict[str, Any]], **base: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    recipe = {"data": "crops", "run": "run", "degradation": {"small": 0.5, "blur": 0.25}}
    (folder / "training.yaml").write_text(yaml.safe_dump(recipe))
    plan = {"recipe": "training.yaml", "runs": "runs", "base": base, "variants": variants}
    (folder / "ablation.yaml").write_text(yaml.safe_dump(plan))
    return folder / "ablation.yaml"


def variant(name: str, **change: Any) -> dict[str, Any]:
    return {"name": name, "what": f"with {name}", "change": change}


def test_the_plan_that_the_project_carries_asks_all_that_was_to_be_tried() -> None:
    plan = load_plan(CONFIGS / "ablation.yaml")

    assert plan.base.config.limit == 10_000
    assert plan.base.config.budget.passes == 2
    changed = {found.name: found.changes for found in plan.variants[1:]}
    assert {"head", "sampling", "degradation", "phases"} <= set(changed.values())
    assert {found.config.phases[0].size_px for found in plan.variants} == {96, 112}
    for found in plan.variants[1:]:  # whatever is not the change is the base's
        mine, base = found.config.as_dict(), plan.base.config.as_dict()
        different = {key for key in base if mine[key] != base[key]} - {"run"}
        assert different == ({found.changes} if not found.new_head else set())


def test_a_change_joins_its_section_and_takes_a_budget_whole() -> None:
    settings = {"optimiser": {"rate": 1.0, "average": 0.5}, "budget": {"minutes": 9}, "phases": [1, 2]}
    found = merged(settings, {"optimiser": {"rate": 2.0}, "budget": {"passes": 2}, "phases": [3], "seed": 4})

    assert found["optimiser"] == {"rate": 2.0, "average": 0.5}
    assert found["budget"] == {"passes": 2}
    assert found["phases"] == [3]
    assert found["seed"] == 4
    assert settings["optimiser"] == {"rate": 1.0, "average": 0.5}


def test_paths_start_at_the_file_and_those_of_the_command_where_one_stands(tmp_path: Path) -> None:
    file = write_plan(tmp_path / "plan", [], init="start.weights.h5")
    base = load_plan(file).base.config
    assert base.data == tmp_path / "plan" / "crops"
    assert base.init == str(tmp_path / "plan" / "start.weights.h5")
    assert base.run == tmp_path / "plan" / "runs" / "base"

    elsewhere = load_plan(file, {"data": "here", "runs": str(tmp_path / "there"), "init": None}).base.config
    assert elsewhere.data == Path("here")
    assert elsewhere.run == tmp_path / "there" / "base"


@pytest.mark.parametrize(
    ("variants", "base", "told"),
    [
        ([variant("two", seed=2, batch=8)], {}, "two: changes 2 keys; a variant changes one"),
        ([variant("a", seed=2), variant("a", seed=3)], {}, "a name may stand once"),
        ([variant("mirrored", seed=2)], {}, "mirrored: a name may stand once, and not be"),
        ([variant("Big One", seed=2)], {}, "a name is a folder"),
        ([variant("typo", sampling={"balanse": 1})], {}, "typo: .*sampling.balanse: no such setting"),
        ([{"name": "a"}], {}, "each has name, what and change"),
        ([], {"budget": {"minutes": 3}}, "see more or fewer faces"),
        ([], {"refit": {"steps": 10}}, "compared along with the change"),
    ],
)
def test_a_plan_that_compares_nothing_says_why(
    tmp_path: Path, variants: list[dict[str, Any]], base: dict[str, Any], told: str
) -> None:
    with pytest.raises(DataError, match=told):
        load_plan(write_plan(tmp_path, variants, **base))


def sure_of(*years: int) -> np.ndarray:
    logits = np.full((len(years), 101), -60.0, np.float32)
    logits[np.arange(len(years)), list(years)] = 60.0
    return logits


def test_figures_of_a_row_by_hand() -> None:
    ages, sets = np.array([16.0, 16.0, 40.0, 60.0]), np.array(["a", "a", "b", "b"])
    base = Judged(name="base", what="the base", logits=sure_of(18, 27, 44, 50), seconds=3.0, steps=2)
    scalar = np.array([[16.0], [26.0], [43.0], [51.0]], np.float32)
    other = Judged(name="other", what="other", logits=scalar, degraded=sure_of(26, 26, 50, 50))
    first, second = figures_of([base, other], ages, sets)

    assert first["mae"] == (2 + 11 + 4 + 10) / 4
    assert first["data_sets"] == {"a": 6.5, "b": 7.0}
    assert (first["cs5"], first["miss_14_17"], first["n_14_17"]) == (0.5, 0.5, 2)
    assert (first["to_base"], first["mae_degraded"], first["seconds"]) == (None, None, 3.0)
    assert second["mae_degraded"] == 10.0
    # 0−2, 10−11, 3−4, 9−10: every resample of these is below zero
    assert second["to_base"]["difference"] == -1.25
    assert -2.0 <= second["to_base"]["ci95"][0] < -1.25 < second["to_base"]["ci95"][1] <= -1.0
    assert second["to_base"]["significant"]
    assert figures_of([other], ages, sets)[0]["to_base"] is None


def test_the_table_reads_as_it_is_written() -> None:
    row = {"data_sets": {"allage": 6.304, "utkface": 5.905}, "cs5": 0.5474, "miss_14_17": 0.208}
    told = {
        "trained_on": {"faces": 10_000, "seen": 20_032},
        "judged_on": {"faces": 2400, "data_sets": {"allage": 1200, "utkface": 1200}},
        "rows": [
            {**row, "name": "start", "what": "not trained", "n_14_17": 77, "mae_degraded": 7.5}
            | {"to_base": {"difference": 0.124, "ci95": [-0.051, 0.3], "significant": False}},
            {**row, "name": "base", "what": "the base", "n_14_17": 77, "mae_degraded": None}
            | {"miss_14_17": None, "to_base": None},
        ],
        "unfinished": ["scalar_head"],
    }
    lines = markdown(told).splitlines()

    assert lines[0] == (
        "| what | UTKFace | All-Age-Faces | within 5 years | 14–17 judged 25+ | MAE degraded "
        "| MAE against the base (95 %) |"
    )
    assert lines[2] == "| not trained | 5.91 | 6.30 | 0.547 | 0.21 | 7.50 | +0.12 (−0.05 to +0.30) |"
    assert lines[3] == "| **the base** | 5.91 | 6.30 | 0.547 | – | – |  |"
    assert lines[5].startswith(
        "Each run saw 20,032 crops, drawn from the same 10,000 faces of `train`; judged on"
    )
    assert "2,400 faces of `val` (77 of 14–17)" in lines[5]
    assert lines[-1] == "Not run yet: scalar_head."


@pytest.fixture
def precision_as_before() -> Iterator[None]:
    policy = keras.mixed_precision.dtype_policy()
    yield
    keras.mixed_precision.set_dtype_policy(policy)


@pytest.mark.usefixtures("precision_as_before")
def test_a_stopped_ablation_leaves_a_table_and_goes_on(
    mini: CropSet,
    shared: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = write_plan(
        tmp_path,
        [variant("scalar", head="scalar")],
        data=str(mini.folder),
        init=str(shared / "models" / "resnet50_faces.weights.h5"),
        batch=8,
        limit=16,
        budget={"passes": 1},
        phases=[{"share": 1.0, "size_px": 48, "train_from": "conv5"}],
        optimiser={"rate": 1e-4, "warm_up_steps": 0},
        validate_every_rounds=1000,
    )
    words = ["--config", str(file), "--out", str(tmp_path / "told" / "table.json")]
    trained: list[str] = []
    real = runs.train

    def broken(config: Any, **more: Any) -> Any:
        trained.append(config.head)
        if config.head == "scalar":
            raise OSError("the disk is full")
        return real(config, **more)

    monkeypatch.setattr(runs, "train", broken)
    assert main(words) == 1
    assert "the disk is full" in capsys.readouterr().err
    first = json.loads((tmp_path / "told" / "table.json").read_text())
    assert [row["name"] for row in first["rows"]] == ["start", "base", "last", "mirrored"]
    assert first["unfinished"] == ["scalar"]
    assert "Not run yet: scalar." in (tmp_path / "told" / "table.md").read_text()

    monkeypatch.setattr(
        runs, "train", lambda config, **more: (trained.append(config.head), real(config, **more))
    )
    assert main(words) == 0
    assert trained == ["distribution", "scalar", "scalar"]  # the base was not run again
    second = json.loads((tmp_path / "told" / "table.json").read_text())
    assert second["rows"][:4] == first["rows"]
    assert second["unfinished"] == []
    assert second["trained_on"]["faces"] == second["trained_on"]["seen"] == 16
    assert second["judged_on"]["faces"] == len(mini.only("val", given=True))
    start, base, last, mirrored, scalar = second["rows"]
    assert start["mae"] < 9  # trained weights, read as they are
    maes = [row["mae"] for row in (start, base, last, mirrored)]
    assert len(set(maes)) == 4
    assert base["mae_degraded"] > base["mae"]
    assert (last["mae_degraded"], last["seconds"]) == (None, None)
    assert scalar["steps"] == 2
    assert scalar["mae"] > base["mae"]  # its last layer knows nothing yet
    assert not (tmp_path / "runs" / "base" / "checkpoint.npz").exists()
    assert capsys.readouterr().out.startswith("| what |")

    plan = yaml.safe_load(file.read_text())
    plan["base"]["optimiser"]["rate"] = 2e-4
    file.write_text(yaml.safe_dump(plan))
    assert main(words) == 2
    assert "cannot be resumed with other optimiser" in capsys.readouterr().err
