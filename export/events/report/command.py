"""`checkout-age report DIR --out report.html`: who buys what, for people who plan offers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from export.events.analysis.options import add_data_arguments, bundles_of

HELP = "make marketing's report from exported files: page, CSV tables, JSON"
EXIT_UNUSABLE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is read, and where the report goes."""
    add_data_arguments(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the page; CSVs go beside it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables as JSON too")
    parser.add_argument("--lang", choices=["en", "ru"], default="en")


def run(args: argparse.Namespace) -> int:
    """0 when written, 2 with the reason and the way out."""
    from export.events.analysis.errors import AnalysisError

    try:
        written = _report(args)
    except (AnalysisError, OSError, MemoryError) as error:
        print(f"checkout-age report: {error}", file=sys.stderr)
        return EXIT_UNUSABLE
    print(f"{args.out}: with {len(written) - 1} files beside it")
    return 0


def _report(args: argparse.Namespace) -> list[Path]:
    from export.events.analysis.engine import open_engine
    from export.events.analysis.reading import find_export
    from export.events.report.figures import figures_of, sums_of
    from export.events.report.files import write_report
    from export.events.report.page import page_of

    export = find_export(args.data, since=args.since, until=args.until)
    if export.unfinished:
        print(f"{export.unfinished} days left out: no _SUCCESS, their export did not finish", file=sys.stderr)
    with open_engine(
        args.engine, export, master=args.master, memory=args.memory, threads=args.threads
    ) as engine:
        sums = sums_of(engine, export.bands)
    figures = figures_of(sums, export, bundles_of(args))
    if figures.models_unmeasured:
        print(
            f"{figures.uncorrectable} baskets of {', '.join(figures.models_unmeasured)} are in no figure by age: "
            "nobody measured its error (--bundle DIR names its bundle)",
            file=sys.stderr,
        )
    return write_report(figures, page_of(figures, args.lang), args.out, args.json)
