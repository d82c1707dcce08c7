"""`checkout-age users`: who may sign in to the pages, and the tokens of machines and wall screens."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.page.people import People, PeopleFile

HELP = "who may sign in to the pages: add, list, remove, token"
EXIT_REFUSED = 2
_ROLES = ("viewer", "cashier", "security", "manager")
_TOKEN_ROLES = ("display", "viewer", "security", "manager")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """One verb, and where the file is."""
    verbs = parser.add_subparsers(dest="verb", required=True)
    add = verbs.add_parser("add", help="add a user, or give a known one a new password and role")
    add.add_argument("name")
    add.add_argument("--role", choices=_ROLES, required=True)
    add.add_argument("--lane", action="append", default=[], metavar="NAME", help="a cashier's own lane")
    add.add_argument("--password-stdin", action="store_true", help="read the password from the first line")
    listed = verbs.add_parser("list", help="everybody, without any password")
    remove = verbs.add_parser("remove", help="take out a user or a token; their sessions end at once")
    remove.add_argument("name")
    token = verbs.add_parser("token", help="make a key for a machine or a wall screen, shown once")
    token.add_argument("name")
    token.add_argument("--role", choices=_TOKEN_ROLES, default="display")
    for verb in (add, listed, remove, token):
        where = verb.add_mutually_exclusive_group(required=True)
        where.add_argument(
            "--config", type=Path, metavar="FILE", help="the box's configuration names the file"
        )
        where.add_argument("--file", type=Path, metavar="FILE", help="the users file itself")


def run(args: argparse.Namespace) -> int:
    """0; 2 with the reason where it is refused."""
    from edge.config import ConfigError
    from edge.page.people import PeopleError, PeopleFile

    try:
        people = PeopleFile(args.file if args.config is None else _file_of(args.config))
        return _do(args, people)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
    except (PeopleError, OSError) as error:
        print(f"checkout-age users: {error}", file=sys.stderr)
    return EXIT_REFUSED


def _do(args: argparse.Namespace, people: PeopleFile) -> int:
    from edge.page.people import Role

    if args.verb == "add":
        password = _password(from_stdin=args.password_stdin)
        people.change(lambda known: known.with_user(args.name, Role(args.role), password, tuple(args.lane)))
        print(f"{args.name} may sign in as {args.role}", file=sys.stderr)
    elif args.verb == "remove":
        people.change(lambda known: known.without(args.name))
        print(f"{args.name} is out", file=sys.stderr)
    elif args.verb == "token":
        shown: list[str] = []

        def with_token(known: People) -> People:
            after, key = known.with_token(args.name, Role(args.role))
            shown.append(key)
            return after

        people.change(with_token)
        print(shown[0])
        way = (
            "open http(s)://HOST:PORT/display/TOKEN once on the wall screen; it stays signed in over a reboot"
            if args.role == "display"
            else "send it as `Authorization: Bearer TOKEN`"
        )
        print(f"shown only now; {way}", file=sys.stderr)
    else:
        known = people.read()
        for user in known.users:
            print("  ".join((user.name, user.role.value, *user.lanes)))
        for token in known.tokens:
            print(f"{token.name}  {token.role.value}  (token)")
    return 0


def _file_of(config_file: Path) -> Path:
    from edge.config import load_config

    config = load_config(config_file)
    return config.http.users_file or config.state.dir / "users.json"


def _password(*, from_stdin: bool) -> str:
    from edge.page.people import PeopleError

    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise PeopleError("the two passwords differ; nothing was changed")
    return first
