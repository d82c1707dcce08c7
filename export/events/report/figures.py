"""Every figure of the report, corrected and as estimated, with what small numbers hide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from export.events.analysis import tables
from export.events.analysis.age_error import errors_for
from export.events.analysis.bands import Band
from export.events.analysis.cells import Cells, added_up, columns_of
from export.events.analysis.correction import Estimate, Mixture, channel_of, mixture_of, rates_of
from export.events.analysis.engine import Engine
from export.events.analysis.errors import AnalysisError, NoData, NoErrorMeasured
from export.events.analysis.reading import Export
from export.events.analysis.suppression import LIFT_BASKETS_MIN, K, hidden_in_rows, hidden_in_table
from export.events.report.counts import counts_of, monday_of

__all__ = ["ByBand", "Figures", "Grid", "Lifts", "Sums", "Week", "figures_of", "sums_of"]

_F64 = NDArray[np.float64]
_MIX_BASKETS_MIN: Final = 100
"""Fewer baskets than this give no age mix of an hour or a week."""
_KEYS: Final = {
    "by_date": ("date", "model", "marked", "position"),
    "by_hour": ("hour", "model", "position"),
    "by_lane_group": ("lane_group",),
    "by_product": ("sku", "model", "position"),
    "by_category": ("category", "model", "position"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The engine's answers, as columns of numpy arrays by name."""

    by_date: dict[str, Any]
    by_hour: dict[str, Any]
    by_lane_group: dict[str, Any]
    by_product: dict[str, Any]
    by_category: dict[str, Any]
    names: dict[str, tuple[str, str]]
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ByBand:
    """A figure for each band: corrected, as estimated, and what is hidden `(K,)`."""

    corrected: Estimate
    estimated: _F64
    hidden: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A figure for each row and band, `(R, K)`; what is hidden of it, of the rows' totals and of the columns'."""

    rows: tuple[str, ...]
    corrected: Estimate
    estimated: _F64
    hidden: NDArray[np.bool_]
    row_totals: _F64
    row_hidden: NDArray[np.bool_]
    column_hidden: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifts:
    """How much more often a product is in a band's baskets than in all: `(products, K)`; by baskets, most first."""

    skus: tuple[str, ...]
    names: tuple[str, ...]
    categories: tuple[str, ...]
    corrected: Estimate
    estimated: _F64
    baskets: _F64
    hidden: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A week from Monday on. Changes are against the week before, None where the series breaks between them.

    `age_baskets` stand behind `share` and, as the estimates have it, `estimated`.
    """

    starts: date
    days: int
    baskets: int
    marked: int
    spend: float
    models: tuple[str, ...]
    breaks: tuple[str, ...]
    share: Estimate | None
    estimated: _F64
    age_baskets: float
    baskets_change: float | None
    spend_change: float | None
    share_change: Estimate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The report's content. Money is in the store's currency; shares are 0..1; a hidden count of baskets is None."""

    first: date
    last: date
    stores: tuple[str, ...]
    bands: tuple[Band, ...]
    currency: str
    baskets: int
    lines: int
    known: int | None
    unknown: int | None
    marked: int | None
    uncorrectable: int
    unfinished: int
    models: tuple[str, ...]
    models_unmeasured: tuple[str, ...]
    sources: tuple[str, ...]
    faces: tuple[int, ...]
    age_mix: ByBand
    age_baskets: _F64
    lines_a_basket: ByBand
    spend_a_basket: ByBand
    hours: Grid
    categories: Grid
    lifts: Lifts
    weeks: tuple[Week, ...]
    weeks_hidden: NDArray[np.bool_]
    week_baskets_hidden: NDArray[np.bool_]
    week_marked_hidden: NDArray[np.bool_]
    unknown_by_hour: tuple[tuple[int, int | None, int | None], ...]
    unknown_by_lane_group: tuple[tuple[str, int | None, int | None, int | None], ...]
    marked_days: tuple[tuple[str, int | None], ...]

    def change_hidden(self, week: int) -> bool:
        """A change tells one week from the other."""
        return bool(self.week_baskets_hidden[[max(week - 1, 0), week]].any())


def sums_of(engine: Engine, bands: Sequence[Band]) -> Sums:
    """Run the big sums. Raises AnalysisError where the baskets are paid in several currencies."""
    marked = None if engine.coverage is None else tables.marked_days(engine.coverage)
    lines = tables.with_marks(tables.numbered(engine.lines, bands), marked)
    currencies = [
        str(v) for v in columns_of(engine.fetch(lines.select("currency").distinct()))["currency"].tolist()
    ]
    if len(currencies) > 1:
        raise AnalysisError(
            f"baskets in {', '.join(sorted(currencies))}: report the stores of each currency by themselves"
        )
    parts: dict[str, list[Any]] = defaultdict(list)
    named: dict[str, tuple[str, str]] = {}
    for stretch in engine.in_stretches(lines):
        baskets = engine.keep(tables.baskets_of(stretch, bands))
        parts["by_date"].append(engine.fetch(tables.by_date(baskets, bands)))
        parts["by_hour"].append(engine.fetch(tables.by_hour(baskets, bands)))
        parts["by_lane_group"].append(engine.fetch(tables.by_lane_group(baskets)))
        parts["by_product"].append(engine.fetch(tables.by_product(stretch, bands)))
        parts["by_category"].append(engine.fetch(tables.by_category(stretch, bands)))
        found = columns_of(engine.fetch(tables.names(stretch)))
        for sku, name, category in zip(found["sku"], found["name"], found["category"], strict=True):
            named[sku] = max(named.get(sku, ("", "")), (name, category))
    sums = {name: columns_of(added_up(made, _KEYS[name])) for name, made in parts.items()}
    return Sums(**sums, names=named, currency=currencies[0] if currencies else "")


def figures_of(sums: Sums, export: Export, bundles: Sequence[Path]) -> Figures:
    """Correct and arrange. `bundles`: folders whose measured errors are known.

    Raises NoErrorMeasured where none of them made these estimates, NoData where no basket has an age.
    """
    bands, day = export.bands, sums.by_date
    models = tuple(sorted({str(m) for m in day["model"][day["position"] >= 0]}))
    if not models:
        raise NoData(f"{export.root}: no basket with an age from {export.first} to {export.last}")
    errors = errors_for(models, bundles)
    if not errors:
        raise NoErrorMeasured(
            f"{export.root}: the estimates are {' and '.join(models)}'s, and nobody measured how that errs; without it "
            "no figure by age band is right. Name its bundle (--bundle DIR), measured with: "
            "checkout-age measure-error DIR --data CROPS"
        )
    reader = Cells([channel_of(error, bands) for error in errors.values()], list(errors))
    usable = (~day["marked"]) & (day["position"] >= 0)
    counted = reader.count(day, usable)
    if counted.sum() < K:
        raise NoData(f"{export.root}: {int(counted.sum())} baskets with an age; a report needs at least {K}")
    mixture = mixture_of(reader.channel, counted)
    age_baskets = mixture.share.value * mixture.n.sum()
    counts = counts_of(day, sums.by_hour, sums.by_lane_group)
    hours = _hours(sums.by_hour, reader, bands, counts.hour_known_hidden)
    weeks = _weeks(day, reader, bands)
    weeks_hidden = _weeks_hidden(weeks)
    few = np.minimum(age_baskets, _soft(day, bands, usable, "p") / tables.STEPS)
    # What hours or weeks cannot tell without telling on a small cell, their sum cannot either.
    told_elsewhere = hours.column_hidden | weeks_hidden[-1, :-1]
    mix = ByBand(
        corrected=mixture.share,
        estimated=_shares(day, bands, usable),
        hidden=hidden_in_rows(np.where(told_elsewhere, 0.0, few)[None])[0],
    )
    quantities = [reader.sum(day, usable, column) for column in ("lines", "cents")]
    squares = [reader.sum(day, usable, column) for column in ("lines2", "cents2")]
    rates, _ = rates_of(mixture, np.stack(quantities), np.stack(squares))
    soft = np.maximum(_soft(day, bands, usable, "p"), 1e-9)
    return Figures(
        first=export.first,
        last=export.last,
        stores=tuple(sorted({p.store for p in export.partitions})),
        bands=bands,
        currency=sums.currency,
        baskets=int(day["n"].sum()),
        lines=int(day["lines"].sum()),
        known=counts.known,
        unknown=counts.unknown,
        marked=counts.marked,
        uncorrectable=int(day["n"][usable & (reader.cell(day) < 0)].sum()),
        unfinished=export.unfinished,
        models=tuple(errors),
        models_unmeasured=tuple(m for m in models if m not in errors),
        sources=tuple(f"{len(e)} · {e.source}" for e in errors.values()),
        faces=reader.channel.faces,
        age_mix=mix,
        age_baskets=age_baskets,
        lines_a_basket=ByBand(
            corrected=_row(rates, 0), estimated=_soft(day, bands, usable, "l") / soft, hidden=mix.hidden
        ),
        spend_a_basket=ByBand(
            corrected=_row(rates, 1, 0.01),
            estimated=_soft(day, bands, usable, "c") / soft / 100,
            hidden=mix.hidden,
        ),
        hours=hours,
        categories=_categories(
            sums.by_category,
            reader,
            mixture,
            bands=bands,
            spend=_row(rates, 1),
            age_baskets=age_baskets,
        ),
        lifts=_lifts(sums, reader, mixture, bands),
        weeks=weeks,
        weeks_hidden=weeks_hidden[:-1, :-1],
        week_baskets_hidden=counts.week_baskets_hidden,
        week_marked_hidden=counts.week_marked_hidden,
        unknown_by_hour=counts.unknown_by_hour,
        unknown_by_lane_group=counts.unknown_by_lane_group,
        marked_days=counts.marked_days,
    )


def _hours(
    table: dict[str, Any], reader: Cells, bands: tuple[Band, ...], known_hidden: NDArray[np.bool_]
) -> Grid:
    hours = np.unique(table["hour"])
    counts = reader.grouped(table, np.searchsorted(hours, table["hour"]), len(hours), "n")
    mixes = [mixture_of(reader.channel, n) if n.sum() >= _MIX_BASKETS_MIN else None for n in counts]
    estimated = np.stack(
        [
            _soft(table, bands, (table["hour"] == h) & (table["position"] >= 0), "p") / tables.STEPS
            for h in hours
        ]
    )
    corrected = _scaled(_together([m.share if m else None for m in mixes], len(bands)), counts.sum(axis=1))
    untold = np.isnan(corrected.value)
    hidden = hidden_in_table(np.minimum(np.where(untold, estimated, corrected.value), estimated))
    hidden[:-1, :-1] |= untold
    return Grid(
        rows=tuple(f"{int(h):02d}" for h in hours),
        corrected=corrected,
        estimated=estimated,
        hidden=hidden[:-1, :-1],
        row_totals=counts.sum(axis=1),
        row_hidden=hidden[:-1, -1] | known_hidden,
        column_hidden=hidden[-1, :-1],
    )


def _categories(
    table: dict[str, Any],
    reader: Cells,
    mixture: Mixture,
    *,
    bands: tuple[Band, ...],
    spend: Estimate,
    age_baskets: _F64,
) -> Grid:
    """The share of each category in what a band spends."""
    names = np.unique(table["category"].astype(str))
    group = np.searchsorted(names, table["category"].astype(str))
    cents = reader.grouped(table, group, len(names), "cents")
    rates, _ = rates_of(mixture, cents, reader.grouped(table, group, len(names), "cents2"))
    taken, _ = rates_of(mixture, reader.grouped(table, group, len(names), "n"))
    per_basket = np.maximum(spend.value, 1e-9)
    soft, seen = np.zeros((len(names), len(bands))), np.zeros((len(names), len(bands)))
    for k in range(len(bands)):
        np.add.at(soft[:, k], group, table[f"c{k}"].astype(np.float64))
        np.add.at(seen[:, k], group, table[f"p{k}"].astype(np.float64) / tables.STEPS)
    hidden = hidden_in_table(np.minimum(taken.value * age_baskets, seen))
    order = np.argsort(-cents.sum(axis=1), kind="stable")
    return Grid(
        rows=tuple(names[order].tolist()),
        corrected=Estimate(
            value=(rates.value / per_basket)[order],
            low=(rates.low / per_basket)[order],
            high=np.minimum(rates.high / per_basket, 1.0)[order],
        ),
        estimated=(soft / np.maximum(soft.sum(axis=0), 1e-9))[order],
        hidden=hidden[:-1, :-1][order],
        row_totals=(cents.sum(axis=1) / max(cents.sum(), 1e-9))[order],
        row_hidden=hidden[:-1, -1][order],
        column_hidden=hidden[-1, :-1],
    )


def _lifts(sums: Sums, reader: Cells, mixture: Mixture, bands: tuple[Band, ...]) -> Lifts:
    table = sums.by_product
    skus, group = np.unique(table["sku"].astype(str), return_inverse=True)
    counts = reader.grouped(table, group, len(skus), "n")
    enough = counts.sum(axis=1) >= LIFT_BASKETS_MIN
    soft = np.zeros((len(skus), len(bands)))
    for k in range(len(bands)):
        np.add.at(soft[:, k], group, table[f"p{k}"].astype(np.float64))
    skus, counts, soft = skus[enough], counts[enough], soft[enough]
    order = np.argsort(-counts.sum(axis=1), kind="stable")
    skus, counts, soft = skus[order], counts[order], soft[order]
    rates, lifts = rates_of(mixture, counts)
    share = _shares(sums.by_date, bands, (~sums.by_date["marked"]) & (sums.by_date["position"] >= 0))
    baskets = rates.value * mixture.share.value * mixture.n.sum()
    told = [sums.names.get(str(sku), (str(sku), "")) for sku in skus]
    return Lifts(
        skus=tuple(str(sku) for sku in skus),
        names=tuple(name for name, _ in told),
        categories=tuple(category for _, category in told),
        corrected=lifts,
        estimated=soft / np.maximum(soft.sum(axis=1, keepdims=True), 1e-9) / np.maximum(share, 1e-9),
        baskets=baskets,
        hidden=hidden_in_rows(np.minimum(baskets, soft / tables.STEPS)),
    )


def _weeks(day: dict[str, Any], reader: Cells, bands: tuple[Band, ...]) -> tuple[Week, ...]:
    monday = {d: monday_of(date.fromisoformat(d)) for d in {str(d) for d in day["date"]}}
    by_week: dict[date, list[int]] = defaultdict(list)
    for index, d in enumerate(day["date"]):
        by_week[monday[str(d)]].append(index)
    weeks: list[Week] = []
    before: tuple[Week, Mixture | None] | None = None
    for number, starts in enumerate(sorted(by_week)):
        rows = np.zeros(len(day["n"]), dtype=bool)
        rows[by_week[starts]] = True
        clean = rows & ~day["marked"]
        n = reader.count(day, clean & (day["position"] >= 0))
        mixture = mixture_of(reader.channel, n, seed=number) if n.sum() >= _MIX_BASKETS_MIN else None
        baskets = int(day["n"][clean].sum())
        models = tuple(sorted({str(m) for m in day["model"][clean & (day["position"] >= 0)]}))
        days = len({str(d) for d in day["date"][rows]})
        marked = int(day["n"][rows & day["marked"]].sum())
        breaks = _breaks(
            before[0] if before else None, starts, days=days, marked=marked, baskets=baskets, models=models
        )
        spend = float(day["cents"][clean].sum()) / 100 / max(baskets, 1)
        compared = before[0] if before is not None and not breaks else None
        change = None
        if compared is not None and before is not None and mixture is not None and before[1] is not None:
            drawn = mixture.share_replicates - before[1].share_replicates
            value = mixture.share.value - before[1].share.value
            low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
            change = Estimate(value=value, low=np.minimum(low, value), high=np.maximum(high, value))
        week = Week(
            starts=starts,
            days=days,
            baskets=baskets,
            marked=marked,
            spend=spend,
            models=models,
            breaks=breaks,
            share=mixture.share if mixture else None,
            estimated=_shares(day, bands, clean & (day["position"] >= 0)),
            age_baskets=float(n.sum()),
            baskets_change=baskets / compared.baskets - 1 if compared and compared.baskets else None,
            spend_change=spend / compared.spend - 1 if compared and compared.spend else None,
            share_change=change,
        )
        weeks.append(week)
        before = (week, mixture)
    return tuple(weeks)


def _breaks(
    before: Week | None, starts: date, *, days: int, marked: int, baskets: int, models: tuple[str, ...]
) -> tuple[str, ...]:
    """Why this week cannot be laid beside the one before: `part`, `gap`, `blind`, `model`; the first has nothing."""
    if before is None:
        return ()
    why = []
    if days < 7 or before.days < 7:
        why.append("part")
    if starts - before.starts > timedelta(days=7):
        why.append("gap")
    if marked > baskets or before.marked > before.baskets:
        why.append("blind")
    if models and before.models and models != before.models:
        why.append("model")
    return tuple(why)


def _weeks_hidden(weeks: tuple[Week, ...]) -> NDArray[np.bool_]:
    """Over weeks and bands, totals included."""
    shares = [w.estimated if w.share is None else np.minimum(w.share.value, w.estimated) for w in weeks]
    return hidden_in_table(np.stack([share * w.age_baskets for share, w in zip(shares, weeks, strict=True)]))


def _soft(table: dict[str, Any], bands: tuple[Band, ...], where: NDArray[np.bool_], letter: str) -> _F64:
    return np.array([float(table[f"{letter}{k}"][where].sum()) for k in range(len(bands))])


def _shares(table: dict[str, Any], bands: tuple[Band, ...], where: NDArray[np.bool_]) -> _F64:
    soft = _soft(table, bands, where, "p")
    return soft / max(soft.sum(), 1e-9)


def _row(estimate: Estimate, index: int, unit: float = 1.0) -> Estimate:
    return Estimate(
        value=estimate.value[index] * unit, low=estimate.low[index] * unit, high=estimate.high[index] * unit
    )


def _together(made: Sequence[Estimate | None], bands: int) -> Estimate:
    empty = np.full(bands, np.nan)
    return Estimate(
        value=np.stack([e.value if e else empty for e in made]),
        low=np.stack([e.low if e else empty for e in made]),
        high=np.stack([e.high if e else empty for e in made]),
    )


def _scaled(estimate: Estimate, by: _F64) -> Estimate:
    scale = by[:, None]
    return Estimate(value=estimate.value * scale, low=estimate.low * scale, high=estimate.high * scale)
