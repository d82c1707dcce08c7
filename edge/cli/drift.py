"""`checkout-age drift`: what is usual at each camera, and the word that a camera shall stay as it stands now."""

from __future__ import annotations

import argparse
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

HELP = "what is usual at each camera; --accept: as it stands now is how it shall stand"
EXIT_REFUSED = 2
_HOUR_S = 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which state, and what to accept."""
    parser.add_argument(
        "--from", dest="state", type=Path, default=Path("/var/lib/checkout-age"), metavar="STATE"
    )
    parser.add_argument(
        "--accept", metavar="CAMERA", help="forget what was usual at this camera, also while it runs"
    )


def run(args: argparse.Namespace) -> int:
    """0 when it was told or noted, 2 where there is no state."""
    from edge.app.drift_book import accept_camera, hours_of
    from edge.app.recorded import open_state

    try:
        with closing(open_state(args.state)) as connection:
            rows = connection.execute(
                "SELECT DISTINCT camera, setup FROM drift_hours ORDER BY camera"
            ).fetchall()
            if args.accept is None:
                for camera, setup in rows:
                    hours = hours_of(connection, camera=camera, setup=setup, from_hour=0)
                    print(
                        f"{camera}  {len({one.hour // 24 for one in hours})} days, {len(hours)} hours, "
                        f"{sum(one.customers for one in hours)} customers, {sum(one.unknown for one in hours)} unknown"
                    )
                return 0
        if args.accept not in {camera for camera, _ in rows}:
            raise OSError(2, f"nothing is known of a camera {args.accept}")
        with closing(sqlite3.connect(args.state / "security.db", timeout=10)) as writing, writing:
            accept_camera(writing, camera=args.accept, hour=int(time.time()) // _HOUR_S)
    except (OSError, sqlite3.Error) as error:
        print(f"checkout-age drift: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        return EXIT_REFUSED
    print(f"{args.accept}: as it stands now is how it shall stand; a running box knows within ten minutes")
    return 0
