"""Charts as SVG text: bars, lines, points. Colours come from the page's style, so they follow light and dark."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Bar", "Line", "bar_chart", "line_chart", "scatter_chart"]

_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 18, 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar; `low`/`high` draw an interval, `mark` sets it off, `shown` is written above it."""

    label: str
    value: float | None
    low: float | None = None
    high: float | None = None
    mark: bool = False
    shown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A curve through points `(x, y)`; `kind` is its style: 1, 2 or 3."""

    name: str
    points: Sequence[tuple[float, float]]
    kind: int = 1
    dots: bool = False


def bar_chart(
    bars: Sequence[Bar],
    *,
    title: str,
    y_name: str = "",
    x_name: str = "",
    width: int = 760,
    height: int = 260,
    label_every: int = 1,
    rule: float | None = None,
) -> str:
    """Vertical bars from zero, downwards where values are negative; `rule` draws a dashed line."""
    known = [v for bar in bars for v in (bar.value, bar.low, bar.high) if v is not None]
    scale = _Scale(min([0.0, *known]), max([0.0, rule or 0.0, *known]), height)
    step = (width - _LEFT - _RIGHT) / max(1, len(bars))
    gap = min(0.18 * step, 8.0)
    parts = _frame(title, (width, height), scale, y_name=y_name, x_name=x_name)
    for index, bar in enumerate(bars):
        x = _LEFT + index * step
        if bar.value is not None:
            top, bottom = sorted((scale.y(bar.value), scale.y(0)))
            kind = "bar mark" if bar.mark else "bar"
            parts.append(
                f'<rect class="{kind}" x="{x + gap / 2:.1f}" y="{top:.1f}" width="{step - gap:.1f}" '
                f'height="{max(bottom - top, 0.6):.1f}"><title>{_e(bar.label)}: {_number(bar.value)}</title></rect>'
            )
            if bar.shown:
                y = min(top, scale.y(bar.high) if bar.high is not None else top) - 4
                parts.append(f'<text class="shown" x="{x + step / 2:.1f}" y="{y:.1f}">{_e(bar.shown)}</text>')
        if bar.low is not None and bar.high is not None:
            middle, half = x + step / 2, min(5.0, step / 5)
            low, high = scale.y(bar.low), scale.y(bar.high)
            parts.append(
                f'<path class="whisker" d="M{middle:.1f} {low:.1f}V{high:.1f}'
                f"M{middle - half:.1f} {high:.1f}h{2 * half:.1f}"
                f'M{middle - half:.1f} {low:.1f}h{2 * half:.1f}"/>'
            )
        if index % label_every == 0:
            parts.append(
                f'<text class="tick" x="{x + step / 2:.1f}" y="{height - _BOTTOM + 16}">{_e(bar.label)}</text>'
            )
    if rule is not None:
        parts.append(f'<path class="rule" d="M{_LEFT} {scale.y(rule):.1f}H{width - _RIGHT}"/>')
    return _svg(parts)


def line_chart(
    lines: Sequence[Line],
    *,
    title: str,
    x_name: str = "",
    y_name: str = "",
    width: int = 760,
    height: int = 280,
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    diagonal: bool = False,
) -> str:
    """Curves with a legend; `diagonal` draws y = x, where a reliable probability lies."""
    points = [point for line in lines for point in line.points]
    x_low, x_high = x_range or _span([x for x, _ in points])
    y_low, y_high = y_range or _span([y for _, y in points])
    scale = _Scale(y_low, y_high, height)

    def x_at(x: float) -> float:
        return _LEFT + (x - x_low) / ((x_high - x_low) or 1) * (width - _LEFT - _RIGHT)

    parts = _frame(title, (width, height), scale, y_name=y_name, x_name=x_name)
    for tick in (t for t in _ticks(x_low, x_high, 8) if x_low <= t <= x_high):
        parts.append(
            f'<text class="tick" x="{x_at(tick):.1f}" y="{height - _BOTTOM + 16}">{_number(tick)}</text>'
        )
    if diagonal:
        low, high = max(x_low, y_low), min(x_high, y_high)
        parts.append(
            f'<path class="rule" d="M{x_at(low):.1f} {scale.y(low):.1f}L{x_at(high):.1f} {scale.y(high):.1f}"/>'
        )
    for line in lines:
        path = "L".join(f"{x_at(x):.1f} {scale.y(y):.1f}" for x, y in line.points)
        if path:
            parts.append(f'<path class="line k{line.kind}" d="M{path}"/>')
        if line.dots:
            parts += [
                f'<circle class="dot k{line.kind}" cx="{x_at(x):.1f}" cy="{scale.y(y):.1f}" r="3.2">'
                f"<title>{_number(x)}: {_number(y)}</title></circle>"
                for x, y in line.points
            ]
    if len(lines) > 1:
        parts += _legend(lines, width)
    return _svg(parts)


def scatter_chart(
    points: Sequence[tuple[float, float]],
    *,
    title: str,
    x_name: str,
    y_name: str,
    limits: tuple[float, float],
    size: int = 420,
) -> str:
    """A square cloud of faint points with the diagonal."""
    scale = _Scale(*limits, size)
    low, high = limits

    def x_at(x: float) -> float:
        return _LEFT + (x - low) / (high - low) * (size - _LEFT - _RIGHT)

    parts = _frame(title, (size, size), scale, y_name=y_name, x_name=x_name)
    for tick in _ticks(low, high, 6):
        parts.append(
            f'<text class="tick" x="{x_at(tick):.1f}" y="{size - _BOTTOM + 16}">{_number(tick)}</text>'
        )
    parts.append(
        f'<path class="rule" d="M{x_at(low):.1f} {scale.y(low):.1f}L{x_at(high):.1f} {scale.y(high):.1f}"/>'
    )
    # One path of tiny strokes: thousands of circles would make the page heavy.
    strokes = "".join(f"M{x_at(x):.1f} {scale.y(y):.1f}h.01" for x, y in points)
    parts.append(f'<path class="cloud" d="{strokes}"/>')
    return _svg(parts)


class _Scale:
    """Values to pixels from the bottom, with round ticks."""

    def __init__(self, low: float, high: float, height: int) -> None:
        if not high > low:
            high = low + 1.0
        self.ticks = _ticks(low, high, 5)
        self._low, self._high = min(low, self.ticks[0]), max(high, self.ticks[-1])
        self._height = height

    def y(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return self._height - _BOTTOM - share * (self._height - _TOP - _BOTTOM)


def _frame(title: str, size: tuple[int, int], scale: _Scale, *, y_name: str, x_name: str) -> list[str]:
    width, height = size
    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{_e(title)}" style="max-width:{width}px">'
    ]
    for tick in scale.ticks:
        y = scale.y(tick)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{width - _RIGHT}"/>')
        parts.append(f'<text class="tick y" x="{_LEFT - 6}" y="{y + 4:.1f}">{_number(tick)}</text>')
    if y_name:
        parts.append(
            f'<text class="axis" transform="translate(11 {(height - _BOTTOM + _TOP) / 2:.0f}) rotate(-90)">'
            f"{_e(y_name)}</text>"
        )
    if x_name:
        parts.append(f'<text class="axis" x="{(width + _LEFT) / 2:.0f}" y="{height - 6}">{_e(x_name)}</text>')
    return parts


def _legend(lines: Sequence[Line], width: int) -> list[str]:
    parts, x = [], float(_LEFT + 8)
    for line in lines:
        parts.append(f'<path class="line k{line.kind}" d="M{x:.0f} 10h18"/>')
        parts.append(f'<text class="legend" x="{x + 23:.0f}" y="14">{_e(line.name)}</text>')
        x += 40 + 6.6 * len(line.name)
        if x > width - 60:
            break
    return parts


def _svg(parts: list[str]) -> str:
    return "\n".join([*parts, "</svg>"])


def _span(values: Sequence[float]) -> tuple[float, float]:
    return (min(values), max(values)) if values else (0.0, 1.0)


def _ticks(low: float, high: float, about: int) -> list[float]:
    """Round numbers from at or below `low` to at or above `high`."""
    raw = (high - low) / max(1, about)
    if raw <= 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * f for f in (1, 2, 2.5, 5, 10) if power * f >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 10) for k in range(first, last + 1)]


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}".replace(",", "\u202f")


def _e(text: str) -> str:
    return html.escape(text, quote=True)
