"""`checkout-age service`: install, exchange, take back, take off; and say that a moved disk is at home here."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

if TYPE_CHECKING:
    from edge.install import Layout, Manager

HELP = "put this version onto the box as a service: install, rollback, uninstall, accept-computer"
EXIT_REFUSED = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """A verb and its choices."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    install = verbs.add_parser(
        "install", help="install or exchange; goes back by itself where the new one fails"
    )
    install.add_argument(
        "--wheel", type=Path, metavar="FILE", help="the project from this wheel, not from here"
    )
    install.add_argument(
        "--config", type=Path, metavar="FILE", help="begin with it, where the box has none yet"
    )
    install.add_argument("--detector", choices=["auto", "mtcnn", "yunet"], default="auto")
    install.add_argument("--models", type=Path, metavar="DIR", help="folder with the file of YuNet")
    rollback = verbs.add_parser("rollback", help="exchange the version for the one before")
    for verb in (install, rollback):
        verb.add_argument("--no-start", action="store_true", help="do not start or restart the service")
        verb.add_argument(
            "--ready-seconds", type=float, default=120.0, metavar="S", help="default: %(default)g"
        )
    uninstall = verbs.add_parser("uninstall", help="take off program and units; state and configuration stay")
    uninstall.add_argument("--delete-state", action="store_true", help="databases and register too")
    uninstall.add_argument("--delete-config", action="store_true", help="/etc/checkout-age too")
    accept = verbs.add_parser(
        "accept-computer", help="the state in this box belongs to this computer from now on"
    )
    for verb in (install, rollback, uninstall, accept):
        verb.add_argument(
            "--root", type=Path, default=Path("/"), metavar="DIR", help="another root folder, to try it"
        )


def run(args: argparse.Namespace) -> int:
    """0; 2 with the reason where it is refused, and what runs then."""
    from edge.install import InstallError, Layout, StartFailedError

    with _unhurried():
        try:
            return _do(args, Layout(root=args.root.resolve()))
        except (InstallError, StartFailedError, OSError) as error:
            _say(f"checkout-age service: {error}", to=sys.stderr)
        except KeyboardInterrupt:
            _say(
                "checkout-age service: interrupted; systemctl status checkout-age says what runs",
                to=sys.stderr,
            )
        return EXIT_REFUSED


@contextmanager
def _unhurried() -> Iterator[None]:
    """A terminal that goes away does not end an exchange half-way; who asks for the end gets the version before."""

    def interrupted(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    hung_up = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ended = signal.signal(signal.SIGTERM, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, hung_up)
        signal.signal(signal.SIGTERM, ended)


def _say(words: str, *, to: TextIO | None = None) -> None:
    with suppress(OSError):  # the terminal may be gone
        print(words, file=to or sys.stdout, flush=True)


def _do(args: argparse.Namespace, layout: Layout) -> int:
    from edge.install import Installer, InstallError, NoManager, Systemd, Wishes
    from edge.shipped import shipped

    if layout.live and os.geteuid() != 0:
        raise InstallError(
            "needs an administrator: sudo checkout-age service …; --root DIR tries it in a folder"
        )
    if args.verb == "accept-computer":
        return _accept(layout)
    started = layout.live and Systemd.here()
    manager: Manager = Systemd() if started else NoManager(layout)
    installer = Installer(
        layout,
        manager,
        say=_say,
        template=lambda: shipped("configs/lane.yaml").read_text(encoding="utf-8"),
    )
    if args.verb == "install":
        installer.install(
            Wishes(
                wheel=args.wheel,
                config=args.config,
                detector=args.detector,
                models=args.models,
                start=not args.no_start,
                ready_s=args.ready_seconds,
            )
        )
        if not started:
            print("no systemd runs here: nothing was started")
    elif args.verb == "rollback":
        installer.rollback(start=not args.no_start, ready_s=args.ready_seconds)
    else:
        installer.uninstall(state=args.delete_state, config=args.delete_config)
    return 0


def _accept(layout: Layout) -> int:
    from edge.config import ConfigError, load_config
    from edge.install import InstallError
    from edge.ops.identity import accept_computer

    try:
        config = load_config(layout.config)
    except ConfigError as error:
        raise InstallError(str(error)) from error
    folder = layout.root / config.state.dir.relative_to("/")
    accept_computer(folder, store=config.site.store, box=config.site.box)
    owner = folder.stat()
    if os.geteuid() == 0:
        os.chown(folder / "identity.json", owner.st_uid, owner.st_gid)
    print("noted; checkout-age reload takes the warning away")
    return 0
