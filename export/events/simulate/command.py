"""`checkout-age simulate-store --out STATE`: a store with known truth, to test the analysis and to load it."""

from __future__ import annotations

import argparse
import sys
from datetime import date, timedelta
from pathlib import Path

HELP = "make a state folder of a pretended store with planted age preferences, and the truth beside it"
EXIT_UNUSABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How big the store is, what is planted, whose error the estimates have."""
    parser.add_argument("--out", type=Path, required=True, metavar="STATE", help="a new state folder")
    parser.add_argument("--days", type=_positive, default=30, metavar="N")
    parser.add_argument("--lanes", type=_positive, default=10, metavar="N")
    parser.add_argument("--customers", type=_positive, default=300, metavar="N", help="a lane a day (300)")
    parser.add_argument(
        "--lines", type=_positive, metavar="N", help="about so many basket lines in all instead"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--no-preference", action="store_true", help="every age buys alike")
    parser.add_argument("--start", type=date.fromisoformat, default=date(2026, 1, 5), metavar="YYYY-MM-DD")
    parser.add_argument("--store", default="simulated", metavar="NAME")
    parser.add_argument(
        "--bundle", type=Path, metavar="DIR", help="whose measured error the estimates have (the shipped one)"
    )


def run(args: argparse.Namespace) -> int:
    """0 when written, 2 with the reason."""
    import sqlite3

    from edge.events.errors import StoreError
    from export.events.analysis.errors import AnalysisError

    try:
        baskets, lines = _simulate(args)
    except (AnalysisError, StoreError, OSError, sqlite3.Error, ValueError) as error:
        print(f"checkout-age simulate-store: {args.out}: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    print(
        f"{args.out}: {baskets:,} baskets with {lines:,} lines over {args.days} days; truth.json beside them"
    )
    return 0


def _simulate(args: argparse.Namespace) -> tuple[int, int]:
    import json

    import numpy as np

    from edge.events.sales_schema import DEFAULT_BANDS, open_sales
    from export.events.analysis.age_error import load_age_error, shipped_bundle
    from export.events.analysis.bands import bands_of_pairs
    from export.events.simulate.goods import ADULT_ONLY, make_goods
    from export.events.simulate.state import write_day
    from export.events.simulate.trade import draw_day, truth_of

    database, told = args.out / "sales.db", args.out / "truth.json"
    if database.exists():
        raise ValueError(
            "has a sales.db already; name a new folder, nothing is mixed into a store's own sales"
        )
    bands = bands_of_pairs(DEFAULT_BANDS)
    error = load_age_error(args.bundle or shipped_bundle())
    goods = make_goods(len(bands), np.random.default_rng([args.seed, 0]), preference=not args.no_preference)
    truth = truth_of(goods, bands)
    groups = [f"tills-{1 + lane // 5}" for lane in range(args.lanes)]
    a_day = args.customers * args.lanes
    if args.lines:
        a_day = max(1, round(args.lines / args.days / float((goods.rates @ truth.mix).sum()) / 0.9175))
    connection = open_sales(database, store=args.store, time_zone="Europe/London")
    baskets = lines = 0
    try:
        connection.execute("PRAGMA synchronous = OFF")  # made again in a minute; no sale is lost
        for number in range(args.days):
            day = draw_day(
                goods,
                bands,
                error,
                customers=a_day,
                lanes=args.lanes,
                chance=np.random.default_rng([args.seed, 1 + number]),
            )
            on = args.start + timedelta(days=number)
            write_day(connection, goods, day, on=on, groups=groups, model=error.model, currency="EUR")
            baskets, lines = baskets + len(day), lines + len(day.line_product)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    document = {
        "bands": [band.key for band in bands],
        "age_mix": {band.key: round(float(s), 6) for band, s in zip(bands, truth.mix, strict=True)},
        "lifts": [
            {"band": band.key, "sku": goods.skus[i], "lift": round(float(truth.lifts[i, k]), 6)}
            for i in np.flatnonzero(goods.planted)
            for k, band in enumerate(bands)
        ],
        "never_sold": [] if args.no_preference else [{"band": bands[0].key, "categories": list(ADULT_ONLY)}],
        "seed": args.seed,
        "model": error.model,
        "baskets": baskets,
        "lines": lines,
    }
    told.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return baskets, lines


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"at least 1, got {text}")
    return value
