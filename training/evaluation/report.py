"""The evaluation as a page: the two answers in short, what they rest on, and the conclusions at the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from training.evaluation.answers import Answers
from training.evaluation.faces import EvalFaces
from training.evaluation.words import named, speak
from training.page import (
    Bar,
    Line,
    bar_chart,
    contact_sheet,
    figure,
    found,
    line_chart,
    pair,
    pictures,
    scatter_chart,
    section,
    table,
    tile,
    tiles,
    verdict,
    write_page,
)

__all__ = ["write_report"]

Say = Callable[..., str]
_WORST = 40
_GOALS = ("offers", "challenge")
_WHOSE = {
    "miss_14_17": "14–17",
    "challenged_18_24": "18–24",
    "false_25_29": "25–29",
    "false_30_34": "30–34",
    "false_35_plus": "35+",
}
_SHARES = tuple(_WHOSE)


def write_report(
    file: Path, figures: dict[str, Any], faces: EvalFaces, answers: Answers, *, split: str, lang: str
) -> None:
    """Write the HTML page of an evaluation."""
    say = speak(lang)
    write_page(
        file,
        title=say("title", model=figures["model"]),
        lead=say(
            "lead",
            n=figures["n"],
            split=split,
            variant=figures["variant"],
            rejected=sum(figures["rejected"].values()),
        ),
        lang=lang,
        parts=[
            _tiles(say, figures),
            _answers(say, figures),
            _errors(say, figures, faces, answers),
            _challenge(say, figures),
            _calibration(say, figures),
            _groups(say, figures),
            _degraded(say, figures),
            _variants(say, figures),
            _baselines(say, figures),
            _worst(say, faces, answers),
            _conclusions(say, figures),
        ],
        footer=" ".join(filter(None, [say("footer"), figures["licence"]])),
    )


def _tiles(say: Say, figures: dict[str, Any]) -> str:
    overall, calibration, tau = figures["overall"], figures["calibration"], figures["challenge25"]["tau"]
    return tiles(
        tile(_years(overall["mae_mean"]), f"{say('mae')}, {say('years')}"),
        tile(_percent(overall["cs5"]), say("cs5")),
        tile(
            _percent(figures["challenge25"]["point"]["miss_14_17"]), f"{say('miss_14_17')}, {say('by_point')}"
        ),
        tile(_percent(tau["miss_14_17"]), f"{say('miss_14_17')}, {say('by_tau')}"),
        tile(_percent(tau["false_35_plus"]), f"{say('false_35_plus')}, {say('by_tau')}"),
        tile(_percent(calibration["coverage90"]), say("coverage90")),
    )


def _answers(say: Say, figures: dict[str, Any]) -> str:
    """The answers alone, for who reads no further."""
    return section(say("goals"), *(_goal(say, figures, goal, []) for goal in _GOALS))


def _conclusions(say: Say, figures: dict[str, Any]) -> str:
    """The same answers with every rule that they rest on."""
    told = figures["conclusions"]
    return section(
        say("conclusions"),
        *(_goal(say, figures, goal, [_check(say, one) for one in told[goal]["checks"]]) for goal in _GOALS),
    )


def _goal(say: Say, figures: dict[str, Any], goal: str, reasons: list[str]) -> str:
    answer = figures["conclusions"][goal]["verdict"]
    return verdict(answer, say(goal), say(f"{goal}_{answer}"), reasons)


def _check(say: Say, check: dict[str, Any]) -> str:
    rule = check["rule"]
    shown = (
        str
        if rule == "n_14_17"
        else _years
        if rule == "mae"
        else _three
        if rule == "ece_under_25"
        else _percent
    )
    value = say("missing") if check["value"] is None else shown(check["value"])
    limit = f"{check['limit']:g}" if rule in ("n_14_17", "mae", "ece_under_25") else _percent(check["limit"])
    text = say(f"rule_{rule}", value=value, limit=limit, bound=say(check["bound"]))
    state = {True: say("ok"), False: say("fail"), None: say("missing")}[check["passed"]]
    return f"{text}: {state}"


def _errors(say: Say, figures: dict[str, Any], faces: EvalFaces, answers: Answers) -> str:
    names = {say("all"): figures["overall"] | {"n": figures["n"]}} | figures["data_sets"]
    rows = [
        [
            name,
            str(row["n"]),
            *(
                _with_interval(shown, row[key], row["intervals"][key])
                for key, shown in (
                    ("mae_mean", _years),
                    ("mae_median", _years),
                    ("cs5", _percent),
                    ("bias", _signed),
                )
            ),
        ]
        for name, row in names.items()
    ]
    head = [say("data_set"), *(say(k) for k in ("faces", "mae_mean", "mae_median", "cs5", "bias"))]
    bands = [
        Bar(label=_band(row), value=row["mae"], shown="" if row["bias"] is None else _signed(row["bias"]))
        for row in figures["bands"]
    ]
    chart = bar_chart(
        bands, title=say("by_band"), y_name=say("years"), x_name=say("true_age"), width=520, height=320
    )
    drawn = np.random.default_rng(0).permutation(len(faces))[:2500]
    cloud = scatter_chart(
        [(float(faces.ages[i]), float(answers.mean[i])) for i in drawn],
        title=say("scatter"),
        x_name=say("true_age"),
        y_name=say("judged"),
        limits=(0.0, 100.0),
    )
    return section(
        say("errors"),
        table(head, rows),
        say("intervals"),
        pair(figure(chart, say("by_band_caption")), figure(cloud, say("scatter"))),
    )


def _challenge(say: Say, figures: dict[str, Any]) -> str:
    point, tau = figures["challenge25"]["point"], figures["challenge25"]["tau"]
    rows = []
    for name, row in ((say("by_point"), point), (say("by_tau"), tau)):
        known = row["intervals"] or dict.fromkeys(_SHARES)
        rows.append([name, *(_with_interval(_percent, row[key], known[key]) for key in _SHARES)])
    bars = []
    for key in _SHARES:
        for row, short in ((point, ""), (tau, " τ")):
            label = _WHOSE[key] + short
            value = None if row[key] is None else 100 * row[key]
            bars.append(
                Bar(label=label, value=value, mark=bool(short), shown="" if value is None else f"{value:.0f}")
            )
    chart = bar_chart(bars, title=say("challenge25"), y_name="%", width=980, height=250)
    return section(
        say("challenge25"),
        _whose_tau(say, figures),
        table([" ", *(say(key) for key in _SHARES)], rows),
        figure(chart, say("challenge25_caption")),
    )


def _whose_tau(say: Say, figures: dict[str, Any]) -> str:
    tau, source = figures["challenge25"]["tau"], figures["calibration"]["source"]
    if source is None:
        return say("no_tau_run")
    if tau["tau"] is None:
        return say("no_tau_faces", n=tau["faces"])
    return say(
        "challenge25_lead",
        tau=tau["tau"],
        source=say("source_bundle" if source == "bundle" else "source_site"),
    )


def _calibration(say: Say, figures: dict[str, Any]) -> str:
    told = figures["calibration"]
    bins = [(row["predicted"], row["observed"]) for row in told["reliability_under_25"] if row["n"]]
    left = line_chart(
        [Line(name="P(<25)", points=bins, dots=True)],
        title=say("reliability"),
        x_name=say("predicted"),
        y_name=say("observed"),
        width=420,
        height=340,
        x_range=(0.0, 1.0),
        y_range=(0.0, 1.0),
        diagonal=True,
    )
    bars = [
        Bar(
            label=_band(row),
            value=None if row["coverage"] is None else 100 * row["coverage"],
            mark=row["coverage"] is not None and row["coverage"] < 0.85 and row["n"] >= 100,
            shown=f"n {row['n']}",
        )
        for row in figures["predicted_bands"]
    ]
    right = bar_chart(
        bars, title=say("coverage90"), y_name="%", x_name=say("judged"), width=520, height=340, rule=90.0
    )
    known = tiles(
        tile(_percent(told["coverage90"]), say("coverage90")),
        tile(_years(told["mean_width90"]), f"{say('width90')}, {say('years')}"),
        tile(_three(told["ece_under_25"]), say("ece")),
    )
    note = say("no_calibration") if told["source"] is None else ""
    return section(
        say("calibration"),
        note,
        known,
        pair(figure(left, say("reliability")), figure(right, say("coverage_caption"))),
    )


def _groups(say: Say, figures: dict[str, Any]) -> str:
    rows = [
        [
            f"{say(row['by'])}: {named(say, row['value'])}",
            str(row["n"]),
            _years(row["mae"]),
            _signed(row["bias"]),
            f"{_percent(row['miss_14_17'])} (n {row['n_14_17']})",
            _percent(row["false_challenge_35_plus"]),
        ]
        for row in figures["groups"]
    ]
    head = ["", *(say(key) for key in ("faces", "mae_mean", "bias", "miss_14_17", "false_35_plus"))]
    gaps = []
    for gap in figures["worst_gaps"]:
        shown = _years if gap["figure"] == "mae" else _percent
        more = (
            say("years_more", value=_years(gap["gap"]))
            if gap["figure"] == "mae"
            else say("points", value=f"{100 * gap['gap']:.1f}")
        )
        gaps.append(
            say(
                "gap",
                by=say(gap["by"]),
                figure=say(gap["figure"]),
                worst=named(say, gap["worst"]),
                value=shown(gap["value"]),
                gap=more,
                best=named(say, gap["best"]),
            )
        )
    return section(say("groups"), found(gaps) if gaps else say("no_groups"), table(head, rows))


def _degraded(say: Say, figures: dict[str, Any]) -> str:
    known = {name: row for name, row in figures["degraded"].items() if row["mae"] is not None}
    if not known:
        return ""
    bars = [
        Bar(
            label=say("clean"),
            value=figures["overall"]["mae_mean"],
            shown=_years(figures["overall"]["mae_mean"]),
        )
    ]
    bars += [
        Bar(label=say(name), value=row["mae"], mark=True, shown=_years(row["mae"]))
        for name, row in known.items()
    ]
    rows = [
        [say(name)]
        + [f(row[k]) for f, k in ((_years, "mae"), (_signed, "bias"), (_percent, "miss_14_17_point"))]
        for name, row in known.items()
    ]
    chart = bar_chart(bars, title=say("degraded"), y_name=say("years"), width=520, height=240)
    head = ["", say("mae_mean"), say("bias"), f"{say('miss_14_17')}, {say('by_point')}"]
    return section(say("degraded"), pair(figure(chart), table(head, rows)))


def _variants(say: Say, figures: dict[str, Any]) -> str:
    if len(figures["variants"]) < 2:
        return ""
    rows = [
        [
            name,
            _years(row["mae"]),
            _percent(row["cs5"]),
            _percent(row["miss_14_17"]),
            _percent(row["false_35_plus"]),
            _percent(row["coverage90"]),
            _three(row["ece_under_25"]),
            _years(row.get("largest_difference_years")),
        ]
        for name, row in figures["variants"].items()
    ]
    keys = (
        "variant",
        "mae_mean",
        "cs5",
        "miss_14_17",
        "false_35_plus",
        "coverage90",
        "ece",
        "largest_difference",
    )
    return section(say("variants"), table([say(key) for key in keys], rows))


def _baselines(say: Say, figures: dict[str, Any]) -> str:
    rows = [[say("this_model"), _years(figures["overall"]["mae_mean"]), ""]]
    rows += [
        [f"{say('this_model')}, {name}", _years(row["mae_mean"]), ""]
        for name, row in figures["data_sets"].items()
    ]
    rows += [
        [say(name), _years(row["mae"]), row.get("source", "")] for name, row in figures["baselines"].items()
    ]
    return section(say("baselines"), table(["", say("mae_mean"), say("source")], rows), say("baseline_note"))


def _worst(say: Say, faces: EvalFaces, answers: Answers) -> str:
    order = np.argsort(-np.abs(answers.mean - faces.ages), kind="stable")[:_WORST]
    sheet = contact_sheet(
        [faces.crops[i] for i in order], [f"{faces.ages[i]:.0f} -> {answers.mean[i]:.0f}" for i in order]
    )
    return section(say("worst"), say("worst_caption"), pictures(sheet, say("worst")))


def _band(row: dict[str, Any]) -> str:
    return f"{row['from']}+" if row["to"] > 100 else f"{row['from']}–{row['to']}"


def _years(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _signed(value: float | None) -> str:
    return "–" if value is None else f"{value:+.1f}".replace("-", "−")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _three(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _with_interval(
    shown: Callable[[float | None], str], value: float | None, ends: list[float] | None
) -> str:
    """A figure and its 95 % interval, the unit once: 16.8 % (10.3–23.4), +0.3 (−0.1 … +0.8)."""
    if value is None or ends is None:
        return shown(value)
    low, high = (shown(end).removesuffix(" %") for end in ends)
    return f"{shown(value)} ({low}{' … ' if shown is _signed else '–'}{high})"
