"""`checkout-age config`: what counts after defaults and overlays, and a file with today's names of its keys."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge.cli._box import SERVICE_CONFIG

HELP = "show the configuration that counts, or write an old one with today's names"
EXIT_REFUSED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A verb and a file."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    show = verbs.add_parser("show", help="the configuration, keys in addresses masked")
    show.add_argument(
        "--effective",
        action="store_true",
        help="every setting, with defaults and config.d; else the files as written",
    )
    show.add_argument(
        "--config", type=Path, default=SERVICE_CONFIG, metavar="FILE", help="default: %(default)s"
    )
    migrate = verbs.add_parser(
        "migrate", help="print FILE with today's names of its keys; FILE stays as it is"
    )
    migrate.add_argument("file", type=Path, metavar="FILE")
    migrate.add_argument("--out", type=Path, metavar="NEW", help="write it there instead; must not exist yet")


def run(args: argparse.Namespace) -> int:
    """0; 2 with every reason where the file cannot be used."""
    from edge.config import ConfigError

    try:
        return (
            _show(args.config, effective=args.effective)
            if args.verb == "show"
            else _migrate(args.file, args.out)
        )
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
    except OSError as error:
        print(f"checkout-age config: {error}", file=sys.stderr)
    return EXIT_REFUSED


def _show(path: Path, *, effective: bool) -> int:
    from edge.config import as_yaml, config_hash, read_config
    from edge.ops.log import redactor

    loaded = read_config(path)
    for warning in loaded.warnings:
        print(warning, file=sys.stderr)
    if effective:
        print(
            f"# from {', '.join(map(str, loaded.files))}; what decides prompts: {config_hash(loaded.config)}"
        )
        print(redactor(as_yaml(loaded.config, masked=True)), end="")
        return 0
    from edge.config.effective import masked_text

    for file in loaded.files:
        print(f"# {file}")
        print(redactor(masked_text(file.read_text(encoding="utf-8-sig"))), end="")
    return 0


def _migrate(path: Path, out: Path | None) -> int:
    from edge.config import migrated

    done = migrated(path.read_bytes(), file=str(path))
    for change in done.changes:
        print(change, file=sys.stderr)
    if not done.changes:
        print(f"{path}: every key has today's name", file=sys.stderr)
    if out is None:
        print(done.text, end="")
        return 0
    if out.exists():
        print(f"checkout-age config: {out} is there already; name a new file (nothing is rewritten in place)",
              file=sys.stderr)  # fmt: skip
        return EXIT_REFUSED
    with out.open("x", encoding="utf-8") as stream:
        stream.write(done.text)
    print(f"written to {out}; look at it, then: checkout-age check-config {out}", file=sys.stderr)
    return 0
