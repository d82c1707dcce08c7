"""`checkout-age bench WHAT`: one measurement; every module of `edge/bench` with `HELP` is one."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

import edge.bench

HELP = "measure speed on this machine: model, pipeline, …"

EXIT_USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which measurement; all that follows belongs to it."""
    parser.add_argument("what", nargs="?", metavar="WHAT", help="left out: lists what there is")
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="…", help="its own options (--help)")


def run(args: argparse.Namespace) -> int:
    """The measurement's exit code; 2 where there is none of that name."""
    module = None if args.what is None else _measurement(args.what)
    if module is None:
        told = "" if args.what is None else f"bench: no measurement '{args.what}'. "
        print(f"{told}usage: checkout-age bench WHAT [OPTIONS]", file=sys.stderr)
        for name, found in measurements().items():
            print(f"  {name:10} {found.HELP}", file=sys.stderr)
        return EXIT_USAGE
    parser = argparse.ArgumentParser(prog=f"checkout-age bench {args.what}", description=module.HELP)
    module.add_arguments(parser)
    code: int = module.run(parser.parse_args(args.rest))
    return code


def measurements() -> dict[str, ModuleType]:
    """Every measurement by its name."""
    found = {name: _measurement(name) for name in _names()}
    return {name: module for name, module in found.items() if module is not None}


def _names() -> list[str]:
    folder = Path(edge.bench.__file__).parent
    return [module.name.replace("_", "-") for module in pkgutil.iter_modules([str(folder)])]


def _measurement(name: str) -> ModuleType | None:
    if name not in _names():
        return None
    module = importlib.import_module(f"edge.bench.{name.replace('-', '_')}")
    return module if hasattr(module, "HELP") else None
