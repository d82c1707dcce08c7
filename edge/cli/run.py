"""`checkout-age run --config FILE`: the daemon, until it is told to stop."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

HELP = "the daemon: cameras, estimates, events, for months"
EXIT_REFUSED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the configuration is."""
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")


def run(args: argparse.Namespace) -> int:
    """0 after SIGTERM or SIGINT; 2 with the reason and the way out where it cannot start."""
    from edge.config import ConfigError, load_config
    from edge.ops.log import redactor, start_logging
    from edge.ops.native_output import take_over_output

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        config = load_config(args.config)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return EXIT_REFUSED
    start_logging(style=config.log.format, level=config.log.level, stream=take_over_output())
    # Only now: what these import may write to stderr on the way.
    from edge.app import START_ERRORS, Daemon

    try:
        daemon = Daemon(config)
    except START_ERRORS as error:
        print(f"checkout-age run: {redactor(str(error))}", file=sys.stderr)
        return EXIT_REFUSED
    try:
        daemon.start()
        stop.wait()
    finally:
        daemon.stop()
    return 0
