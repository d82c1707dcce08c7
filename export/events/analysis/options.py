"""Options that `report` and `offers` share."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path

__all__ = ["add_data_arguments", "bundles_of"]


def add_data_arguments(parser: argparse.ArgumentParser) -> None:
    """Which files, of which days, by which engine, and whose error is corrected."""
    parser.add_argument("data", type=Path, metavar="DIR", help="what `export-events` wrote")
    parser.add_argument("--since", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the first day")
    parser.add_argument(
        "--until", type=date.fromisoformat, metavar="YYYY-MM-DD", help="the last day, included"
    )
    parser.add_argument(
        "--bundle",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="bundle that made the estimates, again for each (the shipped one)",
    )
    parser.add_argument("--engine", choices=["duckdb", "spark"], default="duckdb")
    parser.add_argument("--master", default="local[2]", metavar="URL", help="with --engine spark (local[2])")
    parser.add_argument(
        "--memory", default="1GB", metavar="SIZE", help="DuckDB's own; beyond it spills (1GB)"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="DuckDB's (all cores)")


def bundles_of(args: argparse.Namespace) -> list[Path]:
    """The folders named, or the shipped bundle."""
    from export.events.analysis.age_error import shipped_bundle

    return list(args.bundle) or [shipped_bundle()]
