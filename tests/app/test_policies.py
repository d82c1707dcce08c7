"""From configuration and bundle to a lane's policy: the threshold is the bundle's or the site's own, never a guess."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edge.age import AgeBundle, ThresholdError
from edge.app import SHIPPED_BUNDLE
from edge.app.policies import PolicyError, lane_policy
from edge.config import Config, config_hash, parse_config
from edge.face import CONTRACT
from edge.rules import Policy

LEAST = "cameras: [{name: cam-1, source: demo}]\nlanes: [{name: lane-1, camera: cam-1, reports_id_checks: page}]\n"


@pytest.fixture(scope="module")
def bundle() -> AgeBundle:
    return AgeBundle.load(SHIPPED_BUNDLE, contract_digest=CONTRACT.digest)


def a_config(folder: Path, more: str = "") -> Config:
    return parse_config((LEAST + more).encode(), file="box.yaml", folder=folder)


def a_policy(folder: Path, bundle: AgeBundle, more: str = "") -> Policy:
    config = a_config(folder, more)
    return lane_policy(config, config.lanes[0], bundle)


def with_taus(bundle: AgeBundle, **changes: float) -> AgeBundle:
    """The bundle with another tau, or another number of faces behind it."""
    entries = tuple(replace(one, **changes) for one in bundle.manifest.thresholds)  # type: ignore[arg-type]
    return replace(bundle, manifest=replace(bundle.manifest, thresholds=entries))


def own_taus(folder: Path, digest: str, *, tau: float = 0.4, under_age: int = 25, **more: object) -> str:
    told = {"bundle": digest, "thresholds": [{"under_age": under_age, "miss_rate": 0.05, "tau": tau, **more}]}
    (folder / "tau.json").write_text(json.dumps(told))
    return "policy: {tau_file: tau.json}\n"


def test_every_setting_of_the_lane_arrives_in_its_policy(tmp_path: Path, bundle: AgeBundle) -> None:
    more = """
policy:
  name: night
  challenge_age: 21
  miss_rate: 0.1
  party: anyone
  lateness_s: 3
  receipt_timeout_s: 60
  alert_padding_s: 7
  other_ages: [{legal_age: 16, challenge_age: 18}]
till: {lines: [{path: till.jsonl}], clocks: [{lane: lane-1, offset_s: 2.5}], silent_minutes: 4}
"""
    config = a_config(tmp_path, more)
    policy = lane_policy(config, config.lanes[0], bundle)
    adult = bundle.threshold(under_age=21, miss_rate=0.1).tau
    assert (policy.rules[18].challenge_age, policy.rules[18].tau, policy.rules[18].miss_rate) == (
        21,
        adult,
        0.1,
    )
    assert policy.rules[16].tau == bundle.threshold(under_age=18, miss_rate=0.05).tau
    assert (policy.name, policy.party, policy.reports_id_checks) == ("night", "anyone", "page")
    assert (policy.lateness_s, policy.receipt_timeout_s, policy.alert_padding_s) == (3, 60, 7)
    assert (policy.clock_offset_s, policy.till_silent_s) == (2.5, 240)
    assert policy.config_hash == config_hash(config)
    assert policy.default_rule.legal_age == 18


def test_a_site_s_own_threshold_counts_where_it_has_one(tmp_path: Path, bundle: AgeBundle) -> None:
    more = own_taus(tmp_path, bundle.digest, tau=0.4)
    assert a_policy(tmp_path, bundle, more).rules[18].tau == 0.4
    more = own_taus(tmp_path, bundle.digest, under_age=30)
    expected = bundle.threshold(under_age=25, miss_rate=0.05).tau
    assert a_policy(tmp_path, bundle, more).rules[18].tau == expected


def test_a_site_s_threshold_of_another_bundle_is_refused_with_the_one_in_use(
    tmp_path: Path, bundle: AgeBundle
) -> None:
    more = own_taus(tmp_path, "ab" * 32)
    with pytest.raises(PolicyError, match=bundle.digest) as refused:
        a_policy(tmp_path, bundle, more)
    assert "made for bundle abababab" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no json", "thresholds"),
        ('{"bundle": "x"}', "KeyError"),
        ('{"bundle": "x", "thresholds": [{"under_age": "young"}]}', "tau_file"),
        ("[" * 100_000, "tau_file"),
    ],
)
def test_a_file_of_thresholds_that_is_none_says_what_it_should_be(
    tmp_path: Path, bundle: AgeBundle, text: str, words: str
) -> None:
    (tmp_path / "tau.json").write_text(text)
    with pytest.raises(PolicyError, match=words):
        a_policy(tmp_path, bundle, "policy: {tau_file: tau.json}\n")


@pytest.mark.parametrize("tau", [0.0, 1.0, -0.1])
def test_a_threshold_that_asks_everybody_or_nobody_is_refused(
    tmp_path: Path, bundle: AgeBundle, tau: float
) -> None:
    with pytest.raises(PolicyError, match="between 0 and 1"):
        a_policy(tmp_path, bundle, own_taus(tmp_path, bundle.digest, tau=tau))
    with pytest.raises(PolicyError, match="everybody or nobody"):
        a_policy(tmp_path, with_taus(bundle, tau=tau))


def test_a_pair_that_nobody_asks_for_may_be_of_no_use(tmp_path: Path, bundle: AgeBundle) -> None:
    """`calibrate` writes all sixteen; the strictest of them can be 0 where the one in use is sound."""
    told = {
        "bundle": bundle.digest,
        "thresholds": [
            {"under_age": 18, "miss_rate": 0.01, "tau": 0.0, "n": 80, "usable": True},
            {"under_age": 25, "miss_rate": 0.05, "tau": 0.4, "n": 80, "usable": True},
        ],
    }
    (tmp_path / "tau.json").write_text(json.dumps(told))
    assert a_policy(tmp_path, bundle, "policy: {tau_file: tau.json}\n").rules[18].tau == 0.4


def test_a_site_s_threshold_on_few_faces_is_refused_until_somebody_accepts_it(
    tmp_path: Path, bundle: AgeBundle
) -> None:
    """It was taken without a word: the file says on how many faces it rests, and nobody looked."""
    more = own_taus(tmp_path, bundle.digest, n=49, usable=False)
    with pytest.raises(PolicyError, match=r"tau.json.* rests on 49 faces .*at least 50.*accept_few_faces"):
        a_policy(tmp_path, bundle, more)
    accepted = "policy: {tau_file: tau.json, accept_few_faces: true}\n"
    assert a_policy(tmp_path, bundle, accepted).rules[18].tau == 0.4
    assert a_policy(tmp_path, bundle, own_taus(tmp_path, bundle.digest, n=50)).rules[18].tau == 0.4


def test_a_threshold_on_few_faces_is_refused_until_somebody_accepts_it(
    tmp_path: Path, bundle: AgeBundle
) -> None:
    few = with_taus(bundle, n=49)
    with pytest.raises(PolicyError, match=r"49 faces of 14 to 17 years only.*accept_few_faces: true"):
        a_policy(tmp_path, few)
    accepted = a_policy(tmp_path, few, "policy: {accept_few_faces: true}\n")
    assert accepted.rules[18].tau == bundle.threshold(under_age=25, miss_rate=0.05).tau
    assert a_policy(tmp_path, with_taus(bundle, n=50)).rules[18].challenge_age == 25


def test_a_pair_that_the_bundle_has_not_is_refused_with_the_choice(tmp_path: Path, bundle: AgeBundle) -> None:
    without = replace(bundle, manifest=replace(bundle.manifest, thresholds=bundle.manifest.thresholds[:4]))
    with pytest.raises(ThresholdError, match=r"ages \[18\]"):
        a_policy(tmp_path, without)
