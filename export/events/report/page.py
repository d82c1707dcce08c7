"""The report as one self-contained page: no script, no file beside it, readable when printed."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

import numpy as np

from export.events.analysis.suppression import K
from export.events.report import charts
from export.events.report.figures import ByBand, Figures, Grid, Lifts, Week
from export.events.report.words import WORDS, Lang

__all__ = ["page_of"]

_PRODUCTS: Final = 8
_CATEGORIES: Final = 14
_LIFT_MOST: Final = 5.0

_STYLE: Final = """
:root{--ink:#1c2530;--soft:#5a6979;--line:#dde4eb;--page:#fff;--card:#f4f7fa;--a:#1f5fbf;--b:#c2571a;--none:#e9eef3;
--c1:#1f5fbf;--c2:#c2571a;--c3:#2f8f63;--c4:#8a4fbf;--c5:#b8860b;--c6:#1797a6;--c7:#b8336a}
@media(prefers-color-scheme:dark){:root{--ink:#e6ecf3;--soft:#9fb0c2;--line:#2c3947;--page:#121a22;--card:#1a242f;
--a:#6fa8ff;--b:#ff9a5c;--none:#1f2a36;--c1:#6fa8ff;--c2:#ff9a5c;--c3:#5fcf9a;--c4:#c79bff;--c5:#e3c04b;--c6:#5fd3df;
--c7:#ff8ab8}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1080px;margin:0 auto;padding:28px 22px 80px}
h1{font-size:1.8rem;line-height:1.2;margin:.2em 0 .1em}
h2{font-size:1.25rem;margin:2.2em 0 .3em;padding-top:.9em;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.5em 0 .2em}p{max-width:80ch;margin:.5em 0}
.lead,.note{color:var(--soft)}.note{font-size:.92rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px;margin:18px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px}
.tile b{display:block;font-size:1.5rem;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:.88rem}
.box{background:var(--card);border-left:5px solid var(--b);border-radius:0 10px 10px 0;padding:10px 16px;margin:14px 0}
.box h3{margin:0 0 .2em}.box p{margin:.2em 0}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(400px,1fr));gap:18px;align-items:start}
figure{margin:14px 0}figcaption{color:var(--soft);font-size:.9rem}
.key{display:inline-block;width:14px;height:10px;background:var(--a);opacity:.8;margin:0 5px 0 12px}
.key.o{height:0;border-top:3px solid var(--b);background:none;opacity:1;vertical-align:middle}
svg{width:100%;height:auto;display:block}svg.span{width:190px}
svg text{fill:var(--soft);font:11.5px system-ui,sans-serif;text-anchor:middle}
svg text.y{text-anchor:end}svg text.cell{fill:var(--ink)}svg text.strong{fill:#fff}
@media(prefers-color-scheme:dark){svg text.strong{fill:#0c1218}}
.grid{stroke:var(--line)}.bar{fill:var(--a);opacity:.8}.none{fill:var(--none)}.other{stroke:var(--b);stroke-width:3}
.whisker{stroke:var(--ink);stroke-width:1.3;fill:none;opacity:.8}
.rule{stroke:var(--soft);stroke-dasharray:3 3;fill:none}
.line{fill:none;stroke-width:2.2}
.k1{stroke:var(--c1)}.k2{stroke:var(--c2)}.k3{stroke:var(--c3)}.k4{stroke:var(--c4)}.k5{stroke:var(--c5)}
.k6{stroke:var(--c6)}.k7{stroke:var(--c7)}
circle.k1{fill:var(--c1)}circle.k2{fill:var(--c2)}circle.k3{fill:var(--c3)}circle.k4{fill:var(--c4)}
circle.k5{fill:var(--c5)}circle.k6{fill:var(--c6)}circle.k7{fill:var(--c7)}
svg text.legend{text-anchor:start;stroke:none}text.k1{fill:var(--c1)}text.k2{fill:var(--c2)}text.k3{fill:var(--c3)}
text.k4{fill:var(--c4)}text.k5{fill:var(--c5)}text.k6{fill:var(--c6)}text.k7{fill:var(--c7)}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.93rem;margin:8px 0}
th,td{padding:5px 14px 5px 0;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--soft);font-weight:600}.t,th:first-child,td:first-child{text-align:left}td.h{padding:5px 8px}
td.ci svg{display:inline-block;vertical-align:middle;margin-right:10px}td.ci span{color:var(--soft)}
table.wares{table-layout:fixed;width:100%}table.wares td{overflow:hidden;text-overflow:ellipsis}
.wares th{white-space:normal;vertical-align:bottom}.wares th:nth-child(1){width:22%}.wares th:nth-child(2){width:15%}
.wares th:nth-child(3){width:8%}.wares th:nth-child(4){width:32%}
footer{color:var(--soft);font-size:.86rem;margin-top:3em;border-top:1px solid var(--line);padding-top:1em}
@media print{main{max-width:none}h2,h3{break-after:avoid}figure,table,.box{break-inside:avoid}}
"""


def page_of(figures: Figures, lang: Lang) -> str:
    """The whole page as HTML text."""
    words = WORDS[lang]
    return _Page(figures, words, lang).html()


class _Page:
    def __init__(self, figures: Figures, words: dict[str, str], lang: Lang) -> None:
        self._f, self._w, self._lang = figures, words, lang
        self._labels = [band.label for band in figures.bands]

    def html(self) -> str:
        f, w = self._f, self._w
        lead = w["lead"].format(
            stores=", ".join(f.stores),
            first=f.first.isoformat(),
            last=f.last.isoformat(),
            baskets=_count(f.baskets),
            lines=_count(f.lines),
        )
        parts = [
            f"<h1>{_e(w['title'])}</h1><p class='lead'>{_e(lead)}</p>",
            self._tiles(),
            *self._notices(),
            self._section("mix", self._by_band(f.age_mix, percent=True, name="mix_title")),
            self._section("hours", self._hours()),
            self._basket(),
            self._section("category", self._categories(f.categories)),
            self._section("products", self._products(f.lifts)),
            self._section("weeks", self._weeks(f.weeks)),
            self._section("unknown", self._unknown()),
            self._method(),
        ]
        footer = w["footer"].format(models=", ".join(f.models), baskets=_count(f.baskets))
        return (
            f'<!doctype html>\n<html lang="{self._lang}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width,initial-scale=1">'
            f"<title>{_e(w['title'])}</title><style>{_STYLE}</style></head><body><main>\n"
            + "\n".join(part for part in parts if part)
            + f"\n<footer>{_e(footer)}</footer></main></body></html>\n"
        )

    def _section(self, key: str, *parts: str) -> str:
        text = self._w.get(key)
        told = f"<p class='note'>{_e(text)}</p>" if text else ""
        return f"<section><h2>{_e(self._w[key + '_title'])}</h2>{told}" + "\n".join(parts) + "</section>"

    def _tiles(self) -> str:
        f, w = self._f, self._w
        seen = "·" if f.known is None else _percent(f.known / max(f.baskets, 1))
        cents, lines = _store_average(f)
        made = [
            (_count(f.baskets), w["baskets"]),
            (seen, w["known"]),
            (f"{cents:.2f}", w["spend"].format(currency=f.currency)),
            (f"{lines:.1f}", w["lines"]),
        ]
        tiles = "".join(f"<div class='tile'><b>{_e(v)}</b><span>{_e(n)}</span></div>" for v, n in made)
        return f"<div class='tiles'>{tiles}</div>"

    def _notices(self) -> list[str]:
        f, w = self._f, self._w
        told = [f"<div class='box'><h3>{_e(w['use_title'])}</h3><p>{_e(w['use'])}</p></div>"]
        lines = []
        if f.marked_days:
            days = ", ".join(f"{day} ({_told(n)})" for day, n in f.marked_days[:12])
            lines.append(w["marked_days"].format(days=days + (" …" if len(f.marked_days) > 12 else "")))
        if f.models_unmeasured:
            lines.append(
                w["unmeasured"].format(n=_count(f.uncorrectable), models=", ".join(f.models_unmeasured))
            )
        if f.unfinished:
            lines.append(w["unfinished"].format(n=f.unfinished))
        if lines:
            told.append("<div class='box'>" + "".join(f"<p>{_e(line)}</p>" for line in lines) + "</div>")
        return told

    def _method(self) -> str:
        f, w = self._f, self._w
        sentences = [
            w["method"].format(sources="; ".join(f.sources)),
            w["interval"],
            w["limits"],
            w["hidden"].format(k=K),
        ]
        return (
            f"<section><h2>{_e(w['method_title'])}</h2>"
            + "".join(f"<p>{_e(s)}</p>" for s in sentences)
            + "</section>"
        )

    def _by_band(self, figure: ByBand, *, percent: bool, name: str, unit: str = "", width: int = 700) -> str:
        show = _percent if percent else (lambda v: f"{v:.2f}")
        made = []
        for k, label in enumerate(self._labels):
            if figure.hidden[k]:
                made.append(charts.Bar(label=label, value=None))
                continue
            c = figure.corrected
            text = f"{show(c.value[k])} ({show(c.low[k])} – {show(c.high[k])})"
            made.append(
                charts.Bar(
                    label=label,
                    value=float(c.value[k]),
                    low=float(c.low[k]),
                    high=float(c.high[k]),
                    other=float(figure.estimated[k]),
                    shown=text,
                )
            )
        chart = charts.bars(made, title=unit or self._w[name], width=width, percent=percent)
        return (
            f"<figure>{chart}<figcaption>{_e(unit)}<span class='key'></span>{_e(self._w['corrected'])}"
            f"<span class='key o'></span>{_e(self._w['uncorrected'])}</figcaption></figure>"
        )

    def _hours(self) -> str:
        grid = self._f.hours
        values = [
            [None if grid.hidden[r, k] else float(grid.corrected.value[r, k]) for r in range(len(grid.rows))]
            for k in range(len(self._labels))
        ]
        shown = [[_count(_about(v)) if v is not None else "" for v in row] for row in values]
        c = grid.corrected
        hints = [
            [
                ""
                if grid.hidden[r, k]
                else f"{_about(c.low[r, k])} – {_about(c.high[r, k])}; {self._w['uncorrected']} "
                f"{_about(grid.estimated[r, k])}"
                for r in range(len(grid.rows))
            ]
            for k in range(len(self._labels))
        ]
        return (
            "<figure><div class='wide'>"
            + charts.heat(
                grid.rows, self._labels, values, title=self._w["hours_title"], shown=shown, hints=hints
            )
            + "</div></figure>"
        )

    def _basket(self) -> str:
        f, w = self._f, self._w
        left = self._by_band(
            f.lines_a_basket, percent=False, name="basket_title", unit=w["basket_lines"], width=520
        )
        money = w["basket_spend"].format(currency=f.currency)
        right = self._by_band(f.spend_a_basket, percent=False, name="basket_title", unit=money, width=520)
        return f"<section><h2>{_e(w['basket_title'])}</h2><div class='pair'>{left}{right}</div></section>"

    def _categories(self, grid: Grid) -> str:
        head = "".join(
            f"<th>{_e(label)}</th>" for label in [self._w["category_column"], *self._labels, self._w["all"]]
        )
        body = []
        for r, row in enumerate(grid.rows[:_CATEGORIES]):
            cells = []
            for k in range(len(self._labels)):
                if grid.hidden[r, k]:
                    cells.append("<td class='h'>·</td>")
                    continue
                value, low, high = (float(e[r, k]) for e in _ends(grid.corrected))
                sure = low > grid.row_totals[r] or high < grid.row_totals[r]
                lean = value / max(float(grid.row_totals[r]), 1e-9) - 1
                colour = "var(--a)" if lean > 0 else "var(--b)"
                strength = min(abs(lean), 1.0) * 40 if sure else 0
                title = f"{_percent(low)} – {_percent(high)}; {self._w['uncorrected']} {_percent(grid.estimated[r, k])}"
                cells.append(
                    f"<td class='h' title='{_e(title)}' style='background:color-mix(in srgb,{colour} "
                    f"{strength:.0f}%,transparent)'>{_percent(value)}</td>"
                )
            total = "·" if grid.row_hidden[r] else _percent(float(grid.row_totals[r]))
            body.append(f"<tr><td>{_e(row)}</td>{''.join(cells)}<td class='h'>{total}</td></tr>")
        return f"<div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"

    def _products(self, lifts: Lifts) -> str:
        w = self._w
        head = "".join(
            f"<th{' class=t' if side else ''}>{_e(w[key])}</th>"
            for key, side in (
                ("product", True),
                ("category_column", True),
                ("lift", False),
                ("ci", True),
                ("uncorrected", False),
                ("support", False),
            )
        )
        parts = []
        for k, label in enumerate(self._labels):
            low = np.where(lifts.hidden[:, k], 0.0, lifts.corrected.low[:, k])
            best = [int(i) for i in np.argsort(-low, kind="stable")[:_PRODUCTS] if low[i] > 1]
            parts.append(f"<h3>{_e(w['band'])} {_e(label)}</h3>")
            if not best:
                parts.append(f"<p class='note'>{_e(w['none_sure'])}</p>")
                continue
            rows = []
            for i in best:
                value, down, up = (float(e[i, k]) for e in _ends(lifts.corrected))
                drawn = charts.span(value, down, up, most=_LIFT_MOST, title=f"{down:.2f} – {up:.2f}")
                rows.append(
                    f"<tr><td>{_e(lifts.names[i])}</td><td class='t'>{_e(lifts.categories[i])}</td>"
                    f"<td><b>{value:.2f}</b></td><td class='t ci'>{drawn}<span>{down:.2f} – {up:.2f}</span></td>"
                    f"<td>{float(lifts.estimated[i, k]):.2f}</td><td>{_count(_about(lifts.baskets[i, k]))}</td></tr>"
                )
            parts.append(
                f"<div class='wide'><table class='wares'><thead><tr>{head}</tr></thead>"
                f"<tbody>{''.join(rows)}</tbody></table></div>"
            )
        return "\n".join(parts)

    def _weeks(self, weeks: Sequence[Week]) -> str:
        f, w = self._f, self._w
        made = []
        apart = frozenset(r for r, week in enumerate(weeks) if week.breaks)
        for k, label in enumerate(self._labels):
            values: list[float | None] = []
            for r, week in enumerate(weeks):
                shown = week.share is not None and not f.weeks_hidden[r, k]
                values.append(float(week.share.value[k]) if shown and week.share is not None else None)
            made.append(charts.Line(name=label, values=values, kind=1 + k % 7, apart=apart))
        labels = [week.starts.strftime("%d.%m." if self._lang == "ru" else "%d %b") for week in weeks]
        chart = charts.lines(made, labels, title=w["weeks_title"], percent=True)
        head = "".join(
            f"<th{' class=t' if key in ('shift', 'breaks') else ''}>{_e(w[key])}</th>"
            for key in ("week", "baskets", "change", "spend_short", "change", "shift", "breaks")
        )
        body = "".join(self._week(r, week) for r, week in enumerate(weeks))
        return (
            f"<figure><div class='wide'>{chart}</div></figure><div class='wide'><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table></div>"
        )

    def _week(self, r: int, week: Week) -> str:
        f, w = self._f, self._w
        apart = f.change_hidden(r)
        cells = (
            "·" if f.week_baskets_hidden[r] else _count(week.baskets),
            "·" if apart else _signed(week.baskets_change),
            "·" if f.week_baskets_hidden[r] else f"{week.spend:.2f}",
            "·" if apart else _signed(week.spend_change),
        )
        return (
            f"<tr><td>{week.starts.isoformat()}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}"
            f"<td class='t'>{_e(self._shift(r, week))}</td>"
            f"<td class='t'>{_e(', '.join(w[b] for b in week.breaks))}</td></tr>"
        )

    def _shift(self, r: int, week: Week) -> str:
        change = week.share_change
        if change is None:
            return "–"
        told = ~self._f.weeks_hidden[[max(r - 1, 0), r]].any(axis=0)
        # Seven bands are looked at, so one must stand out further than its own interval says.
        sure = told & (np.abs(change.value) > 1.4 * (change.high - change.low) / 2)
        if not sure.any():
            return self._w["no_shift"]
        k = int(np.argmax(np.where(sure, np.abs(change.value), -1.0)))
        points = self._w["points"].format(value=f"{change.value[k] * 100:+.1f}")
        return f"{self._labels[k]}: {points} ({change.low[k] * 100:+.1f} … {change.high[k] * 100:+.1f})"

    def _unknown(self) -> str:
        f, w = self._f, self._w
        made = []
        for hour, n, unknown in f.unknown_by_hour:
            share = None if n is None or unknown is None else unknown / max(n, 1)
            made.append(
                charts.Bar(label=f"{hour:02d}", value=share, shown="" if share is None else _percent(share))
            )
        head = "".join(
            f"<th>{_e(w[key])}</th>" for key in ("lane_group", "baskets", "unknown_column", "marked")
        )
        rows = "".join(
            f"<tr><td>{_e(name)}</td><td>{_told(n)}</td>"
            f"<td>{'·' if n is None or u is None else _percent(u / max(n, 1))}</td><td>{_told(m)}</td></tr>"
            for name, n, u, m in f.unknown_by_lane_group
        )
        chart = charts.bars(made, title=w["unknown_title"], width=700, height=200, percent=True)
        return (
            f"<div class='pair'><figure>{chart}</figure><div class='wide'><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table></div></div>"
        )


def _store_average(figures: Figures) -> tuple[float, float]:
    """Spend and lines of an average basket with a known age: the bands' figures by their shares."""
    share = figures.age_mix.estimated
    return float(figures.spend_a_basket.estimated @ share), float(figures.lines_a_basket.estimated @ share)


def _ends(estimate: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return estimate.value, estimate.low, estimate.high  # type: ignore[attr-defined]


def _about(value: float) -> int:
    """Two digits that mean something."""
    number = float(value)
    step = 10 ** max(0, len(str(int(number))) - 2)
    return int(round(number / step) * step)


def _percent(share: float) -> str:
    return f"{share * 100:.1f}\u202f%"


def _signed(change: float | None) -> str:
    return "–" if change is None else f"{round(change * 100, 1) + 0.0:+.1f}\u202f%"


def _count(number: float) -> str:
    return f"{int(number):,}".replace(",", "\u202f")


def _told(number: int | None) -> str:
    return "·" if number is None else _count(number)


def _e(text: str) -> str:
    return html.escape(text, quote=True)
