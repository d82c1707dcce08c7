"""Rows of the ablation table: figures of each answer on the same faces, and what sets it apart from the base. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from training.ablation.plan import BASE
from training.evaluation.answers import Answers, answers_of
from training.evaluation.measures import challenge, challenged, clean, errors
from training.evaluation.paired import paired

__all__ = ["Judged", "figures_of", "markdown"]

_TITLES: Final = {"utkface": "UTKFace", "allage": "All-Age-Faces"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What one row answered: logits `(n, 101)` or years `(n, 1)`, and to the same faces degraded where it was asked.

    `seconds` and `steps` of its run are None where it took none.
    """

    name: str
    what: str
    logits: NDArray[np.float32]
    degraded: NDArray[np.float32] | None = None
    seconds: float | None = None
    steps: int | None = None


def figures_of(
    judged: Sequence[Judged], ages: NDArray[np.float64], data_set: NDArray[np.str_]
) -> list[dict[str, Any]]:
    """One entry a row, JSON-ready: MAE (all, by data set, degraded), share within 5 years, 14–17 judged 25 or older.

    `to_base` is the row's MAE less the base's with its paired bootstrap interval; None for the base, and for
    all while there is none. Ages in years, `(n,)`.
    """
    answers = {row.name: answers_of(row.logits, None) for row in judged}
    base = answers.get(BASE)
    return [
        clean(
            {
                "name": row.name,
                "what": row.what,
                **_figures(answers[row.name], ages, data_set),
                "mae_degraded": None
                if row.degraded is None
                else errors(ages, answers_of(row.degraded, None))["mae_mean"],
                "to_base": _to_base(answers[row.name], base, ages) if row.name != BASE else None,
                "steps": row.steps,
                "seconds": row.seconds,
            }
        )
        for row in judged
    ]


def _figures(answers: Answers, ages: NDArray[np.float64], data_set: NDArray[np.str_]) -> dict[str, Any]:
    whole = errors(ages, answers)
    asked = challenged(answers, None)
    assert asked is not None
    minors = challenge(ages, asked)
    return {
        "mae": whole["mae_mean"],
        "data_sets": {
            str(name): errors(ages, answers, data_set == name)["mae_mean"]
            for name in sorted(set(data_set.tolist()))
        },
        "cs5": whole["cs5"],
        "miss_14_17": minors["miss_14_17"],
        "n_14_17": minors["n_14_17"],
    }


def _to_base(answers: Answers, base: Answers | None, ages: NDArray[np.float64]) -> dict[str, Any] | None:
    if base is None:
        return None
    told = paired(ages, answers, base)["mae"]
    return {key: told[key] for key in ("difference", "ci95", "significant")}


def markdown(told: Mapping[str, Any]) -> str:
    """The table of `told["rows"]` with a sentence on how they were made, ready for docs/model.md."""
    rows = told["rows"]
    known = told["judged_on"]["data_sets"]
    sets = [name for name in _TITLES if name in known] + [name for name in known if name not in _TITLES]
    head = ["what", *(_TITLES.get(name, name) for name in sets)]
    head += ["within 5 years", "14–17 judged 25+", "MAE degraded", "MAE against the base (95 %)"]
    lines = [_line(head), _line(["---"] * len(head))]
    for row in rows:
        what = f"**{row['what']}**" if row["name"] == BASE else row["what"]
        years = [_number(row["data_sets"].get(name), 2) for name in sets]
        shares = [_number(row["cs5"], 3), _number(row["miss_14_17"], 2)]
        lines.append(_line([what, *years, *shares, _number(row["mae_degraded"], 2), _difference(row)]))
    return "\n".join([*lines, "", _how(told), ""])


def _how(told: Mapping[str, Any]) -> str:
    learnt, judge, teens = told["trained_on"], told["judged_on"], told["rows"][0]["n_14_17"]
    sentences = [
        f"Each run saw {learnt['seen']:,} crops, drawn from the same {learnt['faces']:,} faces of `train`; judged on "
        f"{judge['faces']:,} faces of `val` ({teens} of 14–17), one crop at 112 px, not tempered.",
        "Degraded: the same faces, each in one of four ways (56 px, JPEG 30, noise, dark).",
        "The interval is the paired bootstrap over faces: it says nothing of what another seed would give.",
    ]
    if told["unfinished"]:
        sentences.append(f"Not run yet: {', '.join(told['unfinished'])}.")
    return "\n".join(sentences)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _difference(row: Mapping[str, Any]) -> str:
    if row["name"] == BASE:
        return ""
    found = row["to_base"]
    if found is None:
        return "–"
    low, high = found["ci95"]
    return f"{found['difference']:+.2f} ({low:+.2f} to {high:+.2f})".replace("-", "−")
