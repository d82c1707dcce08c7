"""`checkout-age policy whatif`: what another challenge age or miss rate would have meant for recorded sales."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from pathlib import Path

HELP = "try another policy on recorded sales: prompts and alerts per 100 and per day"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The record, and the pairs to try."""
    parser.add_argument("what", choices=["whatif"])
    parser.add_argument(
        "--from", dest="state", type=Path, required=True, metavar="STATE", help="a box's state folder"
    )
    parser.add_argument("--challenge-age", default="25", metavar="AGE,…", help="of 18, 21, 25, 30")
    parser.add_argument("--miss-rate", default="0.05", metavar="RATE,…", help="of 0.01, 0.02, 0.05, 0.10")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="the age bundle; else the one in use")
    parser.add_argument("--json", action="store_true")


def run(args: argparse.Namespace) -> int:
    """Print a row for each pair; 2 with a reason for what cannot be read."""
    from edge.age import AgeBundle, AgeModelError
    from edge.app import age_bundle_folder
    from edge.app.recorded import open_state, whatif
    from edge.config import Inference
    from edge.face import CONTRACT

    try:
        ages = [int(each) for each in args.challenge_age.split(",")]
        rates = [float(each) for each in args.miss_rate.split(",")]
        folder = args.bundle or age_bundle_folder(Inference())
        bundle = AgeBundle.load(folder, contract_digest=CONTRACT.digest)
        with closing(open_state(args.state)) as connection:
            found = whatif(connection, bundle, challenge_ages=ages, miss_rates=rates)
    except (ValueError, AgeModelError) as error:
        print(f"checkout-age policy: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"checkout-age policy: {args.state}: {error.strerror}", file=sys.stderr)
        return 2
    rows = [
        {
            "challenge_age": one.challenge_age,
            "miss_rate": one.miss_rate,
            "tau": one.tau,
            "restricted_sales": one.sales,
            "unseen": one.unseen,
            "prompts_per_100": round(one.per_hundred(one.prompts), 1),
            "prompts_per_day": round(one.per_day(one.prompts), 1),
            "alerts_per_100": round(one.per_hundred(one.alerts), 1),
            "alerts_per_day": round(one.per_day(one.alerts), 1),
        }
        for one in found
    ]
    if args.json:
        print(json.dumps(rows))
        return 0
    print("challenge  miss     tau  sales  unseen  prompts/100  prompts/day  alerts/100  alerts/day")
    for row in rows:
        print(
            f"{row['challenge_age']:9}  {row['miss_rate']:4.2f}  {row['tau']:6.4f}  {row['restricted_sales']:5}"
            f"  {row['unseen']:6}  {row['prompts_per_100']:11.1f}  {row['prompts_per_day']:11.1f}"
            f"  {row['alerts_per_100']:10.1f}  {row['alerts_per_day']:10.1f}"
        )
    return 0
