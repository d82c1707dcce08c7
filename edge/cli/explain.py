"""`checkout-age explain RECEIPT`: everything that led to how a sale ended."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from pathlib import Path

HELP = "why a receipt ended as it did: till events, candidates, estimate, policy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which receipt, of which state folder."""
    parser.add_argument("receipt", metavar="RECEIPT")
    parser.add_argument(
        "--from", dest="state", type=Path, default=Path("/var/lib/checkout-age"), metavar="STATE"
    )
    parser.add_argument("--lane", metavar="NAME", help="where two lanes know the number")


def run(args: argparse.Namespace) -> int:
    """Print it as JSON; 1 where nobody knows the receipt, 2 where there is no state."""
    from edge.app.recorded import explain, open_state

    try:
        with closing(open_state(args.state)) as connection:
            found = explain(connection, args.receipt, lane=args.lane)
    except OSError as error:
        print(f"checkout-age explain: {args.state}: {error.strerror}", file=sys.stderr)
        return 2
    if not found:
        print(f"checkout-age explain: no till ever told of receipt {args.receipt} here", file=sys.stderr)
        return 1
    print(json.dumps(found if len(found) > 1 else found[0], ensure_ascii=False, indent=2))
    return 0
