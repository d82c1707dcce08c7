"""`checkout-age alert test`: a marked test alert through every sink, and what each said."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "send a marked test alert through every sink and show each result"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose sinks."""
    parser.add_argument("what", choices=["test"])
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")


def run(args: argparse.Namespace) -> int:
    """0 where every sink of security took it, 1 where one did not, 2 for a configuration that cannot be read."""
    from edge.app.alert_test import send_test
    from edge.config import ConfigError, load_config

    try:
        config = load_config(args.config)
    except ConfigError as error:
        print(f"checkout-age alert: {error}", file=sys.stderr)
        return 2
    results = send_test(config)
    for result in results:
        verdict = "taken" if result.taken else "not sent" if result.skipped else "FAILED"
        print(f"{result.sink:20} {verdict}  {result.detail}")
    if not any(not result.skipped for result in results):
        print("no sink gets alerts: configure one with `purpose: security`")
    return 1 if any(not result.taken and not result.skipped for result in results) else 0
