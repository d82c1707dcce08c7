"""Charts as SVG text. Colours come from the page's style, so they follow light and dark."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Bar", "Line", "bars", "heat", "lines", "span"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 10, 16, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A bar from zero with its interval; `other` is a hollow mark beside it; None is a gap."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    other: float | None = None
    shown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A curve over numbered places; None is a gap, and nothing leads to a place in `apart`."""

    name: str
    values: Sequence[float | None]
    kind: int
    apart: frozenset[int] = frozenset()


def bars(
    made: Sequence[Bar],
    *,
    title: str,
    width: int = 640,
    height: int = 250,
    percent: bool = False,
    floor: float = 0.0,
) -> str:
    """Vertical bars; `floor` is where the axis begins."""
    known = [v for b in made for v in (b.value, b.high, b.other) if v is not None]
    ticks = _ticks(floor, max([floor + 1e-9, *known]), 4)
    low, high = ticks[0], ticks[-1]

    def y_at(value: float) -> float:
        return height - _BOTTOM - (value - low) / (high - low) * (height - _TOP - _BOTTOM)

    step = (width - _LEFT - _RIGHT) / max(1, len(made))
    gap = min(0.3 * step, 26.0)
    parts = _open(title, width, height, ticks, y_at, percent=percent)
    for index, bar in enumerate(made):
        x, middle = _LEFT + index * step + gap / 2, _LEFT + (index + 0.5) * step
        parts.append(_text("tick", middle, height - _BOTTOM + 17, bar.label))
        if bar.value is None:
            parts.append(_text("tick", middle, height - _BOTTOM - 6, "·"))
            continue
        top = y_at(bar.value)
        hint = f"<title>{_e(bar.label)}: {_e(bar.shown)}</title>"
        parts.append(
            f'<rect class="bar" x="{x:.1f}" y="{top:.1f}" width="{step - gap:.1f}" '
            f'height="{max(y_at(low) - top, 0.5):.1f}">{hint}</rect>'
        )
        if bar.other is not None:
            parts.append(f'<path class="other" d="M{x - 3:.1f} {y_at(bar.other):.1f}h{step - gap + 6:.1f}"/>')
        if bar.low is not None and bar.high is not None:
            y_low, y_high = y_at(max(bar.low, low)), y_at(bar.high)
            parts.append(
                f'<path class="whisker" d="M{middle:.1f} {y_low:.1f}V{y_high:.1f}'
                f'M{middle - 4:.1f} {y_low:.1f}h8M{middle - 4:.1f} {y_high:.1f}h8"/>'
            )
    return "\n".join([*parts, "</svg>"])


def heat(
    columns: Sequence[str],
    rows: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    title: str,
    shown: Sequence[Sequence[str]],
    hints: Sequence[Sequence[str]],
    width: int = 1000,
) -> str:
    """A grid of shaded cells with their figures, and a hint for who points at one; None is hidden."""
    left, row_px, top = 70, 27, 24
    step = (width - left) / max(1, len(columns))
    height = top + row_px * len(rows) + 4
    most = max([v for row in values for v in row if v is not None] or [1.0]) or 1.0
    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{_e(title)}">']
    parts += [_text("tick", left + (i + 0.5) * step, 15, c) for i, c in enumerate(columns)]
    for r, row in enumerate(rows):
        y = top + r * row_px
        parts.append(_text("tick y", left - 8, y + 17, row))
        for c, value in enumerate(values[r]):
            x = left + c * step
            if value is None:
                parts.append(
                    f'<rect class="none" x="{x + 1:.1f}" y="{y}" width="{step - 2:.1f}" height="{row_px - 2}"/>'
                )
                parts.append(_text("cell", x + step / 2, y + 17, "·"))
                continue
            strength = 0.06 + 0.84 * value / most
            parts.append(
                f'<rect class="bar" style="opacity:{strength:.2f}" x="{x + 1:.1f}" y="{y}" '
                f'width="{step - 2:.1f}" height="{row_px - 2}"><title>{_e(hints[r][c])}</title></rect>'
            )
            kind = "cell strong" if strength > 0.55 else "cell"
            parts.append(_text(kind, x + step / 2, y + 17, shown[r][c]))
    return "\n".join([*parts, "</svg>"])


def lines(
    made: Sequence[Line],
    labels: Sequence[str],
    *,
    title: str,
    width: int = 1000,
    height: int = 260,
    percent: bool = False,
) -> str:
    """Curves over named places, with the names at their ends."""
    right = 78
    known = [v for line in made for v in line.values if v is not None]
    ticks = _ticks(0.0, max([1e-9, *known]), 4)

    def y_at(value: float) -> float:
        return height - _BOTTOM - value / ticks[-1] * (height - _TOP - _BOTTOM)

    step = (width - _LEFT - right) / max(1, len(labels) - 1)
    parts = _open(title, width, height, ticks, y_at, percent=percent)
    every = max(1, math.ceil(len(labels) / 12))
    for index, label in enumerate(labels):
        if index % every == 0:
            parts.append(_text("tick", _LEFT + index * step, height - _BOTTOM + 17, label))
    ends: list[float] = []
    for line in sorted(
        made, key=lambda one: -(next((v for v in reversed(one.values) if v is not None), 0.0))
    ):
        path, pen = [], "M"
        for index, value in enumerate(line.values):
            if value is None:
                pen = "M"
                continue
            pen = "M" if index in line.apart else pen
            path.append(f"{pen}{_LEFT + index * step:.1f} {y_at(value):.1f}")
            pen = "L"
        if not path:
            continue
        parts.append(f'<path class="line k{line.kind}" d="{"".join(path)}"/>')
        parts += [
            f'<circle class="k{line.kind}" cx="{_LEFT + i * step:.1f}" cy="{y_at(v):.1f}" r="3"/>'
            for i, v in enumerate(line.values)
            if v is not None
        ]
        last = max(i for i, v in enumerate(line.values) if v is not None)
        value = line.values[last]
        assert value is not None  # noqa: S101 - just looked
        y = max(y_at(value) + 4, (ends[-1] + 13) if ends else 0.0)
        ends.append(y)
        parts.append(
            f'<text class="legend k{line.kind}" x="{_LEFT + last * step + 9:.1f}" y="{y:.1f}">{_e(line.name)}</text>'
        )
    return "\n".join([*parts, "</svg>"])


def span(value: float, low: float, high: float, *, most: float, title: str) -> str:
    """A lift with its interval on a line from 0 to `most`, the average marked."""
    width, height = 190, 18

    def x_at(lift: float) -> float:
        return 4 + min(lift, most) / most * (width - 8)

    return (
        f'<svg class="span" viewBox="0 0 {width} {height}" role="img" aria-label="{_e(title)}">'
        f'<path class="rule" d="M{x_at(1):.1f} 1V17"/>'
        f'<path class="whisker" d="M{x_at(low):.1f} 9H{x_at(high):.1f}M{x_at(low):.1f} 5v8M{x_at(high):.1f} 5v8"/>'
        f'<circle class="k1" cx="{x_at(value):.1f}" cy="9" r="4"/></svg>'
    )


def _open(
    title: str, width: int, height: int, ticks: Sequence[float], y_at: object, *, percent: bool
) -> list[str]:
    assert callable(y_at)  # noqa: S101
    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{_e(title)}" style="max-width:{width}px">'
    ]
    for tick in ticks:
        parts.append(f'<path class="grid" d="M{_LEFT} {y_at(tick):.1f}H{width - _RIGHT}"/>')
        name = f"{tick * 100:.3g} %" if percent else f"{tick:,.6g}".replace(",", "\u202f")
        parts.append(_text("tick y", _LEFT - 7, y_at(tick) + 4, name))
    return parts


def _ticks(low: float, high: float, about: int) -> list[float]:
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw)) if raw > 0 else 1.0
    step = next(power * f for f in (1, 2, 2.5, 5, 10) if power * f >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{_e(text)}</text>'


def _e(text: str) -> str:
    return html.escape(text, quote=True)
