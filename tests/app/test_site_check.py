"""Volunteers at the till: what is kept of them, and what a handful of them can say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from edge.age import AgeBundle
from edge.app.parts import SHIPPED_BUNDLE
from edge.app.site_check import SiteCheckError, Volunteer, append, read, summary
from edge.face import CONTRACT


@pytest.fixture(scope="module")
def bundle() -> AgeBundle:
    return AgeBundle.load(SHIPPED_BUNDLE, contract_digest=CONTRACT.digest)


def volunteer(age: float, *, looks: int) -> Volunteer:
    """Somebody whose crops the model takes for `looks` years."""
    row = -((np.arange(101) - looks) ** 2) / 18.0
    return Volunteer(
        age=age,
        logits=np.stack([row, row]).astype(np.float32),
        qualities=np.array([0.9, 0.8], np.float32),
        face_px=120,
        blur=0.1,
        brightness=130,
    )


def test_errors_coverage_and_misses_are_counted_with_their_intervals(bundle):
    people = [
        volunteer(16, looks=16),
        volunteer(17, looks=40),
        volunteer(30, looks=33),
        volunteer(40, looks=20),
    ]
    told = summary(people, bundle, legal_age=18, challenge_age=25, tau=0.5)
    assert (told.n, told.minors, told.missed, told.adults, told.asked) == (4, 2, 1, 2, 1)
    assert told.mae_years == pytest.approx((0 + 23 + 3 + 20) / 4, abs=0.3)
    assert told.bias_years == pytest.approx((0 + 23 + 3 - 20) / 4, abs=0.3)
    assert told.mae_low <= told.mae_years <= told.mae_high
    assert told.missed_interval == pytest.approx((0.0945, 0.9055), abs=1e-3)


def test_nobody_gives_no_figure(bundle):
    told = summary([], bundle, legal_age=18, challenge_age=25, tau=0.5)
    assert (told.n, told.mae_years, told.mae_low, told.bias_years) == (0, None, None, None)


def test_a_file_keeps_age_logits_and_quality_and_nothing_else(bundle, tmp_path):
    file = tmp_path / "site.jsonl"
    append(file, volunteer(19, looks=21), bundle)
    append(file, volunteer(44, looks=40), bundle)
    assert file.stat().st_mode & 0o077 == 0
    fields = {"format", "bundle", "age", "logits", "qualities", "face_px", "blur", "brightness"}
    assert [set(json.loads(line)) for line in file.read_text().splitlines()] == [fields] * 2
    first, second = read(file, bundle)
    assert (first.age, second.age) == (19, 44)
    assert first.estimate(bundle).mean_years == pytest.approx(21, abs=0.5)


@pytest.mark.parametrize(
    "line", ["{", "{}", '{"bundle":"x","format":1,"age":1,"logits":[[1]],"qualities":[1]}']
)
def test_a_damaged_line_is_named(bundle, tmp_path, line):
    file = tmp_path / "site.jsonl"
    append(file, volunteer(19, looks=21), bundle)
    file.write_text(file.read_text() + line + "\n")
    with pytest.raises(SiteCheckError, match=r"site\.jsonl:2"):
        read(file, bundle)


def test_two_models_are_not_mixed(bundle, tmp_path):
    file = tmp_path / "site.jsonl"
    append(file, volunteer(19, looks=21), bundle)
    file.write_text(file.read_text().replace(bundle.digest, "0" * 64))
    with pytest.raises(SiteCheckError, match="begin a new file"):
        read(file, bundle)
