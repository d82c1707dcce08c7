"""Several crops of one person: people are found by the clip's truth, and equal crops claim no more than one."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.age import AgeBundle, AgeReader
from edge.face import CONTRACT, choose_detector, open_detector
from training.bundle import put_tracks
from training.labels import DataError, read_labels
from training.scenes import scenes
from training.tracks import TrackSample, calibrate_tracks, clips_in, read_tracks

BUNDLE = Path(__file__).resolve().parents[2] / "edge" / "models" / "age"


@pytest.fixture(scope="module")
def bundle() -> AgeBundle:
    return AgeBundle.load(BUNDLE, contract_digest=CONTRACT.digest)


def people(count: int, crops: int, *, noise: float, seed: int = 0) -> list[TrackSample]:
    """Made-up people: one honest distribution of 6 years each, seen `crops` times with `noise` between crops."""
    rng = np.random.default_rng(seed)
    jitter = np.random.default_rng(seed + 1)
    years = np.arange(101)
    made = []
    for index in range(count):
        age = float(rng.integers(15, 80))
        said = age + rng.normal(0, 6)
        logits = [-((years - said - jitter.normal(0, noise)) ** 2) / (2 * 6.0**2) for _ in range(crops)]
        made.append(
            TrackSample(
                clip="made.mp4",
                person=f"p{index}",
                age=age,
                logits=np.array(logits, np.float32),
                qualities=np.ones(crops, np.float32),
            )
        )
    return made


def test_five_equal_crops_are_as_sure_as_one(bundle: AgeBundle) -> None:
    one = calibrate_tracks(people(400, 1, noise=0.0), bundle)
    five = calibrate_tracks(people(400, 5, noise=0.0), bundle)

    assert five.temperature == pytest.approx(one.temperature, rel=1e-3)
    assert five.temperature == pytest.approx(1.0, abs=0.15)


def test_crops_that_err_apart_allow_a_sharper_answer_than_each(bundle: AgeBundle) -> None:
    told = calibrate_tracks(people(400, 5, noise=6.0), bundle)

    assert told.mae < told.mae_single
    assert told.nll < told.nll_single


def test_too_few_people_are_refused(bundle: AgeBundle) -> None:
    with pytest.raises(DataError, match="49 people in the clips are too few"):
        calibrate_tracks(people(49, 2, noise=1.0), bundle)


def test_the_people_of_a_clip_are_read_at_the_till(bundle: AgeBundle, shared: Path) -> None:
    clip = shared / "video" / "lane_rush.mp4"
    detector = open_detector(
        choose_detector("yunet", models_folder=shared / "models"), input_size_px=(640, 384)
    )

    samples = read_tracks([clip], detector, AgeReader(bundle, provider="cpu", threads=2))

    truth = {p["id"]: p for p in json.loads(clip.with_suffix(".truth.json").read_text())["people"]}
    assert len(samples) >= 5
    for sample in samples:
        assert sample.age == truth[sample.person]["age"]
        assert 1 <= len(sample.qualities) <= 5
        assert sample.logits.shape == (len(sample.qualities), 101)


def test_clips_without_truth_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    with pytest.raises(DataError, match=r"no clip with its \*\.truth\.json"):
        clips_in(tmp_path)


def test_a_scene_from_val_is_one_that_the_renderer_takes(shared: Path, tmp_path: Path) -> None:
    from training.faces import FaceFinder

    labels = read_labels(shared / "data" / "faces")
    (scene,) = scenes(labels, FaceFinder("yunet", models_folder=shared / "models"), people=6)
    splits = {row.file_name: row.split for row in labels.rows}
    file = tmp_path / "a.scene.json"
    file.write_text(json.dumps(scene))

    subprocess.run(
        [
            *(sys.executable, shared / "video" / "make_lane.py", file, "--faces", shared / "data" / "faces"),
            *("--no-video", "--truth", tmp_path / "a.truth.json"),
        ],
        check=True,
        capture_output=True,
    )

    assert {splits[actor["picture"]] for actor in scene["actors"]} == {"val"}
    people = json.loads((tmp_path / "a.truth.json").read_text())["people"]
    assert {person["zone"] for person in people} == {"customer"}


def test_what_was_calibrated_on_tracks_goes_into_the_bundle(tmp_path: Path, bundle: AgeBundle) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(BUNDLE, copy)

    written = put_tracks(copy, {"temperature": 1.25, "tracks": 60})
    assert written.track_temperature == 1.25
    assert written.digest != bundle.digest

    before = (copy / "bundle.json").read_bytes()
    with pytest.raises(Exception, match="temperature"):
        put_tracks(copy, {"temperature": -1})
    assert (copy / "bundle.json").read_bytes() == before
