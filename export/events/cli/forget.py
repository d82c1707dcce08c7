"""`checkout-age forget-export --in DIR --basket ID`: baskets out of marketing's files."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

HELP = "take baskets out of exported files, and name the partitions that held them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which baskets, where."""
    parser.add_argument(
        "--in", dest="root", type=Path, required=True, metavar="DIR", help="the exported files"
    )
    parser.add_argument(
        "--basket",
        action="append",
        required=True,
        metavar="ID",
        help="as `checkout-age forget` prints it; repeat",
    )
    parser.add_argument(
        "--day", action="append", default=[], metavar="YYYY-MM-DD", help="look at these days only"
    )


def run(args: argparse.Namespace) -> int:
    """0 where the files hold none of the baskets any more, 2 with the reason where that cannot be said."""
    from export.events.errors import ExportError
    from export.events.forget import forget_in_export

    try:
        days = [date.fromisoformat(day) for day in args.day]
        done = forget_in_export(args.root, args.basket, days=days)
    except (ExportError, ValueError) as error:
        print(f"checkout-age forget-export: {error}", file=sys.stderr)
        return 2
    for one in done:
        print(f"{one.partition}: {one.lines} lines taken out, written anew")
    if not done:
        print("no file holds them")
    print("copies that others made of these files are theirs to change", file=sys.stderr)
    return 0
