"""The page itself: style, sections, tables, tiles. Text is escaped here and nowhere else."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

__all__ = [
    "figure",
    "found",
    "pair",
    "pictures",
    "section",
    "table",
    "tile",
    "tiles",
    "verdict",
    "write_page",
]

_LONG: Final = 24
_TEXT: Final = re.compile(r">[^<]+<")
_DECIMAL: Final = re.compile(r"(?<![\w./])(\d+)\.(\d+)(?!\w|\.\d)")
_STYLE: Final = """
:root{--ink:#1d2733;--soft:#5c6b7c;--line:#dbe2ea;--page:#fff;--card:#f5f8fb;
--a:#1f5fbf;--b:#c2571a;--c:#2f8f63;
--good:#1d7a4c;--bad:#b3261e;--open:#8a6d00}
@media(prefers-color-scheme:dark){:root{--ink:#e6ecf3;--soft:#9fb0c2;--line:#2c3947;--page:#121a22;--card:#1a242f;
--a:#6fa8ff;--b:#ff9a5c;--c:#5fcf9a;--good:#5fcf9a;--bad:#ff8a80;--open:#e3c04b}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:16px/1.55 system-ui,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1060px;margin:0 auto;padding:28px 22px 80px}
h1{font-size:1.75rem;line-height:1.2;margin:.2em 0 .1em;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:2.2em 0 .5em;padding-top:.8em;border-top:1px solid var(--line)}
p{max-width:78ch}.lead{color:var(--soft);margin-top:0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:18px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:12px 14px}
.tile b{display:block;font-size:1.5rem;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:.86rem}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(400px,100%),1fr));gap:18px;align-items:start}
figure{margin:14px 0}figcaption{color:var(--soft);font-size:.9rem;margin-top:2px}
svg{width:100%;height:auto;display:block}
svg text{fill:var(--soft);font:11px system-ui,sans-serif;text-anchor:middle}
svg text.y{text-anchor:end}svg text.legend{text-anchor:start;fill:var(--ink)}svg text.shown{fill:var(--ink)}
.grid{stroke:var(--line);stroke-width:1}.bar{fill:var(--a);opacity:.82}.bar.mark{fill:var(--b);opacity:1}
.whisker{stroke:var(--ink);stroke-width:1.2;fill:none;opacity:.75}
.rule{stroke:var(--soft);stroke-dasharray:5 4;fill:none}
.line{fill:none;stroke-width:2}.k1{stroke:var(--a)}.k2{stroke:var(--b)}.k3{stroke:var(--c)}
circle.k1{fill:var(--a)}circle.k2{fill:var(--b)}circle.k3{fill:var(--c)}
.cloud{stroke:var(--a);stroke-width:3;stroke-linecap:round;opacity:.28;fill:none}
.wide{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.93rem;margin:10px 0}
th,td{padding:5px 12px 5px 0;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--soft);font-weight:600;white-space:normal;vertical-align:bottom}
th:first-child,td:first-child,.t{text-align:left}
.verdict{border-left:5px solid var(--open);background:var(--card);
border-radius:0 10px 10px 0;padding:10px 16px;margin:14px 0}
.verdict.yes{border-color:var(--good)}.verdict.no{border-color:var(--bad)}
.verdict h3{margin:.1em 0 .2em;font-size:1.05rem}
.verdict ul{margin:.3em 0;padding-left:1.2em}.yes>b{color:var(--good)}.no>b{color:var(--bad)}
.unknown>b{color:var(--open)}
ul.found li{margin:.35em 0;max-width:80ch}
img.sheet{max-width:100%;height:auto;border-radius:8px;border:1px solid var(--line)}
footer{color:var(--soft);font-size:.85rem;margin-top:3em;border-top:1px solid var(--line);padding-top:1em}
@media print{main{max-width:none}h2{break-after:avoid}figure,.verdict{break-inside:avoid}}
"""


def section(title: str, *parts: str) -> str:
    """A headed part of the page; `parts` are HTML from this room's functions, or plain sentences."""
    return (
        f"<section><h2>{_e(title)}</h2>\n" + "\n".join(_block(part) for part in parts if part) + "</section>"
    )


def figure(chart: str, caption: str = "") -> str:
    """A chart with its caption."""
    return f"<figure>{chart}<figcaption>{_e(caption)}</figcaption></figure>"


def tile(value: str, name: str) -> str:
    """One big number."""
    return f'<div class="tile"><b>{_e(value)}</b><span>{_e(_unbroken(name))}</span></div>'


def tiles(*made: str) -> str:
    """Big numbers side by side."""
    return f'<div class="tiles">{"".join(made)}</div>'


def pair(*made: str) -> str:
    """Figures side by side where there is room."""
    return f'<div class="pair">{"".join(made)}</div>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first column is text, the others are figures to the right, columns of long texts to the left."""
    # One long cell makes its whole column text.
    sides = [
        ' class="t"' if any(len(row[i]) > _LONG for row in rows if i < len(row)) else ""
        for i in range(len(head))
    ]
    top = "".join(f"<th{side}>{_e(_unbroken(cell))}</th>" for side, cell in zip(sides, head, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{side}>{_e(cell)}</td>" for side, cell in zip(sides, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def verdict(kind: str, title: str, answer: str, reasons: Sequence[str]) -> str:
    """A conclusion: `kind` is yes, no or unknown; its reasons follow where there are any."""
    points = "".join(f"<li>{_e(reason)}</li>" for reason in reasons)
    reasons_list = f"<ul>{points}</ul>" if points else ""
    return f'<div class="verdict {_e(kind)}"><h3>{_e(title)}</h3><b>{_e(answer)}</b>{reasons_list}</div>'


def found(sentences: Sequence[str]) -> str:
    """A list of findings."""
    return '<ul class="found">' + "".join(f"<li>{_e(sentence)}</li>" for sentence in sentences) + "</ul>"


def pictures(data_uri: str, alt: str) -> str:
    """A picture that travels inside the page."""
    return f'<img class="sheet" src="{_e(data_uri)}" alt="{_e(alt)}">'


def write_page(file: Path, *, title: str, lead: str, lang: str, parts: Sequence[str], footer: str) -> None:
    """Write the page as a whole or not at all."""
    body = "\n".join(_block(part) for part in parts if part)
    if lang == "ru":
        body = _with_commas(body)
    page = (
        f'<!doctype html>\n<html lang="{_e(lang)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_e(title)}</title><style>{_STYLE}</style></head><body><main>"
        f'<h1>{_e(title)}</h1><p class="lead">{_e(lead)}</p>\n{body}\n'
        f"<footer>{_e(footer)}</footer></main></body></html>\n"
    )
    waiting = file.with_name(file.name + ".new")
    waiting.write_text(page, encoding="utf-8")
    waiting.replace(file)


def _unbroken(text: str) -> str:
    """14–17 stays on one line."""
    return text.replace("–", "\u2060–\u2060")


def _with_commas(body: str) -> str:
    """Decimal commas in what is read; attributes, versions and file names stay."""
    return _TEXT.sub(lambda text: _DECIMAL.sub(r"\1,\2", text[0]), body)


def _block(part: str) -> str:
    return part if part.startswith("<") else f"<p>{_e(part)}</p>"


def _e(text: str) -> str:
    return html.escape(text, quote=True)
