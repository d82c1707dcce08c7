"""From configuration and age bundle to the policy of a lane: the bundle's threshold, never one of our own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from edge.age import FACES_MIN, AgeBundle, AgeModelError
from edge.config import Config, Lane, config_hash
from edge.config import Policy as PolicyConfig
from edge.rules import AgeRule, Policy

__all__ = ["PolicyError", "lane_policy", "threshold"]


@dataclass(frozen=True, slots=True)
class _Own:
    """A threshold of the site; `n`: faces of 14 to 17 years behind it, None where the file does not say."""

    tau: float
    n: int | None


class PolicyError(AgeModelError):
    """A policy that the age bundle cannot serve; the message names the way out."""


def lane_policy(config: Config, lane: Lane, bundle: AgeBundle) -> Policy:
    """The rules of one lane.

    Raises PolicyError (or the bundle's ThresholdError) where there is no threshold for an age and rate, where it rests
    on too few faces and nobody has accepted that, or where the site's own belongs to another bundle.
    """
    told = config.policy
    rules = [
        AgeRule(
            legal_age=legal,
            challenge_age=challenge,
            miss_rate=miss_rate,
            tau=threshold(told, bundle, challenge_age=challenge, miss_rate=miss_rate),
        )
        for legal, challenge, miss_rate in (
            (told.legal_age, told.challenge_age, told.miss_rate),
            *((one.legal_age, one.challenge_age, one.miss_rate) for one in told.other_ages),
        )
    ]
    return Policy(
        name=told.name,
        rules={rule.legal_age: rule for rule in rules},
        party=told.party,
        reports_id_checks=lane.reports_id_checks,
        lateness_s=told.lateness_s,
        receipt_timeout_s=told.receipt_timeout_s,
        alert_padding_s=told.alert_padding_s,
        clock_offset_s=config.till.offset_s(lane.name),
        till_silent_s=config.till.silent_minutes * 60,
        config_hash=config_hash(config),
        default_legal_age=told.legal_age,
    )


def threshold(told: PolicyConfig, bundle: AgeBundle, *, challenge_age: int, miss_rate: float) -> float:
    """τ for one challenge age and miss rate: the site's own where it has one, else the bundle's."""
    if told.tau_file is not None:
        own = _own(told.tau_file, bundle).get((challenge_age, miss_rate))
        if own is not None:
            return _usable(own, told, challenge_age=challenge_age, miss_rate=miss_rate)
    entry = bundle.threshold(under_age=challenge_age, miss_rate=miss_rate)
    if not entry.usable and not told.accept_few_faces:
        raise PolicyError(
            f"{bundle.name}: the threshold for age {challenge_age} at miss rate {miss_rate:g} rests on {entry.n} faces "
            "of 14 to 17 years only. Way out: choose another pair, give a `policy.tau_file` of your own, or accept it "
            "by `policy.accept_few_faces: true`"
        )
    if not 0.0 < entry.tau < 1.0:
        raise PolicyError(
            f"{bundle.name}: the threshold for age {challenge_age} at miss rate {miss_rate:g} is {entry.tau:g}: "
            "that asks everybody or nobody. Way out: choose another miss rate, or calibrate the bundle again"
        )
    return entry.tau


def _usable(own: _Own, told: PolicyConfig, *, challenge_age: int, miss_rate: float) -> float:
    where = (
        f"policy.tau_file {told.tau_file}: the threshold for age {challenge_age} at miss rate {miss_rate:g}"
    )
    if not 0.0 < own.tau < 1.0:
        raise PolicyError(
            f"{where} is {own.tau:g}: that asks everybody or nobody; it lies between 0 and 1. Way out: another pair, "
            "or take it out of the file, then the bundle's counts"
        )
    if own.n is not None and own.n < FACES_MIN and not told.accept_few_faces:
        raise PolicyError(
            f"{where} rests on {own.n} faces of 14 to 17 years only. Way out: measure at least {FACES_MIN}, take it "
            "out of the file, then the bundle's counts, or accept it by `policy.accept_few_faces: true`"
        )
    return own.tau


def _own(file: Path, bundle: AgeBundle) -> dict[tuple[int, float], _Own]:
    """`{"bundle": DIGEST, "thresholds": [{"under_age": 25, "miss_rate": 0.05, "tau": 0.2}]}`, and `n` where known."""
    try:
        told = json.loads(file.read_bytes())
        digest = told["bundle"]
        taus = {
            (int(one["under_age"]), float(one["miss_rate"])): _Own(
                tau=float(one["tau"]), n=None if one.get("n") is None else int(one["n"])
            )
            for one in told["thresholds"]
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PolicyError(
            f"policy.tau_file {file}: {error.__class__.__name__}: {error}. It holds "
            '{"bundle": DIGEST, "thresholds": [{"under_age": 25, "miss_rate": 0.05, "tau": 0.2}]}'
        ) from error
    if digest != bundle.digest:
        raise PolicyError(
            f"policy.tau_file {file}: made for bundle {str(digest)[:12]}…, in use is {bundle.digest}. Its "
            "numbers do not hold here. Way out: measure the site's threshold anew, or take the file out of the policy"
        )
    return taus
