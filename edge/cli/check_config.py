"""`checkout-age check-config FILE`: every mistake in a configuration at once, or its JSON Schema."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HELP = "look at a configuration and name every mistake in it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, or `--schema`."""
    parser.add_argument("file", nargs="?", type=Path, help="the configuration, a YAML file")
    parser.add_argument(
        "--schema", action="store_true", help="print the JSON Schema of configurations instead"
    )


def run(args: argparse.Namespace) -> int:
    """0 for a configuration that can be used, else 2 and a line on stderr for every problem."""
    from edge.config import ConfigError, json_schema, read_config
    from edge.config.credentials import FOLDER, missing_credentials
    from edge.config.reminders import reminders

    if args.schema:
        print(json.dumps(json_schema(), indent=2))
        return 0
    if args.file is None:
        print("check-config: name a file (or ask for --schema)", file=sys.stderr)
        return 2
    try:
        loaded = read_config(args.file)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        count = len(error.problems)
        print(f"{count} problem{'s' * (count != 1)} in {args.file}", file=sys.stderr)
        return 2
    config = loaded.config
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    counted = ((len(config.lanes), "lane"), (len(config.cameras), "camera"), (len(config.sinks), "sink"))
    print("ok: " + ", ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in counted))
    to_do = missing_credentials(config, args.file.resolve().parent / FOLDER)
    for sentence in (*to_do, *reminders(config)):
        print(f"still to do: {sentence}", file=sys.stderr)
    return 0
