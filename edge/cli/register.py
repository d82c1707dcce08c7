"""`checkout-age register verify|export`: the register of checks, proved and written out."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path

HELP = "the register of challenges, refusals, alerts: verify it, export it as CSV"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What to do, with which state folder."""
    parser.add_argument("what", choices=["verify", "export"])
    parser.add_argument(
        "--from", dest="state", type=Path, default=Path("/var/lib/checkout-age"), metavar="STATE"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="export: write here instead of stdout")
    parser.add_argument(
        "--noted",
        action="append",
        default=[],
        metavar="NUMBER:CHAIN",
        help="verify: a chain value from an earlier export",
    )


def run(args: argparse.Namespace) -> int:
    """0 where the register holds (or was written), 1 where it does not, 2 where it cannot be read."""
    from edge.app.recorded import open_state
    from edge.events.register import emptied, entries, export_csv, verify

    try:
        noted = [(int(number), chain) for number, _, chain in (one.partition(":") for one in args.noted)]
    except ValueError:
        print("checkout-age register: --noted is NUMBER:CHAIN, both as an export has them", file=sys.stderr)
        return 2
    try:
        with closing(open_state(args.state)) as connection:
            if args.what == "export":
                text = export_csv(entries(connection))
                if args.out is None:
                    sys.stdout.write(text)
                else:
                    args.out.write_text(text, encoding="utf-8", newline="")
                return 0
            connection.execute("BEGIN")  # one state for all that is told, beside a daemon that goes on
            faults, gone = verify(connection, noted=noted), emptied(connection)
            count, head = connection.execute(
                "SELECT count(*), (SELECT lower(hex(chain)) FROM register ORDER BY number DESC LIMIT 1) FROM register"
            ).fetchone()
    except OSError as error:
        print(f"checkout-age register: {args.state}: {error.strerror}", file=sys.stderr)
        return 2
    for fault in faults:
        print(f"entry {fault.number}: {fault.what}")
    if not faults:
        print(f"the register holds: {count} entries, the last chain value is {head or 'none'}")
    print(f"forgotten: {gone.requests} ({len(gone.forgotten)} entries)")
    if gone.retired:
        print(f"past retention: entries up to {gone.retired}")
    return 1 if faults else 0
