"""`checkout-age forget --receipt R --from STATE`: one sale taken out of both stores, with a tombstone."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.events.sales_store import BasketForgotten

HELP = "take one sale out of both stores; the register keeps a tombstone"
EXIT_UNKNOWN, EXIT_REFUSED = 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which receipt, of which state folder; lane and day where the number was given more than once."""
    parser.add_argument("--receipt", required=True, metavar="R")
    parser.add_argument(
        "--from", dest="state", type=Path, default=Path("/var/lib/checkout-age"), metavar="STATE"
    )
    parser.add_argument("--lane", metavar="NAME", help="where two lanes know the number")
    parser.add_argument(
        "--day", metavar="YYYY-MM-DD", help="where the number came again on another day (UTC)"
    )
    parser.add_argument("--all", action="store_true", help="every sale of that number")


def run(args: argparse.Namespace) -> int:
    """0 where it is forgotten, 1 where nobody knows the receipt, 2 where it cannot be done or is not clear."""
    from edge.app.forget import ForgetError, find_sales, forget_sale, still_named
    from edge.events import StoreError

    try:
        sales = [
            sale
            for sale in find_sales(args.state, args.receipt, lane=args.lane)
            if args.day in (None, sale.day)
        ]
        if not sales and args.lane and args.day:
            # Baskets are kept for longer than what security knows of the sale.
            return _forget_old_basket(args.state, args.receipt, args.lane, args.day)
        if not sales:
            print(f"checkout-age forget: nobody here knows receipt {args.receipt}", file=sys.stderr)
            return EXIT_UNKNOWN
        if len(sales) > 1 and not args.all:
            print(
                f"checkout-age forget: receipt {args.receipt} names several sales. Say which, or --all:",
                *(f"  --lane {sale.lane} --day {sale.day}" for sale in sales),
                sep="\n",
                file=sys.stderr,
            )
            return EXIT_REFUSED
        for sale in sales:
            done = forget_sale(args.state, sale)
            print(
                f"forgotten: receipt {sale.receipt} of {sale.lane}, {sale.day}: {done.till_events} till events, "
                f"{done.events} events, {done.alerts} alerts, {done.basket.lines} basket lines, what "
                f"{done.register_entries} entries of the register said; the tombstone is entry {done.tombstone}"
            )
            _exported(done.basket)
    except OSError as error:
        print(f"checkout-age forget: {args.state}: {error.strerror}", file=sys.stderr)
        return EXIT_REFUSED
    except (ForgetError, StoreError, sqlite3.Error, ValueError) as error:
        print(f"checkout-age forget: {error}", file=sys.stderr)
        return EXIT_REFUSED
    for file in still_named(args.state, args.receipt):
        print(
            f"still there: {file} names the receipt; it was given out or set aside: delete or clean it",
            file=sys.stderr,
        )
    return 0


def _forget_old_basket(state: Path, receipt: str, lane: str, day: str) -> int:
    from datetime import date

    from edge.events.sales_store import forget_basket_of_day

    done = forget_basket_of_day(state, lane=lane, receipt=receipt, day=date.fromisoformat(day))
    if not done.baskets:
        print(f"checkout-age forget: nobody here knows receipt {receipt} of {lane}, {day}", file=sys.stderr)
        return EXIT_UNKNOWN
    print(
        f"forgotten: receipt {receipt} of {lane}, {day}: {done.lines} basket lines; security knew it no more"
    )
    return 0


def _exported(done: BasketForgotten) -> None:
    """What was written out for marketing before lies elsewhere and is named by the basket's id."""
    for basket, day in zip(done.baskets, done.days, strict=False):
        print(f"where it was exported: checkout-age forget-export --in DIR --basket {basket} --day {day}")
