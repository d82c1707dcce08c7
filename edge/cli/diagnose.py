"""`checkout-age diagnose`: one archive for support, without secrets, pictures, customers or sales."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from edge.cli._box import SERVICE_CONFIG

HELP = "write one archive for support: configuration, versions, health, log; secrets are masked"
EXIT_REFUSED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Of which box, and where to."""
    parser.add_argument(
        "--config",
        type=Path,
        default=SERVICE_CONFIG,
        metavar="FILE",
        help="the box's configuration (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE.tar.gz",
        help="a file that is not there yet (default: checkout-age-support-DATE-TIME.tar.gz, here)",
    )


def run(args: argparse.Namespace) -> int:
    """0 with the archive, 2 where configuration or place cannot be used."""
    from edge.app.diagnose import parts, secrets_of
    from edge.config import ConfigError, load_config
    from edge.ops.diagnose import write_archive
    from edge.ops.redact import Redactor

    at_s = int(time.time())
    out: Path = args.out or Path(
        time.strftime("checkout-age-support-%Y%m%d-%H%M%S.tar.gz", time.localtime(at_s))
    )
    try:
        config = load_config(args.config)
        found = parts(config)
        write_archive(out, found, Redactor(secrets_of(config)), at_s=at_s)
    except ConfigError as error:
        print(f"checkout-age diagnose: {error}", file=sys.stderr)
        return EXIT_REFUSED
    except OSError as error:
        print(f"checkout-age diagnose: {out}: {error.strerror or error}", file=sys.stderr)
        return EXIT_REFUSED
    for name, text in found.items():
        print(f"{name}: {text if text.startswith('not available') else f'{len(text)} characters'}")
    print(f"{out}: look through it before you send it")
    return 0
