"""The data report as a page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from training.eda.words import speak
from training.faces import read_picture
from training.labels import Labels
from training.page import (
    Bar,
    bar_chart,
    contact_sheet,
    figure,
    found,
    pair,
    pictures,
    section,
    table,
    tile,
    tiles,
    write_page,
)

__all__ = ["write_report"]

Say = Callable[..., str]
_SHOWN_PAIRS = 20
_SAMPLES = 60


def write_report(file: Path, told: dict[str, Any], labels: Labels, *, lang: str) -> None:
    """Write the HTML page of what `eda` gathered."""
    say, tell = speak(lang)
    of_labels, seen = told["labels"], told["pictures"]
    looked = say("seen", n=seen["looked_at"]) if seen else say("unseen")
    write_page(
        file,
        title=say("title", name=told["name"]),
        lead=say("lead", n=of_labels["n"], seen=looked),
        lang=lang,
        parts=[
            _tiles(say, of_labels, seen),
            section(say("findings"), found([tell(finding) for finding in told["findings"]])),
            _ages(say, of_labels),
            _heaping(say, of_labels),
            _detail(say, of_labels),
            _counts(say, of_labels),
            *(_pictures(say, seen, labels) if seen else [section(say("pictures"), say("absent"))]),
        ],
        footer=say("footer"),
    )


def _tiles(say: Say, of_labels: dict[str, Any], seen: dict[str, Any] | None) -> str:
    whipple = of_labels["whipple"]
    shown = [
        tile(str(of_labels["n"]), say("labels")),
        tile(f"{of_labels['age']['median']:.0f}", say("median_age")),
        tile(str(of_labels["bands"]["14_17"]), say("n_14_17")),
        tile("–" if whipple is None else f"{whipple:.0f}", say("whipple")),
    ]
    if seen:
        share = seen["faces"]["one"] / max(1, seen["looked_at"])
        shown += [
            tile(_percent(share), say("one_face")),
            tile(str(seen["duplicates"]["near_pairs"]), say("near_pairs")),
        ]
    return tiles(*shown)


def _ages(say: Say, of_labels: dict[str, Any]) -> str:
    last = max(i for i, n in enumerate(of_labels["histogram"]) if n)
    heaped = {int(heap["age"]) for heap in of_labels["heaped"]}
    bars = [
        Bar(label=str(age), value=float(n), mark=age in heaped)
        for age, n in enumerate(of_labels["histogram"][: last + 1])
    ]
    modes = ", ".join(f"{peak['age']:.0f}" for peak in of_labels["modes"])
    chart = bar_chart(
        bars, title=say("ages"), x_name=say("age"), y_name=say("count"), width=980, label_every=5
    )
    return section(say("ages"), figure(chart, say("histogram_caption", modes=modes)))


def _heaping(say: Say, of_labels: dict[str, Any]) -> str:
    whipple = of_labels["whipple"]
    bars = [
        Bar(label=str(digit), value=ratio, mark=ratio > 1.15, shown=f"{ratio:.2f}")
        for digit, ratio in enumerate(of_labels["digits"])
    ]
    chart = bar_chart(bars, title=say("heaping"), x_name=say("digit"), width=520, height=240, rule=1.0)
    rows = [[f"{h['age']:.0f}", f"{h['n']:.0f}", f"{h['times']:.2f}"] for h in of_labels["heaped"][:8]]
    beside = table([say("age"), say("count"), say("times")], rows) if rows else ""
    lead = "" if whipple is None else say("heaping_lead", whipple=f"{whipple:.0f}")
    return section(say("heaping"), lead, pair(figure(chart, say("digits_caption")), beside))


def _detail(say: Say, of_labels: dict[str, Any]) -> str:
    bars = [
        Bar(label=age, value=float(n), mark=int(age) < 18, shown=str(n))
        for age, n in of_labels["detail_16_30"].items()
    ]
    chart = bar_chart(
        bars, title=say("detail"), x_name=say("age"), y_name=say("count"), width=760, height=240
    )
    return section(say("detail"), figure(chart, say("detail_caption")))


def _counts(say: Say, of_labels: dict[str, Any]) -> str:
    tables = []
    for name, counted in of_labels["counts"].items():
        if counted:
            rows = [[value, str(n), _percent(n / of_labels["n"])] for value, n in counted.items()]
            tables.append(table([say(name), say("labels"), say("share")], rows))
    if of_labels["splits"]:
        rows = [
            [name, str(row["n"]), f"{row['mean']:.1f}", str(row["n_14_17"])]
            for name, row in of_labels["splits"].items()
        ]
        tables.append(table([say("split"), say("labels"), say("mean"), say("n_14_17")], rows))
    return section(say("counts"), pair(*tables)) if tables else ""


def _pictures(say: Say, seen: dict[str, Any], labels: Labels) -> list[str]:
    return [
        section(say("pictures"), *_sizes(say, seen)),
        section(say("faces"), _faces(say, seen)),
        section(say("duplicates"), *_duplicates(say, seen)),
        _trouble(say, seen),
        section(say("samples"), _samples(say, labels), say("samples_caption")),
    ]


def _sizes(say: Say, seen: dict[str, Any]) -> list[str]:
    total = max(1, seen["looked_at"])
    sizes = [[f"{row['width']} × {row['height']}", str(row["n"])] for row in seen["sizes"]]
    turned = [[say(name), str(n), _percent(n / total)] for name, n in seen["orientation"].items()]
    kinds = [
        [say(f"{name}_pictures"), str(seen[name]), _percent(seen[name] / total)]
        for name in ("grey", "dark", "bright", "blurred")
    ]
    light = [Bar(label=f"{row['from']:.0f}", value=row["n"]) for row in seen["brightness"]]
    sharp = [Bar(label=f"{row['from']:.2f}", value=row["n"]) for row in seen["sharpness"]]
    ranges = seen["size_range"]
    lead = ""
    if ranges:
        (w0, w1), (h0, h1) = ranges["width"], ranges["height"]
        lead = say("sizes_lead", w0=w0, w1=w1, h0=h0, h1=h1)
    charts = pair(
        figure(
            bar_chart(
                light, title=say("brightness"), y_name=say("count"), width=500, height=230, label_every=2
            ),
            say("brightness"),
        ),
        figure(
            bar_chart(
                sharp, title=say("sharpness"), y_name=say("count"), width=500, height=230, label_every=4
            ),
            say("sharpness"),
        ),
    )
    tables = pair(
        table([say("size"), say("count")], sizes),
        table([say("kind"), say("count"), say("share")], kinds)
        + table([say("orientation"), say("count"), say("share")], turned),
    )
    return [lead, charts, tables]


def _faces(say: Say, seen: dict[str, Any]) -> str:
    total = max(1, seen["looked_at"])
    rows = [[say(f"faces_{name}"), str(n), _percent(n / total, 2)] for name, n in seen["faces"].items()]
    return table([say("faces"), say("count"), say("share")], rows)


def _duplicates(say: Say, seen: dict[str, Any]) -> list[str]:
    told = seen["duplicates"]
    parts = [
        say(
            "duplicates_lead",
            exact=told["exact_groups"],
            pictures=told["exact_pictures"],
            near=told["near_pairs"],
        )
    ]
    if told["straddling"]:
        rows = [[f"{a} – {b}", f"{s} – {t}"] for a, b, s, t in told["straddling"][:_SHOWN_PAIRS]]
        parts += [say("straddling_lead"), table([say("pair"), say("split")], rows)]
    if told["ages_disagree"]:
        rows = [[f"{a} – {b}", f"{s:.0f} – {t:.0f}"] for a, b, s, t in told["ages_disagree"][:_SHOWN_PAIRS]]
        parts += [say("disagree_lead"), table([say("pair"), say("age")], rows)]
    return parts


def _trouble(say: Say, seen: dict[str, Any]) -> str:
    rows = [[name, say(kind)] for kind, names in seen["trouble"].items() for name in names[:_SHOWN_PAIRS]]
    return section(say("trouble"), table(["", ""], rows)) if rows else ""


def _samples(say: Say, labels: Labels) -> str:
    """Pictures spread evenly over the ages, the same at every run."""
    assert labels.pictures is not None
    shuffled = np.random.default_rng(0).permutation(len(labels))
    by_age = sorted(shuffled.tolist(), key=lambda i: labels.rows[i].age)
    ages = np.array([labels.rows[i].age for i in by_age])
    wanted = np.linspace(ages.min(), np.quantile(ages, 0.999), _SAMPLES)
    chosen: list[int] = []
    for age in wanted:
        place = int(np.searchsorted(ages, age))
        free = [i for i in by_age[place : place + 40] if i not in chosen]
        if free:
            chosen.append(free[0])
    images, captions = [], []
    for i in chosen:
        image = read_picture(labels.pictures / labels.rows[i].file_name)
        if not isinstance(image, str):
            images.append(image)
            captions.append(f"{labels.rows[i].age:g}")
    return pictures(contact_sheet(images, captions), say("samples")) if images else ""


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"
