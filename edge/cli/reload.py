"""`checkout-age reload`: look at the new configuration and, where it can be used, have the running service take it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.app.service import Record

HELP = "have the running service take its configuration anew; an unusable one is refused"
EXIT_REFUSED = 2
RUNTIME_FOLDER = Path("/run/checkout-age")
_LOOK_S = 0.05


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which configuration, which service, and how long to wait."""
    parser.add_argument(
        "--config",
        type=Path,
        default=Path("/etc/checkout-age/lane.yaml"),
        metavar="FILE",
        help="default: %(default)s",
    )
    parser.add_argument(
        "--runtime",
        type=Path,
        default=Path(os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0] or RUNTIME_FOLDER),
        metavar="DIR",
        help="where the service tells who it is (default: %(default)s)",
    )
    parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS", help="default: %(default)g")


def run(args: argparse.Namespace) -> int:
    """0 when the new configuration is in use; 2 with every reason where the old one is kept."""
    from edge.app.service import Record
    from edge.config import ConfigError, read_config

    try:
        loaded = read_config(args.config)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        print("reload: refused; what runs goes on with the configuration that it has", file=sys.stderr)
        return EXIT_REFUSED
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    try:
        before = Record.read(args.runtime)
        if before is None:
            return _no("no service runs here. Start it: systemctl start checkout-age")
        if before.config != str(args.config.resolve()):
            return _no(f"the service runs with {before.config}; name that file with --config")
        os.kill(before.pid, signal.SIGHUP)
        after = _after(before, args.runtime, timeout_s=args.timeout)
    except PermissionError:
        return _no("the service is another user's: sudo checkout-age reload")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return _no(f"the service could not be asked: {error}")
    if after is None:
        ended = Record.read(args.runtime) is None
        why = "the service ended meanwhile" if ended else f"no answer within {args.timeout:g} s"
        return _no(f"{why}; see: journalctl -u checkout-age -n 50")
    for said in after.problems:
        print(said, file=sys.stderr)
    if after.problems:
        return _no("refused; what runs goes on with the configuration that it had")
    print(f"reloaded: {len(loaded.config.lanes)} lanes, {after.took_s:.1f} s without them")
    return 0


def _after(before: Record, runtime: Path, *, timeout_s: float) -> Record | None:
    """What the service says once it is through; None where it ends, or says nothing in time."""
    from edge.app.service import Record

    ends_s = time.monotonic() + timeout_s
    while time.monotonic() < ends_s:
        now = Record.read(runtime)
        if now is None:
            return None
        if now.reloads > before.reloads:
            return now
        time.sleep(_LOOK_S)
    return None


def _no(why: str) -> int:
    print(f"reload: {why}", file=sys.stderr)
    return EXIT_REFUSED
