"""A plain drawing of points and the line through them, as SVG; no plotting library runs on a till box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

__all__ = ["Panel", "svg"]

_WIDTH, _HEIGHT, _MARGIN = 420, 320, 56


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One drawing: points `(x, y)` and the slope and intercept of a line; None draws no line."""

    title: str
    x_name: str
    y_name: str
    points: Sequence[tuple[float, float]]
    line: tuple[float | None, float | None]


def svg(panels: Sequence[Panel]) -> str:
    """The panels side by side."""
    drawn = "".join(_panel(panel, number * _WIDTH) for number, panel in enumerate(panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH * len(panels)}" height="{_HEIGHT}" '
        f'font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="white"/>{drawn}</svg>\n'
    )


def _panel(panel: Panel, left: int) -> str:
    right_x = max((x for x, _ in panel.points), default=1.0) or 1.0
    top_y = 1.1 * max((y for _, y in panel.points), default=1.0) or 1.0
    wide, high = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN

    def place(x: float, y: float) -> tuple[float, float]:
        return left + _MARGIN + x / right_x * wide, _HEIGHT - _MARGIN - y / top_y * high

    parts = [
        f'<text x="{left + _WIDTH / 2}" y="24" text-anchor="middle" font-size="14">{escape(panel.title)}</text>',
        f'<text x="{left + _WIDTH / 2}" y="{_HEIGHT - 12}" text-anchor="middle">{escape(panel.x_name)}</text>',
        f'<text x="{left + 6}" y="44">{escape(panel.y_name)}</text>',
    ]
    (x0, y0), (x1, _), (_, y1) = place(0, 0), place(right_x, 0), place(0, top_y)
    parts.append(f'<path d="M{x0} {y1}V{y0}H{x1}" fill="none" stroke="black"/>')
    for share in (0.0, 0.5, 1.0):
        x, _ = place(right_x * share, 0)
        _, y = place(0, top_y * share)
        parts.append(f'<text x="{x}" y="{y0 + 16}" text-anchor="middle">{right_x * share:.3g}</text>')
        parts.append(f'<text x="{x0 - 4}" y="{y + 4}" text-anchor="end">{top_y * share:.3g}</text>')
    slope, intercept = panel.line
    if slope is not None and intercept is not None:
        (ax, ay), (bx, by) = place(0, intercept), place(right_x, slope * right_x + intercept)
        parts.append(
            f'<line x1="{ax}" y1="{ay}" x2="{bx}" y2="{by}" stroke="#1f6fb2" stroke-dasharray="5 3"/>'
        )
    for point in panel.points:
        x, y = place(*point)
        parts.append(f'<circle cx="{x}" cy="{y}" r="4" fill="#1f6fb2"/>')
    return "".join(parts)
