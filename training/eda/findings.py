"""What follows from the figures, as facts with numbers; the words stand in `words.py`. Pure."""

from __future__ import annotations

from typing import Any

__all__ = ["findings"]

_FEW = 0.05
_WHIPPLE_ROUGH = 105.0


def findings(labels: dict[str, Any], pictures: dict[str, Any] | None) -> list[dict[str, Any]]:
    """A list of `{"key": …, values …}`, the weightiest for training first."""
    told = _of_labels(labels)
    return told + (_of_pictures(labels, pictures) if pictures else [{"key": "no_pictures"}])


def _of_labels(labels: dict[str, Any]) -> list[dict[str, Any]]:
    n, bands, found = labels["n"], labels["bands"], []
    peaks = [peak["age"] for peak in labels["modes"]]
    if len(peaks) == 1:
        found.append({"key": "one_mode", "age": int(peaks[0])})
    elif len(peaks) == 2:
        found.append({"key": "two_modes", "first": int(peaks[0]), "second": int(peaks[1])})
    elif peaks:
        found.append({"key": "many_modes", "ages": ", ".join(f"{age:.0f}" for age in sorted(peaks))})
    for key, count in (("few_under_16", bands["under_16"]), ("few_over_60", bands["over_60"])):
        if count / n < 2 * _FEW:
            found.append({"key": key, "n": count, "share": count / n})
    teens = bands["14_17"]
    found.append({"key": "few_14_17" if teens / n < _FEW else "enough_14_17", "n": teens, "share": teens / n})
    if labels["whipple"] is not None:
        rough = labels["whipple"] >= _WHIPPLE_ROUGH
        ages = ", ".join(f"{heap['age']:.0f}" for heap in labels["heaped"][:6])
        found.append(
            {"key": "heaped" if rough else "not_heaped", "whipple": labels["whipple"], "ages": ages or "–"}
        )
    if bands["over_100"]:
        found.append({"key": "over_100", "n": bands["over_100"]})
    if not labels["counts"]["split"]:
        found.append({"key": "no_split"})
    for name, row in labels["splits"].items():
        if name == "val" and row["n_14_17"] < 50:
            found.append({"key": "val_teens", "n": row["n_14_17"]})
    missing = [name for name in ("gender", "group") if not labels["counts"][name]]
    if missing:
        found.append({"key": "no_groups", "names": ", ".join(missing)})
    if not labels["subjects"]:
        found.append({"key": "no_subjects"})
    return found


def _of_pictures(labels: dict[str, Any], pictures: dict[str, Any]) -> list[dict[str, Any]]:
    n, found = max(1, pictures["looked_at"]), []
    trouble = sum(len(names) for names in pictures["trouble"].values())
    if trouble:
        found.append({"key": "unreadable", "n": trouble})
    faces = pictures["faces"]
    found.append(
        {"key": "faces", "one": faces["one"] / n, "none": faces["none"], "several": faces["several"]}
    )
    duplicates = pictures["duplicates"]
    if duplicates["near_pairs"]:
        found.append({"key": "near", "n": duplicates["near_pairs"]})
    if duplicates["straddling"] and labels["counts"]["split"]:
        found.append({"key": "straddling", "n": len(duplicates["straddling"])})
    if duplicates["ages_disagree"]:
        found.append({"key": "disagree", "n": len(duplicates["ages_disagree"])})
    if pictures["grey"] / n > 0.01:
        found.append({"key": "grey", "n": pictures["grey"], "share": pictures["grey"] / n})
    if pictures["blurred"] / n > _FEW:
        found.append({"key": "blurred", "n": pictures["blurred"], "share": pictures["blurred"] / n})
    if pictures["eye_px"]:
        found.append({"key": "eyes", "median": pictures["eye_px"]["p50"], "low": pictures["eye_px"]["p5"]})
    return found
