"""`checkout-age selftest`: does this installation work on this machine?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HELP = "check packages, providers, detector, age model and speed on this device"
EXIT_FAILED, EXIT_USAGE = 1, 2

_MARKS = {"ok": "ok      ", "degraded": "degraded", "failed": "FAILED  "}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A configuration to test with, and the form of the answer."""
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="test with this configuration's 'inference' section"
    )


def run(args: argparse.Namespace) -> int:
    """0 where everything works, 1 with the reasons where something does not, 2 for an unusable configuration."""
    from edge.app import age_bundle_folder
    from edge.config import ConfigError, Inference, load_config
    from edge.ops.selftest import selftest

    try:
        inference = load_config(args.config).inference if args.config else Inference()
    except ConfigError as error:
        print(f"checkout-age selftest: {error}", file=sys.stderr)
        return EXIT_USAGE
    result = selftest(
        bundle_folder=age_bundle_folder(inference),
        models_folder=inference.models_dir,
        detector=inference.detector,
        provider=inference.provider,
        threads=inference.threads,
    )
    if args.json:
        print(json.dumps(result.as_json(), indent=2))
    else:
        for check in result.checks:
            print(f"{_MARKS[check.state]}  {check.name:9}  {check.said}")
        if result.figures["research_weights"]:
            print(result.figures["research_weights"])
    failed = [check for check in result.checks if check.state == "failed"]
    for check in failed:
        print(f"selftest: {check.name}: {check.said}", file=sys.stderr)
    return EXIT_FAILED if failed else 0
