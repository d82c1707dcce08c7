"""Read all faces with all variants of a model and gather the whole evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from training.evaluation.answers import Answers, answers_of
from training.evaluation.candidate import Candidate
from training.evaluation.conclusions import conclusions
from training.evaluation.degraded import DEGRADATIONS, degrade
from training.evaluation.faces import EvalFaces
from training.evaluation.figures import field_baselines, figures_of
from training.evaluation.measures import (
    challenge,
    challenged,
    clean,
    coverage,
    errors,
    expected_calibration_error,
)

__all__ = ["Evaluation", "evaluate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """`figures` as `schemas.md` pins them (rounded, JSON-ready), and the answers of the variant that counts."""

    figures: dict[str, Any]
    answers: Answers


def evaluate(
    candidate: Candidate, faces: EvalFaces, *, degradations: bool = True, variants: bool = True
) -> Evaluation:
    """Evaluate a model; other variants stand beside it under `variants`.

    Without `degradations` those figures are null, without `variants` only the one that counts is read.
    """
    names = list(candidate.open) if variants else [candidate.variant]
    first = candidate.open[candidate.variant]()
    answers = answers_of(first(faces.crops), candidate.calibration)
    figures = figures_of(faces, answers, candidate.calibration)
    figures["degraded"] = {
        name: _degraded(candidate, first, faces, name) if degradations else {"mae": None}
        for name in DEGRADATIONS
    }
    figures["rejected"] = faces.rejected
    figures["baselines"] = field_baselines(faces)
    others = {}
    for name in names[1:]:
        other = answers_of(candidate.open[name]()(faces.crops), candidate.calibration)
        others[name] = _short(candidate, faces, other) | {
            "largest_difference_years": float(np.abs(other.mean - answers.mean).max())
        }
    figures["variants"] = {candidate.variant: _short(candidate, faces, answers)} | others
    head = {"model": candidate.name, "variant": candidate.variant, "licence": candidate.licence}
    told = clean(head | figures)
    told["conclusions"] = conclusions(told)
    return Evaluation(figures=told, answers=answers)


def _degraded(candidate: Candidate, read: Any, faces: EvalFaces, name: str) -> dict[str, Any]:
    return _short(candidate, faces, answers_of(read(degrade(faces.crops, name)), candidate.calibration))


def _short(candidate: Candidate, faces: EvalFaces, answers: Answers) -> dict[str, Any]:
    """The few figures that variants and degradations are compared by."""
    told = errors(faces.ages, answers)
    by_point = challenged(answers, None)
    tau = candidate.calibration.tau if candidate.calibration else None
    by_tau = challenged(answers, tau) if tau is not None else None
    assert by_point is not None
    return {
        "mae": told["mae_mean"],
        "cs5": told["cs5"],
        "bias": told["bias"],
        "data_sets": {
            str(name): errors(faces.ages, answers, faces.data_set == name)["mae_mean"]
            for name in sorted(set(faces.data_set.tolist()))
        },
        "miss_14_17_point": challenge(faces.ages, by_point)["miss_14_17"],
        "miss_14_17": challenge(faces.ages, by_tau)["miss_14_17"] if by_tau is not None else None,
        "false_35_plus": challenge(faces.ages, by_tau)["false_35_plus"] if by_tau is not None else None,
        "coverage90": coverage(faces.ages, answers),
        "ece_under_25": expected_calibration_error(faces.ages, answers),
    }
