"""`checkout-age drift`: what is usual at each camera, and the word that a camera shall stay as it stands now."""

from __future__ import annotations

import argparse
import math
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.ops.drift import HourFigures

_SHOWN = (("blur", "blur {:.2f}"), ("brightness", "light {:.0f}"))
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
                        f"{camera}  {len({one.hour // 24 for one in hours})} days, {len(hours)} hours, {_usual(hours)}"
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


def _usual(hours: Sequence[HourFigures]) -> str:
    """Customers, unknowns, ages by bands of ten years, and the means of what is measured of faces."""
    from edge.ops.drift import HourFigures

    whole = HourFigures(hour=0)
    for one in hours:
        whole = whole.plus(one)
    known = sum(whole.ages)
    told = [f"{whole.customers} customers, {whole.unknown} unknown"]
    if known:
        last = len(whole.ages) - 1
        shares = (
            f"{10 * band}{'+' if band == last else f'-{10 * band + 9}'} {count / known:.0%}"
            for band, count in enumerate(whole.ages)
        )
        told.append(f"ages {', '.join(shares)}")
    mean = {name: sums.mean for name, sums in whole.sums.items() if sums.n}
    if {"x", "y", "size"} <= mean.keys():
        width = math.exp(mean["size"])
        told.append(f"faces at {mean['x']:.0%} across, {mean['y']:.0%} down, {width:.1%} of the picture wide")
    told += [form.format(mean[name]) for name, form in _SHOWN if name in mean]
    return "; ".join(told)
