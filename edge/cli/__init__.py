"""The command `checkout-age`: finds the command's file, parses, calls, returns its exit code.

A command is one module of this room (or of `training`/`export`, named under the entry-point group
`checkout_age.commands`) with `HELP`, `add_arguments(parser)` and `run(args) -> int`. Only the module of the
command that was asked for is imported, so `--help` and small commands start at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path
from types import ModuleType

__all__ = ["commands", "main"]

_GROUP = "checkout_age.commands"
EXIT_USAGE = 2


def commands() -> dict[str, str | EntryPoint]:
    """Every command's name with where its module is found, own ones first, then those of the extras."""
    found: dict[str, str | EntryPoint] = {
        module.name.replace("_", "-"): f"{__name__}.{module.name}"
        for module in pkgutil.iter_modules([str(Path(__file__).parent)])
        if not module.name.startswith("_")
    }
    for point in entry_points(group=_GROUP):
        found.setdefault(point.name, point)
    return dict(sorted(found.items()))


def _module(where: str | EntryPoint) -> ModuleType:
    return importlib.import_module(where if isinstance(where, str) else where.module)


def _extra(where: str | EntryPoint) -> str:
    """The extra that brings what a command needs."""
    if isinstance(where, str):
        return "cpu"
    return "marketing" if where.module.startswith("export.events") else "training"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the result is the process's exit code (2 for a usage error)."""
    try:
        code = _main(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our stdout left (`| head`): not an error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _main(args: list[str]) -> int:
    known = commands()
    if not args or args[0] in ("-h", "--help"):
        _print_overview(known)
        return 0 if args else EXIT_USAGE
    if args[0] == "--version":
        print(f"checkout-age {version('checkout-age')}")
        return 0
    name, rest = args[0], args[1:]
    if name not in known:
        print(f"checkout-age: no command '{name}'. `checkout-age --help` lists them.", file=sys.stderr)
        return EXIT_USAGE
    try:
        module = _module(known[name])
        parser = argparse.ArgumentParser(prog=f"checkout-age {name}", description=module.HELP)
        module.add_arguments(parser)
        code: int = module.run(parser.parse_args(rest))
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] in ("edge", "training", "export"):
            raise  # a fault of ours, and no extra would mend it
        print(
            f"checkout-age {name}: the Python package '{missing.name}' is not installed. "
            f"Install the extra that has it: pip install 'checkout-age[{_extra(known[name])}]'",
            file=sys.stderr,
        )
        return EXIT_USAGE
    return code


def _print_overview(known: dict[str, str | EntryPoint]) -> None:
    print("usage: checkout-age COMMAND [OPTIONS]   (checkout-age COMMAND --help tells more)\n\ncommands:")
    for name, where in known.items():
        try:
            print(f"  {name:16} {_module(where).HELP}")
        except ModuleNotFoundError as missing:
            print(f"  {name:16} (needs the package '{missing.name}')")
