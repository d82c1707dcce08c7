"""All figures of one model on one set of faces, in the shape that `schemas.md` pins. Pure but for progress."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.evaluation.answers import Answers, CalibrationInForce
from training.evaluation.faces import EvalFaces
from training.evaluation.measures import (
    AGE_BANDS,
    at_ages,
    bootstrap_mean,
    challenge,
    challenged,
    coverage,
    error_intervals,
    errors,
    expected_calibration_error,
    false_35_plus,
    missed_14_17,
    reliability,
    share_intervals,
)

__all__ = ["GROUP_FACES_MIN", "field_baselines", "figures_of", "worst_gaps"]

GROUP_FACES_MIN: Final = 100
_Bool = NDArray[np.bool_]


def figures_of(faces: EvalFaces, answers: Answers, calibration: CalibrationInForce | None) -> dict[str, Any]:
    """Errors by data set, band and group, Challenge 25, calibration; without degradations and baselines."""
    tau = calibration.tau if calibration else None
    by_point = challenged(answers, None)
    by_tau = challenged(answers, tau) if tau is not None else None
    assert by_point is not None
    groups = _groups(faces, answers, by_point, by_tau)
    return {
        "n": len(faces),
        "overall": _errors(faces, answers, np.ones(len(faces), dtype=bool)),
        "data_sets": {
            str(name): _data_set(faces, answers, faces.data_set == name)
            for name in sorted(set(faces.data_set.tolist()))
        },
        "bands": [_band(faces, answers, first, last) for first, last in AGE_BANDS],
        "predicted_bands": _predicted_bands(faces, answers),
        "groups": groups,
        "worst_gaps": worst_gaps(groups),
        "minors": _minors(faces, by_tau),
        "challenge25": {
            "point": _challenge(faces, by_point),
            "tau": {
                "tau": tau,
                "miss_rate": calibration.miss_rate if calibration else None,
                "faces": calibration.tau_faces if calibration else None,
            }
            | (_challenge(faces, by_tau) if by_tau is not None else _unknown_challenge())
            | {"note": calibration.tau_note if calibration else "no calibration: this is no bundle"},
        },
        "calibration": {
            "source": calibration.source if calibration else None,
            "temperature": calibration.temperature if calibration else None,
            "coverage90": coverage(faces.ages, answers),
            "coverage90_ci95": _coverage_interval(faces, answers),
            "mean_width90": _mean_width(answers),
            "ece_under_25": expected_calibration_error(faces.ages, answers),
            "reliability_under_25": reliability(faces.ages, answers),
        },
    }


def _minors(faces: EvalFaces, by_tau: _Bool | None) -> dict[str, Any] | None:
    """Which of the 14–17-year-olds were missed at τ, so that two bundles can be compared without the faces.

    `faces` names the set by a digest of its file names; `missed` has one character a face, in their order.
    """
    teens = at_ages(faces.ages, 14, 17)
    if by_tau is None or not teens.any():
        return None
    names = sorted(
        (name, bool(asked)) for name, asked in zip(np.array(faces.names)[teens], by_tau[teens], strict=True)
    )
    digest = hashlib.sha256("\n".join(name for name, _ in names).encode()).hexdigest()
    return {"faces": digest, "missed": "".join("0" if asked else "1" for _, asked in names)}


def _errors(faces: EvalFaces, answers: Answers, among: _Bool) -> dict[str, Any]:
    """Errors with the interval of each under `intervals`; `ci95` is the mean decode's."""
    intervals = error_intervals(faces.ages, answers, among)
    return errors(faces.ages, answers, among) | {"ci95": intervals["mae_mean"], "intervals": intervals}


def _data_set(faces: EvalFaces, answers: Answers, among: _Bool) -> dict[str, Any]:
    return {"n": int(among.sum()), **_errors(faces, answers, among)}


def _band(faces: EvalFaces, answers: Answers, first: int, last: int) -> dict[str, Any]:
    among = at_ages(faces.ages, first, last)
    told = _errors(faces, answers, among)
    return {
        "from": first,
        "to": last,
        "n": int(among.sum()),
        "mae": told["mae_mean"],
        "bias": told["bias"],
        "cs5": told["cs5"],
        "ci95": told["ci95"],
        "coverage": coverage(faces.ages, answers, among),
    }


def _predicted_bands(faces: EvalFaces, answers: Answers) -> list[dict[str, Any]]:
    """Coverage by what the model says, the only band that is known at the till."""
    rows = []
    for first, last in AGE_BANDS:
        among = at_ages(answers.mean, first, last)
        rows.append(
            {
                "from": first,
                "to": last,
                "n": int(among.sum()),
                "mae": errors(faces.ages, answers, among)["mae_mean"],
                "coverage": coverage(faces.ages, answers, among),
            }
        )
    return rows


def _groups(
    faces: EvalFaces, answers: Answers, by_point: _Bool, by_tau: _Bool | None
) -> list[dict[str, Any]]:
    """Misses and false challenges by τ where there is one, else by the point estimate (`by_threshold` says which)."""
    asked = by_point if by_tau is None else by_tau
    rows = []
    for by, values in (("gender", faces.gender), ("group", faces.group), ("data_set", faces.data_set)):
        for value in sorted(set(values.tolist()) - {""}):
            among = values == value
            told = _errors(faces, answers, among)
            rows.append(
                {
                    "by": by,
                    "value": str(value),
                    "n": int(among.sum()),
                    "mae": told["mae_mean"],
                    "ci95": told["ci95"],
                    "bias": told["bias"],
                    "miss_14_17": missed_14_17(faces.ages[among], asked[among]),
                    "n_14_17": int(at_ages(faces.ages[among], 14, 17).sum()),
                    "false_challenge_35_plus": false_35_plus(faces.ages[among], asked[among]),
                    "miss_14_17_point": missed_14_17(faces.ages[among], by_point[among]),
                    "by_threshold": "tau" if by_tau is not None else "point",
                }
            )
    return rows


def worst_gaps(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For sex and group: who is worst in MAE, misses and false challenges, and how far from the best.

    Groups under 100 faces are left out; misses need ten 14–17-year-olds in each group that is compared.
    """
    gaps = []
    for by in ("gender", "group"):
        large = [row for row in groups if row["by"] == by and row["n"] >= GROUP_FACES_MIN]
        for figure in ("mae", "miss_14_17", "false_challenge_35_plus"):
            known = [
                r for r in large if r[figure] is not None and (figure != "miss_14_17" or r["n_14_17"] >= 10)
            ]
            if len(known) < 2:
                continue
            worst, best = max(known, key=lambda r: r[figure]), min(known, key=lambda r: r[figure])
            gaps.append(
                {
                    "by": by,
                    "figure": figure,
                    "worst": worst["value"],
                    "value": worst[figure],
                    "best": best["value"],
                    "gap": worst[figure] - best[figure],
                }
            )
    return gaps


def _challenge(faces: EvalFaces, asked: _Bool) -> dict[str, Any]:
    intervals = share_intervals(faces.ages, asked)
    return challenge(faces.ages, asked) | {"ci95": intervals["miss_14_17"], "intervals": intervals}


def _unknown_challenge() -> dict[str, Any]:
    names = (
        *("miss_14_17", "challenged_18_24", "false_25_29", "false_30_34", "false_35_plus"),
        *("ci95", "intervals"),
    )
    return dict.fromkeys(names)


def _coverage_interval(faces: EvalFaces, answers: Answers) -> list[float] | None:
    if answers.low is None or answers.high is None:
        return None
    return bootstrap_mean((answers.low <= faces.ages) & (faces.ages <= answers.high))


def _mean_width(answers: Answers) -> float | None:
    if answers.low is None or answers.high is None:
        return None
    return float((answers.high - answers.low).mean())


def field_baselines(faces: EvalFaces) -> dict[str, Any]:
    """What needs no model, and what others reached: figures of the literature carry their source."""
    known = faces.train_ages if len(faces.train_ages) else faces.ages
    guess = float(np.median(known))
    return {
        "guess_median": {"mae": float(np.abs(faces.ages - guess).mean()), "age": guess},
        "people": {
            "mae": 8.0,
            "source": "Clifford et al., R. Soc. Open Sci. 2018: photos of strangers, reviews 6-8",
        },
        "resnet50_regression_utkface": {
            "mae": 4.72,
            "source": "Paplham and Franc, CVPR 2024, 256 px, pretrained",
        },
        "resnet50_sord_utkface": {"mae": 4.36, "source": "Paplham and Franc, CVPR 2024, 256 px, pretrained"},
        "mivolo_utkface": {"mae": 4.23, "source": "MiVOLO README"},
        "resnet50_course_chalearn": {
            "mae": 5.97,
            "source": "best published course notebook on the shop's 7,591 photos",
        },
    }
