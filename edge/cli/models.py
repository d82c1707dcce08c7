"""`checkout-age models list|fetch|verify|install`: what is there, what is right, what can be added."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

HELP = "list, fetch, verify and install face detectors and age bundles"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One action, each with what it needs."""
    parser.add_argument(
        "--models",
        type=Path,
        default=None,
        metavar="DIR",
        help="model folder instead of the user's or the service's",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="what is there, and which detector `auto` takes")
    fetch = actions.add_parser("fetch", help="get a detector from its makers, or from a folder")
    fetch.add_argument("name", choices=["yunet"])
    fetch.add_argument(
        "--from", dest="source", type=Path, default=None, metavar="DIR", help="a folder with the file"
    )
    actions.add_parser("verify", help="check every digest; exit code 1 where one is wrong")
    install = actions.add_parser(
        "install", help="put an age bundle in place of the one in use, if it is sound"
    )
    install.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's folder")
    install.add_argument(
        "--worse-at-minors",
        action="store_true",
        help="install it even where it misses more 14-17-year-olds than the one in use, or was never measured",
    )


def run(args: argparse.Namespace) -> int:
    """0 where all is well, 1 where `verify` finds something wrong, 2 where the request cannot be met.

    Wrong is what was altered, and what ships with the program and is not there.
    """
    from edge.age import AgeModelError
    from edge.cli._bundle_install import BundleRefusedError
    from edge.face import DetectorError, user_models_folder

    folder: Path = user_models_folder() if args.models is None else args.models
    try:
        if args.action == "fetch":
            return _fetch(folder, args.source)
        if args.action == "install":
            return _install(folder, args.bundle, compared=not args.worse_at_minors)
        return _list(folder) if args.action == "list" else _verify(folder)
    except (DetectorError, AgeModelError, BundleRefusedError, OSError) as error:
        print(f"models {args.action}: {error}", file=sys.stderr)
        return 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Model:
    """One line of `list` and `verify`; what `ships` must not be missing."""

    name: str
    path: Path
    state: Literal["ok", "missing", "altered"]
    note: str
    ships: bool = False


def _models(folder: Path) -> Iterator[_Model]:
    """Every model the program knows of, looked at."""
    from edge.face import (
        MTCNN_FOLDER,
        YUNET,
        DetectorError,
        DetectorFileMissingError,
        choose_detector,
        verified_files,
    )

    try:
        verified_files(MTCNN_FOLDER)
        yield _Model(name="mtcnn", path=MTCNN_FOLDER, state="ok", note="shipped, MIT", ships=True)
    except DetectorFileMissingError as error:
        yield _Model(name="mtcnn", path=MTCNN_FOLDER, state="missing", note=str(error), ships=True)
    except DetectorError as error:
        yield _Model(name="mtcnn", path=MTCNN_FOLDER, state="altered", note=str(error), ships=True)
    path = folder / YUNET.file_name
    try:
        choose_detector("yunet", models_folder=folder)
        yield _Model(name="yunet", path=path, state="ok", note=YUNET.licence)
    except DetectorFileMissingError:
        yield _Model(name="yunet", path=path, state="missing", note="get it: checkout-age models fetch yunet")
    except DetectorError as error:
        yield _Model(name="yunet", path=path, state="altered", note=str(error))
    yield from _bundles(folder)


def _bundles(folder: Path) -> Iterator[_Model]:
    """The shipped age bundle and the installed one, which goes before it."""
    from edge.age import AgeBundle, AgeModelError
    from edge.app.parts import SHIPPED_BUNDLE
    from edge.cli._bundle_install import AGE_FOLDER
    from edge.face import CONTRACT

    for name, path in (("age shipped", SHIPPED_BUNDLE), ("age installed", folder / AGE_FOLDER)):
        if not path.is_dir():
            yield _Model(name=name, path=path, state="missing", note="", ships=path == SHIPPED_BUNDLE)
            continue
        try:
            bundle = AgeBundle.load(path, contract_digest=CONTRACT.digest)
            yield _Model(name=name, path=path, state="ok", note=f"{bundle.name}, {bundle.licence}")
        except AgeModelError as error:
            yield _Model(name=name, path=path, state="altered", note=str(error))


def _list(folder: Path) -> int:
    from edge.face import choose_detector

    for model in _models(folder):
        print(f"{model.name:16} {model.state:8} {model.path}" + (f"  {model.note}" if model.note else ""))
    print(f"auto: {choose_detector('auto', models_folder=folder).reason}")
    return 0


def _verify(folder: Path) -> int:
    wrong = 0
    for model in _models(folder):
        bad = model.state == "altered" or (model.state == "missing" and model.ships)
        wrong += bad
        print(f"{model.state:8} {model.name}  {(model.note if bad else '') or model.path}")
    return 1 if wrong else 0


def _fetch(folder: Path, source: Path | None) -> int:
    from edge.face import YUNET, fetch

    print(fetch(YUNET, folder, source=source))
    print(f"YuNet is in place; its licence: {YUNET.licence}", file=sys.stderr)
    return 0


def _install(folder: Path, source: Path, *, compared: bool) -> int:
    from edge.app.parts import SHIPPED_BUNDLE
    from edge.cli._bundle_install import AGE_FOLDER, install_bundle, no_worse_at_minors, works_here

    installed = folder / AGE_FOLDER
    bundle = install_bundle(
        source,
        folder,
        in_use=installed if installed.is_dir() else SHIPPED_BUNDLE,
        checks=(no_worse_at_minors,) if compared else (),
        proofs=(works_here,),
    )
    print(f"{bundle.folder}  {bundle.name}")
    print(f"licence: {bundle.licence}\n{bundle.intended_use}", file=sys.stderr)
    return 0
