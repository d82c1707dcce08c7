"""The report's tables as JSON and CSV. What is hidden on the page is empty here too."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from export.events.analysis.correction import Estimate
from export.events.report.figures import Figures, Grid

__all__ = ["json_of", "tables_of", "write_report", "write_whole"]


def json_of(figures: Figures) -> dict[str, Any]:
    """`age_mix` and `lifts` as they are pinned, everything else beside them."""
    f, keys = figures, [band.key for band in figures.bands]
    return {
        "schema_version": 1,
        "from": f.first.isoformat(),
        "to": f.last.isoformat(),
        "stores": list(f.stores),
        "bands": keys,
        "currency": f.currency,
        "baskets": f.baskets,
        "lines": f.lines,
        "known": f.known,
        "unknown": f.unknown,
        "marked": f.marked,
        "models": list(f.models),
        "models_unmeasured": list(f.models_unmeasured),
        "age_mix": [
            {
                "band": key,
                "share": _or(f.age_mix.hidden[k], f.age_mix.corrected.value[k]),
                "ci95": _ci(f.age_mix.hidden[k], f.age_mix.corrected, k),
                "uncorrected": _or(f.age_mix.hidden[k], f.age_mix.estimated[k]),
            }
            for k, key in enumerate(keys)
        ],
        "lifts": [
            {
                "band": key,
                "sku": sku,
                "lift": _number(f.lifts.corrected.value[i, k]),
                "ci95": _ci(False, f.lifts.corrected, (i, k)),
                "baskets": round(float(f.lifts.baskets[i, k])),
                "uncorrected": _number(f.lifts.estimated[i, k]),
            }
            for i, sku in enumerate(f.lifts.skus)
            for k, key in enumerate(keys)
            if not f.lifts.hidden[i, k]
        ],
        "tables": {
            name: [dict(zip(head, row, strict=True)) for row in rows] for name, head, rows in tables_of(f)
        },
    }


def tables_of(figures: Figures) -> Iterable[tuple[str, Sequence[str], list[list[Any]]]]:
    """Every table by name, with its columns and rows; long form, one figure a row."""
    f, keys = figures, [band.key for band in figures.bands]
    ends = ("value", "low", "high", "uncorrected")
    for name, figure in (
        ("age_mix", f.age_mix),
        ("lines_a_basket", f.lines_a_basket),
        ("spend_a_basket", f.spend_a_basket),
    ):
        yield (
            name,
            ("band", *ends),
            [
                [
                    key,
                    *(_or(figure.hidden[k], e[k]) for e in _ends(figure.corrected)),
                    _or(figure.hidden[k], figure.estimated[k]),
                ]
                for k, key in enumerate(keys)
            ],
        )
    yield "customers_by_hour", ("hour", "band", *ends), _grid(f.hours, keys)
    yield "category_share", ("category", "band", *ends), _grid(f.categories, keys)
    yield (
        "lifts",
        ("band", "sku", "name", "category", *ends, "baskets"),
        [
            [
                key,
                f.lifts.skus[i],
                f.lifts.names[i],
                f.lifts.categories[i],
                *(_number(e[i, k]) for e in _ends(f.lifts.corrected)),
                _number(f.lifts.estimated[i, k]),
                round(float(f.lifts.baskets[i, k])),
            ]
            for i in range(len(f.lifts.skus))
            for k, key in enumerate(keys)
            if not f.lifts.hidden[i, k]
        ],
    )
    yield (
        "weeks",
        (
            "week",
            "days",
            "baskets",
            "baskets_change",
            "spend_a_basket",
            "spend_change",
            "marked",
            "breaks",
            "models",
        ),
        [
            [
                w.starts.isoformat(),
                w.days,
                _or(f.week_baskets_hidden[r], w.baskets),
                _or(f.change_hidden(r), w.baskets_change),
                _or(f.week_baskets_hidden[r], w.spend),
                _or(f.change_hidden(r), w.spend_change),
                _or(f.week_marked_hidden[r], w.marked),
                " ".join(w.breaks),
                " ".join(w.models),
            ]
            for r, w in enumerate(f.weeks)
        ],
    )
    yield (
        "age_mix_by_week",
        ("week", "band", *ends, "change", "change_low", "change_high"),
        [
            [
                w.starts.isoformat(),
                key,
                *_three(w.share, k, f.weeks_hidden[r, k]),
                _or(f.weeks_hidden[r, k] or w.share is None, w.estimated[k]),
                *_three(w.share_change, k, f.weeks_hidden[r, k] or f.weeks_hidden[max(r - 1, 0), k]),
            ]
            for r, w in enumerate(f.weeks)
            for k, key in enumerate(keys)
        ],
    )
    yield "unknown_by_hour", ("hour", "baskets", "unknown"), [list(row) for row in f.unknown_by_hour]
    yield (
        "unknown_by_lane_group",
        ("lane_group", "baskets", "unknown", "marked"),
        [list(row) for row in f.unknown_by_lane_group],
    )


def csv_of(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV text; hidden and unknown figures are empty."""
    made = io.StringIO()
    writer = csv.writer(made, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return made.getvalue()


def write_whole(file: Path, text: str) -> None:
    """Write a file as a whole or not at all. Raises OSError."""
    waiting = file.with_name(f".{file.name}.new")
    try:
        with waiting.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        waiting.replace(file)
    except OSError:
        waiting.unlink(missing_ok=True)
        raise


def write_report(figures: Figures, page: str, out: Path, json_file: Path | None) -> list[Path]:
    """The page, a CSV for each table beside it, and the JSON where it is asked for. Raises OSError."""
    out.parent.mkdir(parents=True, exist_ok=True)
    written = [out]
    for name, head, rows in tables_of(figures):
        file = out.with_name(f"{out.stem}.{name}.csv")
        write_whole(file, csv_of(head, rows))
        written.append(file)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(json_file, json.dumps(json_of(figures), indent=1, ensure_ascii=False) + "\n")
        written.append(json_file)
    write_whole(out, page)
    return written


def _grid(grid: Grid, keys: Sequence[str]) -> list[list[Any]]:
    return [
        [
            row,
            key,
            *(_or(grid.hidden[r, k], e[r, k]) for e in _ends(grid.corrected)),
            _or(grid.hidden[r, k], grid.estimated[r, k]),
        ]
        for r, row in enumerate(grid.rows)
        for k, key in enumerate(keys)
    ] + [
        [row, "all", _or(grid.row_hidden[r], grid.row_totals[r]), None, None, None]
        for r, row in enumerate(grid.rows)
    ]


def _three(estimate: Estimate | None, k: int, hidden: bool) -> list[Any]:
    return [None] * 3 if estimate is None or hidden else [_number(e[k]) for e in _ends(estimate)]


def _ends(estimate: Estimate) -> tuple[Any, Any, Any]:
    return estimate.value, estimate.low, estimate.high


def _or(hidden: Any, value: Any) -> Any:
    return None if hidden else _number(value)


def _ci(hidden: Any, estimate: Estimate, at: Any) -> Any:
    return None if hidden else [_number(estimate.low[at]), _number(estimate.high[at])]


def _number(value: Any) -> Any:
    if value is None or value != value:  # noqa: PLR0124 - not a number
        return None
    return round(float(value), 6)
