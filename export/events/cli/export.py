"""`checkout-age export-events --from STATE --to DIR`: marketing's files from a box's sales."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

HELP = "marketing's files from a box's sales: Parquet, CSV or JSON lines, only what changed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """From where, to where, which days."""
    parser.add_argument(
        "--from",
        dest="state",
        type=Path,
        default=Path("/var/lib/checkout-age"),
        metavar="STATE",
        help="the box's state folder (default: %(default)s)",
    )
    parser.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="the folder of marketing's files"
    )
    parser.add_argument("--format", choices=["parquet", "csv", "jsonl"], default="parquet")
    parser.add_argument("--since", type=_day, metavar="YYYY-MM-DD", help="first day, of the store's clock")
    parser.add_argument("--until", type=_day, metavar="YYYY-MM-DD", help="last day, included")


def run(args: argparse.Namespace) -> int:
    """0 where the files are up to date, 2 with the reason where they cannot be."""
    from edge.ops.progress import Progress
    from export.events.errors import ExportError
    from export.events.export import export_events

    shown: list[Progress] = []

    def progress(done: int, days: int) -> None:
        if not shown:
            shown.append(Progress("export", days, unit="days").__enter__())
        shown[0].at(done)

    try:
        done = export_events(
            args.state, args.to, kind=args.format, since=args.since, until=args.until, progress=progress
        )
    except ExportError as error:
        print(f"checkout-age export-events: {error}", file=sys.stderr)
        return 2
    finally:
        for bar in shown:
            bar.__exit__(None, None, None)
    if not done.written + done.unchanged + done.removed:
        print("no sales in these days: nothing to write", file=sys.stderr)
        return 0
    print(
        f"{done.written} days written ({done.rows} lines), {done.unchanged} unchanged"
        + (f", {done.removed} taken away: their time is over" if done.removed else "")
    )
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2026-01-31") from error
