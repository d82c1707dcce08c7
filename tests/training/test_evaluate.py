"""`evaluate` on the shipped bundle: the pinned JSON, the page in both languages, pairs, and no TensorFlow."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.age import FACES_MIN, AgeBundle
from edge.face import CONTRACT
from training.crops import CropSet

BUNDLE = Path(__file__).resolve().parents[2] / "edge" / "models" / "age"
# Runs a command and fails if it imported a training framework.
COMMAND = """
import sys
from edge.cli import main
code = main(sys.argv[1:])
heavy = {"tensorflow", "keras", "torch", "jax"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else code)
"""


def call(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, *map(str, words)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def evaluated(mini: CropSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    done = call(
        "evaluate", BUNDLE, "--data", mini.folder, "--out", out, "--json", out / "own.json", "--threads", 2
    )
    assert done.returncode == 0, done.stderr
    return out


def test_the_json_has_every_pinned_name(evaluated: Path, mini: CropSet) -> None:
    told: dict[str, Any] = json.loads((evaluated / "own.json").read_text())

    assert told["variant"] == "int8"
    assert told["n"] == len(mini.only("test", given=True))
    assert set(told["data_sets"]) == {"allage", "utkface"}
    for row in told["data_sets"].values():
        assert set(row) >= {"n", "mae_mean", "mae_median", "cs5", "bias", "ci95"}
        assert row["ci95"] == row["intervals"]["mae_mean"]
        for name in ("mae_mean", "mae_median", "cs5", "bias"):
            assert row["intervals"][name][0] <= row[name] <= row["intervals"][name][1]
    assert sum(row["n"] for row in told["data_sets"].values()) == told["n"]
    assert set(told["bands"][0]) >= {"from", "to", "n", "mae", "bias", "coverage"}
    assert sum(row["n"] for row in told["bands"]) == told["n"]
    assert set(told["groups"][0]) >= {"by", "value", "n", "mae", "miss_14_17", "false_challenge_35_plus"}
    assert set(told["challenge25"]["point"]) >= {
        "miss_14_17",
        "challenged_18_24",
        "false_30_34",
        "false_35_plus",
    }
    assert set(told["challenge25"]["tau"]) >= {
        "tau",
        "miss_14_17",
        "ci95",
        "challenged_18_24",
        "false_35_plus",
    }
    for row in (told["challenge25"]["point"], told["challenge25"]["tau"]):
        assert row["intervals"]["miss_14_17"] == row["ci95"]
        assert (
            row["intervals"]["false_35_plus"][0]
            <= row["false_35_plus"]
            <= row["intervals"]["false_35_plus"][1]
        )
    assert set(told["calibration"]) >= {"coverage90", "ece_under_25"}
    held = told["calibration"]["coverage90_ci95"]
    assert held[0] <= told["calibration"]["coverage90"] <= held[1]
    assert set(told["degraded"]) == {"px56", "jpeg30", "noise", "dark"}
    assert all(row["mae"] > 0 for row in told["degraded"].values())
    assert told["baselines"]["guess_median"]["mae"] > 10
    assert set(told["variants"]) == {"int8", "fp32"}
    assert set(told["conclusions"]) == {"offers", "challenge"}


def test_threshold_and_temperature_are_the_bundles_own(evaluated: Path) -> None:
    told = json.loads((evaluated / "figures.json").read_text())
    bundle = AgeBundle.load(BUNDLE, contract_digest=CONTRACT.digest)

    assert told["challenge25"]["tau"]["tau"] == bundle.threshold(under_age=25, miss_rate=0.05).tau
    assert told["calibration"]["temperature"] == bundle.temperature
    assert told["calibration"]["source"] == "bundle"


def test_the_page_is_whole_and_alone(evaluated: Path) -> None:
    page = (evaluated / "index.html").read_text(encoding="utf-8")

    assert "Is it good enough?" in page
    assert page.index("Worst errors") < page.index("Conclusions, and the rules they rest on")
    assert page.rindex("<h2") == page.rindex("<h2", 0, page.index("Conclusions, and the rules they rest on"))
    assert "data:image/jpeg;base64," in page
    assert "http" not in page.replace("http://www.w3.org", "")  # nothing is fetched
    assert "<script" not in page


def test_photographs_give_the_same_answer_as_prepared_crops(
    make_data: Callable[..., Path],
    some_rows: list[dict[str, str]],
    mini: CropSet,
    shared: Path,
    tmp_path: Path,
) -> None:
    rows = [row for row in some_rows if row["split"] == "val"]
    data = make_data(tmp_path / "data", rows)
    words = [
        "--split",
        "val",
        "--quick",
        "--lang",
        "ru",
        "--detector",
        "yunet",
        "--models-dir",
        shared / "models",
    ]
    first = call("evaluate", BUNDLE, "--data", data, "--out", tmp_path / "a", *words)
    second = call("evaluate", BUNDLE, "--data", mini.folder, "--out", tmp_path / "b", *words)
    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr

    told = [json.loads((tmp_path / name / "figures.json").read_text()) for name in "ab"]
    assert told[0]["overall"] == told[1]["overall"]
    assert "Достаточно ли она хороша?" in (tmp_path / "a" / "index.html").read_text(encoding="utf-8")


def test_a_model_paired_with_itself_shows_no_difference(mini: CropSet, tmp_path: Path) -> None:
    out = tmp_path / "pair.json"
    done = call(
        "evaluate", BUNDLE, BUNDLE, "--paired", "--data", mini.folder, "--split", "val", "--json", out
    )

    assert done.returncode == 0, done.stderr
    told = json.loads(out.read_text())
    assert told["mae"]["difference"] == 0
    assert not told["mae"]["significant"]


def test_figures_go_into_the_bundle_that_they_were_measured_on(mini: CropSet, tmp_path: Path) -> None:
    own = Path(shutil.copytree(BUNDLE, tmp_path / "own"))
    before = AgeBundle.load(own, contract_digest=CONTRACT.digest)
    words = [
        "--data",
        mini.folder,
        "--split",
        "val",
        "--quick",
        "--out",
        tmp_path / "report",
        "--into-bundle",
    ]
    done = call("evaluate", own, *words)

    assert done.returncode == 0, done.stderr
    after = AgeBundle.load(own, contract_digest=CONTRACT.digest)
    assert after.digest == before.digest
    assert after.metrics is not None
    assert after.metrics["n"] == len(mini.only("val", given=True))
    teens = ((mini.only("val", given=True).ages >= 14) & (mini.only("val", given=True).ages < 18)).sum()
    assert len(after.metrics["minors"]["missed"]) == teens
    assert f"on {after.metrics['n']} faces of `val`" in (own / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_a_site_file_replaces_the_bundles_numbers_and_is_bound_to_it(mini: CropSet, tmp_path: Path) -> None:
    site = tmp_path / "site.json"
    made = call("calibrate", BUNDLE, "--data", mini.folder, "--split", "test", "--out", site)
    assert made.returncode == 0, made.stderr
    own = json.loads(site.read_text())
    assert "95 % interval" in made.stdout
    assert f"faces of 14 to 17 years are too few for a threshold: at least {FACES_MIN}" in made.stderr

    words = ["--data", mini.folder, "--split", "val", "--quick", "--out", tmp_path / "r"]
    done = call("evaluate", BUNDLE, "--site", site, *words)
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "r" / "figures.json").read_text())
    assert told["calibration"]["temperature"] == own["temperature"]
    assert told["calibration"]["source"] == "site file site.json"
    assert told["challenge25"]["tau"]["tau"] is None  # fewer than 50 faces of 14-17
    assert "unusable" in told["challenge25"]["tau"]["note"]

    site.write_text(json.dumps(own | {"bundle": "0" * 64}))
    refused = call("evaluate", BUNDLE, "--site", site, *words)
    assert refused.returncode == 2
    assert "bound to bundle 000000000000" in refused.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["/nowhere"], "neither a bundle"),
        ([BUNDLE, "--split", "holdout"], "the split 'holdout' is empty"),
        ([BUNDLE, BUNDLE], "two models and --paired"),
        ([BUNDLE.parent, "--into-bundle"], "--into-bundle needs one bundle"),
    ],
)
def test_what_cannot_be_evaluated_says_why(
    mini: CropSet, tmp_path: Path, words: list[object], told: str
) -> None:
    done = call("evaluate", *words, "--data", mini.folder, "--out", tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
