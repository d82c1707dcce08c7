"""Reports as one self-contained HTML page: no script, no file beside it, readable when printed."""

from training.page.charts import Bar, Line, bar_chart, line_chart, scatter_chart
from training.page.document import (
    figure,
    found,
    pair,
    pictures,
    section,
    table,
    tile,
    tiles,
    verdict,
    write_page,
)
from training.page.sheet import contact_sheet

__all__ = [
    "Bar",
    "Line",
    "bar_chart",
    "contact_sheet",
    "figure",
    "found",
    "line_chart",
    "pair",
    "pictures",
    "scatter_chart",
    "section",
    "table",
    "tile",
    "tiles",
    "verdict",
    "write_page",
]
