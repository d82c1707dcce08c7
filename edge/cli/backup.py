"""`checkout-age backup --from STATE --to FILE`: the state of a box as archives, also while it runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = (
    "copy a box's state into an archive, also while it runs (marketing's into one beside it); or put it back"
)
EXIT_REFUSED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """From where to where, and which way round."""
    parser.add_argument(
        "--from",
        dest="source",
        type=Path,
        required=True,
        metavar="STATE|FILE",
        help="state folder; --restore: archive",
    )
    parser.add_argument(
        "--to",
        type=Path,
        required=True,
        metavar="FILE|STATE",
        help="archive (.tar.gz); marketing's baskets and key go into NAME.sales.tar.gz; --restore: an empty folder",
    )
    parser.add_argument(
        "--restore",
        action="store_true",
        help="the other way: an archive, and marketing's beside it, into an empty state folder",
    )


def run(args: argparse.Namespace) -> int:
    """0 when it is done and every database in it was checked, 2 with the reason where not."""
    import sqlite3

    from edge.app.backup import BackupError, back_up, restore

    try:
        archives = restore(args.source, args.to) if args.restore else back_up(args.source, args.to)
    except (BackupError, OSError, sqlite3.Error) as error:
        print(f"checkout-age backup: {error}", file=sys.stderr)
        return EXIT_REFUSED
    for archive, names in archives.items():
        print(f"{archive}: {', '.join(names)}")
    return 0
