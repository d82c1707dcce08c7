"""`checkout-age run --config FILE`: the daemon, until it is told to stop."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

HELP = "the daemon: cameras, estimates, events, for months"
EXIT_REFUSED = 2
LAST_GOOD = "last-good.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the configuration is, and for whom it runs."""
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument(
        "--service",
        action="store_true",
        help="for systemd: an unusable file does not keep a lane blind, the last good configuration is used and said "
        "to be; `checkout-age reload` takes a new one ($STATE_DIRECTORY and $RUNTIME_DIRECTORY must be set)",
    )


def run(args: argparse.Namespace) -> int:
    """0 after SIGTERM or SIGINT; 2 with the reason and the way out where it cannot start."""
    from edge.config import Config, ConfigError, LastGood, Log, read_config
    from edge.ops.log import redactor, start_logging
    from edge.ops.native_output import take_over_output
    from edge.ops.notify import Notifier
    from edge.ops.process import forbid_core_dumps

    notifier = Notifier()  # first of all: what it takes out of the environment is not for children
    forbid_core_dumps()
    folders = _folders() if args.service else None
    if args.service and folders is None:
        print("checkout-age run: --service is for systemd, which sets STATE_DIRECTORY and RUNTIME_DIRECTORY; "
              "leave it out, or set both", file=sys.stderr)  # fmt: skip
        return EXIT_REFUSED
    config: Config | None = None
    warnings: tuple[object, ...] = ()
    refused: ConfigError | None = None
    try:
        loaded = read_config(args.config)
        config, warnings = loaded.config, loaded.warnings
    except ConfigError as error:
        if folders is None:
            return _refuse(error)
        refused = error
    log = Log() if config is None else config.log
    start_logging(style=log.format, level=log.level, stream=take_over_output())
    # Only now: what these import may write to stderr on the way.
    import logging

    from edge.app import START_ERRORS
    from edge.app.service import Service

    for said in warnings or (() if refused is None else refused.problems):
        logging.getLogger(__name__).warning("%s", said)
    state, runtime = folders or (None, None)
    service = Service(
        args.config,
        notifier=notifier,
        start_errors=START_ERRORS,
        last_good=None if state is None else LastGood(path=state / LAST_GOOD),
        record_in=runtime,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.ask_to_stop())
    if args.service:
        signal.signal(signal.SIGHUP, lambda *_: service.ask_to_reload())
    try:
        service.run(config)
    except ConfigError as error:
        return _refuse(error)
    except START_ERRORS as error:
        print(f"checkout-age run: {redactor(str(error))}", file=sys.stderr)
        return EXIT_REFUSED
    return 0


def _refuse(error: object) -> int:
    for problem in getattr(error, "problems", ()):
        print(problem, file=sys.stderr)
    return EXIT_REFUSED


def _folders() -> tuple[Path, Path] | None:
    """The service's own folders as systemd names them; it may list several with colons."""
    state, runtime = (
        os.environ.get(name, "").split(":")[0] for name in ("STATE_DIRECTORY", "RUNTIME_DIRECTORY")
    )
    return (Path(state), Path(runtime)) if state and runtime else None
