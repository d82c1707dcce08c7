"""MODEL_CARD.md out of `bundle.json` alone, so that card and bundle cannot disagree.

Sections after Mitchell et al., "Model Cards for Model Reporting" (2019); YAML head as Hugging Face reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["model_card"]


def model_card(document: Mapping[str, Any]) -> str:
    """The card of a bundle. Figures that nobody has measured yet read "not measured"."""
    return "\n".join(
        [
            *_head(document),
            *_details(document),
            *_use(document),
            *_figures(document),
            *_thresholds(document),
            *_data(document),
            *_limits(),
        ]
    )


def _head(document: Mapping[str, Any]) -> list[str]:
    sets = document["training"]["data"].get("data_sets", {})
    return [
        "---",
        "license: other",
        f'license_name: "{document["licence"]}"',
        "datasets:",
        *(f"- {name}" for name in sets),
        "metrics:",
        "- mae",
        "pipeline_tag: image-classification",
        "---",
        f"# {document['name']} {document['version']}",
        "",
        f"**{document['licence']}**",
        "",
    ]


def _details(document: Mapping[str, Any]) -> list[str]:
    contract, training = document["contract"], document["training"]
    return [
        "## Model details",
        "",
        "- ResNet-50 (Keras `keras.applications`), average pooling, a distribution over the ages 0–100.",
        "- Input `crops`: uint8 `[n, 112, 112, 3]`, BGR, aligned by crop contract "
        f"{contract['version']} (digest `{contract['digest'][:16]}…`). Output `logits`: float32 `[n, 101]`.",
        "- `model_int8.onnx`: static int8 (QDQ), weights per channel in 7 bits, activations uint8, opset 17; "
        "pre-processing inside.",
        f"- Created {document['created']}; code {training.get('git') or 'unknown'}.",
        f"- Recipe: {training['recipe']}.",
        f"- Temperature {document['temperature']}; the mean of the tempered distribution is the estimate.",
        "",
    ]


def _use(document: Mapping[str, Any]) -> list[str]:
    return [
        "## Intended use",
        "",
        document["intended_use"],
        "",
        "Out of scope: identifying anybody, deciding a sale, proving anybody's age, evidence against anybody, "
        "and any use that the licence above does not allow.",
        "",
    ]


def _figures(document: Mapping[str, Any]) -> list[str]:
    parity = document["export"]["parity"]
    lines = [
        "## Metrics",
        "",
        "Export gates "
        f"({parity['n']} faces, not tempered): worst difference of Keras and fp32 "
        f"{parity['keras_to_fp32_worst']} years; MAE Keras {parity['mae_keras']:.2f}, fp32 {parity['mae_fp32']:.2f}, "
        f"int8 {parity['mae_int8']:.2f} years; int8 file {parity['int8_bytes']:,} bytes.",
        "",
    ]
    metrics = document.get("metrics")
    if not metrics:
        return [*lines, "On `test`: not measured (`checkout-age evaluate BUNDLE --data DATA`).", ""]
    sets = [
        [
            name,
            entry["n"],
            _years(entry["mae_mean"]),
            _years(entry["mae_median"]),
            _share(entry["cs5"]),
            _years(entry["bias"]),
        ]
        for name, entry in metrics["data_sets"].items()
    ]
    lines += _goals(document, metrics)
    lines += [
        f"`evaluate` on {metrics['n']} faces of `{metrics.get('split', 'test')}`, int8, one crop a face:",
        "",
    ]
    lines += _table(["data set", "n", "MAE (mean)", "MAE (median)", "within 5 years", "bias"], sets)
    bands = [
        [f"{b['from']}–{b['to']}", b["n"], _years(b["mae"]), _years(b["bias"]), _share(b["coverage"])]
        for b in metrics.get("bands", [])
    ]
    lines += ["By age:", "", *_table(["ages", "n", "MAE", "bias", "coverage"], bands)]
    groups = [
        [
            g["by"],
            g["value"],
            g["n"],
            _years(g["mae"]),
            _share(g["miss_14_17"]),
            _share(g["false_challenge_35_plus"]),
        ]
        for g in metrics.get("groups", [])
    ]
    lines += ["By group:", "", *_table(["by", "value", "n", "MAE", "14–17 missed", "35+ challenged"], groups)]
    worst = [g for g in metrics.get("groups", []) if g["n"] >= 100]
    if worst:
        named = max(worst, key=lambda g: g["mae"])
        lines += [
            f"The worst group (n ≥ 100) is {named['by']} {named['value']}: MAE {_years(named['mae'])}.",
            "",
        ]
    lines += _gaps(metrics)
    calibration = metrics.get("calibration", {})
    return [
        *lines,
        f"Coverage of the 90 % interval {_share(calibration.get('coverage90'))}; calibration error of P(<25) "
        f"{_years(calibration.get('ece_under_25'), 3)}.",
        "",
    ]


def _gaps(metrics: Mapping[str, Any]) -> list[str]:
    names = {"mae": "MAE", "miss_14_17": "14–17 missed", "false_challenge_35_plus": "35+ challenged"}
    rows = [
        [
            names[gap["figure"]],
            gap["by"],
            gap["worst"],
            f"{gap['value']:.3f}",
            gap["best"],
            f"{gap['gap']:.3f}",
        ]
        for gap in metrics.get("worst_gaps", [])
    ]
    head = ["figure", "by", "worst group", "its figure", "best group", "gap"]
    return ["Worst groups (n ≥ 100):", "", *_table(head, rows)] if rows else []


def _goals(document: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[str]:
    """What was asked of this model beside what it reached."""
    rows = []
    for goal in document.get("goals", []):
        value: Any = metrics
        for key in goal["figure"].split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        low, high = goal.get("at_least"), goal.get("at_most")
        asked = (
            f"{low:g}–{high:g}"
            if low is not None and high is not None
            else f"≤ {high:g}"
            if high is not None
            else f"≥ {low:g}"
        )
        known = isinstance(value, int | float)
        reached = known and (low is None or value >= low) and (high is None or value <= high)
        rows.append(
            [goal["what"], asked, f"{value:.3f}" if known else "not measured", "yes" if reached else "**no**"]
        )
    return ["Asked and reached:", "", *_table(["what", "asked", "measured", "reached"], rows)] if rows else []


def _thresholds(document: Mapping[str, Any]) -> list[str]:
    rows = [
        [
            entry["under_age"],
            f"{entry['miss_rate']:.0%}",
            entry["tau"],
            f"{entry['interval'][0]}–{entry['interval'][1]}",
            f"{entry['misses']} of {entry['n']}",
            "yes" if entry["usable"] else "no: too few faces",
        ]
        for entry in document["thresholds"]
    ]
    return [
        "## Decision thresholds",
        "",
        "τ from the 14–17-year-olds of `val`: ID is asked for when P(under the age) ≥ τ.",
        "",
        *_table(["age", "miss rate", "τ", "95 % interval of τ", "missed on val", "usable"], rows),
        "## Uncertainty",
        "",
        f"The interval holds {document['intervals']['coverage']:.0%} of people: equal tails of the distribution "
        "and margins by predicted age, from `val`:",
        "",
        *_table(
            ["predicted mean", "below", "above", "n"],
            [
                [f"{m['from']:g}–{m['to']:g}", m["low"], m["high"], m.get("n", "")]
                for m in document["intervals"]["margins"]
            ],
        ),
    ]


def _data(document: Mapping[str, Any]) -> list[str]:
    data = document["training"]["data"]
    sets = data.get("data_sets", {})
    splits = sorted({split for counts in sets.values() for split in counts})
    rows = [[name, *(counts.get(split, 0) for split in splits)] for name, counts in sets.items()]
    return [
        "## Training and evaluation data",
        "",
        *_table(["data set", *splits], rows),
        f"Labels SHA-256 `{data.get('labels_sha256', 'unknown')}`. Near duplicates stand in one split. "
        "Calibrated on `val` and on nothing else.",
        "",
    ]


def _limits() -> list[str]:
    return [
        "## Ethical considerations, caveats",
        "",
        "- An estimate from a face is uncertain by years; it may only prompt a person to ask for ID.",
        "- Errors differ between groups of people (see the table by group); watch false challenges where you use it.",
        "- The faces are photographs from the web and from one East Asian collection, not camera pictures of a till; "
        "few are 14–17 or above 80, published ages are rounded, some are wrong.",
        "- Masks, make-up, headgear, overhead cameras, backlight and compression were not part of the evaluation.",
        "",
    ]


def _table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> list[str]:
    titles = list(head)
    return [
        "| " + " | ".join(titles) + " |",
        "|" + "---|" * len(titles),
        *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows),
        "",
    ]


def _years(value: float | None, digits: int = 2) -> str:
    return "not measured" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.1%}"
