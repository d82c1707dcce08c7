"""DuckDB and Spark run the same expressions over the same files and say the same."""

from __future__ import annotations

from typing import Any

import pytest

from export.events.analysis import tables
from export.events.analysis.cells import columns_of
from export.events.analysis.engine import Engine, EngineKind, open_engine
from export.events.analysis.reading import Export, find_export
from tests.export.events.pretended import exported, simulated


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Export:
    folder = tmp_path_factory.mktemp("fleet")
    simulated(folder / "state", "--days", "2", "--lanes", "1", "--customers", "120", "--store", "007")
    return find_export(exported(folder / "state", folder / "files"))


def answers(kind: EngineKind, export: Export) -> dict[str, list[tuple[Any, ...]]]:
    with open_engine(kind, export, master="local[1]") as engine:
        return {name: rows_of(engine, made) for name, made in expressions(engine, export).items()}


def expressions(engine: Engine, export: Export) -> dict[str, Any]:
    marked = tables.marked_days(engine.coverage)
    lines = tables.with_marks(tables.numbered(engine.lines, export.bands), marked)
    baskets = tables.baskets_of(lines, export.bands)
    return {
        "by_date": tables.by_date(baskets, export.bands),
        "by_hour": tables.by_hour(baskets, export.bands),
        "by_lane_group": tables.by_lane_group(baskets),
        "by_product": tables.by_product(lines, export.bands),
        "by_category": tables.by_category(lines, export.bands),
        "seen_together": tables.seen_together(lines),
        "held_out": tables.held_out(lines, export.bands, baskets=40),
        "names": tables.names(lines),
        "stores": lines.select("store").distinct(),
    }


def rows_of(engine: Engine, expression: Any) -> list[tuple[Any, ...]]:
    columns = columns_of(engine.fetch(expression))
    return sorted(zip(*(columns[name].tolist() for name in sorted(columns)), strict=True))


def test_both_engines_give_equal_tables(export: Export) -> None:
    duckdb, spark = answers("duckdb", export), answers("spark", export)
    assert duckdb["stores"] == [("007",)]
    for name, rows in duckdb.items():
        assert len(rows) == len(spark[name]) > 0, name
        for mine, theirs in zip(rows, spark[name], strict=True):
            for one, other in zip(mine, theirs, strict=True):
                same = pytest.approx(other, rel=1e-9, abs=1e-12) if isinstance(one, float) else other
                assert one == same, name
