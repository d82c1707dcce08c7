"""Who may sign in: a file of users with argon2 hashes and of tokens with their digests, never a word in plain."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

__all__ = ["People", "PeopleError", "PeopleFile", "Role", "Token", "User", "hash_password", "matches"]

_log = logging.getLogger(__name__)
_FORMAT = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}")
_LEAST_LETTERS = 8
_TOKEN_BYTES = 32


class PeopleError(ValueError):
    """The file of users is not as it must be, or a change of it makes no sense; says the way out."""


class Role(StrEnum):
    """What somebody may see and do. `display` is for wall screens and only for tokens."""

    DISPLAY = "display"
    VIEWER = "viewer"
    CASHIER = "cashier"
    SECURITY = "security"
    MANAGER = "manager"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody with a password. `lanes` are those of a cashier, empty for everybody else."""

    name: str
    role: Role
    hash: str
    lanes: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """Changes with password, role and lanes, so that sessions of before end."""
        told = json.dumps([self.name, self.role.value, self.hash, self.lanes])
        return hashlib.sha256(told.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A machine's or a wall screen's key; only its digest is kept."""

    name: str
    role: Role
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everybody who may come in."""

    users: tuple[User, ...] = ()
    tokens: tuple[Token, ...] = ()

    def user(self, name: str) -> User | None:
        """The user of that name."""
        return next((user for user in self.users if user.name == name), None)

    def token(self, shown: str) -> Token | None:
        """The token whose digest fits what was shown."""
        digest = hashlib.sha256(shown.encode()).hexdigest()
        return next((token for token in self.tokens if secrets.compare_digest(token.digest, digest)), None)

    def with_user(self, name: str, role: Role, password: str, lanes: tuple[str, ...] = ()) -> People:
        """Add a user, or give a known one a new password and role. Raises PeopleError."""
        _check_name(name)
        if role is Role.DISPLAY:
            raise PeopleError("the role display is for wall screens: make a token for it, not a user")
        if (role is Role.CASHIER) != bool(lanes):
            raise PeopleError("a cashier needs a lane (--lane lane-1), and nobody else has one")
        user = User(name=name, role=role, hash=hash_password(password), lanes=lanes)
        return replace(self, users=(*(one for one in self.users if one.name != name), user))

    def with_token(self, name: str, role: Role) -> tuple[People, str]:
        """Add a token and give it once in plain; a token of that name is replaced. Raises PeopleError."""
        _check_name(name)
        if role is Role.CASHIER:
            raise PeopleError(
                "a cashier signs in by name and password, since checks are noted under that name"
            )
        shown = f"ca_{secrets.token_urlsafe(_TOKEN_BYTES)}"
        token = Token(name=name, role=role, digest=hashlib.sha256(shown.encode()).hexdigest())
        return replace(self, tokens=(*(one for one in self.tokens if one.name != name), token)), shown

    def without(self, name: str) -> People:
        """Take a user or a token out. Raises PeopleError where there is none of that name."""
        left = People(
            users=tuple(user for user in self.users if user.name != name),
            tokens=tuple(token for token in self.tokens if token.name != name),
        )
        if left == self:
            raise PeopleError(f"there is no user and no token '{name}'; `checkout-age users list` shows all")
        return left


class PeopleFile:
    """The file on disk; read again when it changes, so that who is removed is out at once. Any thread."""

    def __init__(self, path: Path) -> None:
        """A file that is not there means nobody."""
        self.path = path
        self._lock = threading.Lock()
        self._stamp: tuple[int, int, int] | None = None
        self._people = People()

    def read(self) -> People:
        """Everybody, as the file says now. Raises PeopleError where it cannot be read."""
        try:
            return _parse(json.loads(self.path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return People()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PeopleError(f"the users file {self.path} cannot be read: {error}") from error

    def current(self) -> People:
        """Everybody; while the file is broken nobody comes in, and the log says why."""
        with self._lock:
            try:
                seen = self.path.stat()
            except FileNotFoundError:
                self._stamp, self._people = None, People()
                return self._people
            stamp = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
            if stamp != self._stamp:
                try:
                    self._people = self.read()
                except PeopleError as error:
                    _log.error("nobody can sign in: %s", error)
                    self._people = People()
                self._stamp = stamp
            return self._people

    def change(self, how: Callable[[People], People]) -> People:
        """Read, change, write in one step that a crash cannot tear; readable by its owner alone."""
        people = how(self.read())
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        keep = self.path.stat() if self.path.exists() else None
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(_text(people))
            out.flush()
            os.fsync(out.fileno())
        if keep is not None and os.geteuid() == 0:
            os.chown(beside, keep.st_uid, keep.st_gid)  # the service's user goes on reading what root changed
        beside.replace(self.path)
        return people


def hash_password(password: str) -> str:
    """An argon2id hash with a salt of its own. Raises PeopleError for a password that is too short."""
    if len(password) < _LEAST_LETTERS:
        raise PeopleError(f"a password has at least {_LEAST_LETTERS} letters")
    from argon2 import PasswordHasher

    return PasswordHasher().hash(password)


def matches(hashed: str, password: str) -> bool:
    """Is it the password? Takes some 50 ms and 64 MB, whatever the answer."""
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise PeopleError(f"'{name}' is no name: 1 to 63 letters (a-z), digits, '.', '_', '@' or '-'")


def _parse(document: Any) -> People:
    if document["format"] != _FORMAT:
        raise PeopleError(f"format {document['format']!r} is not known; this program reads {_FORMAT}")
    return People(
        users=tuple(
            User(
                name=str(one["name"]),
                role=Role(one["role"]),
                hash=str(one["hash"]),
                lanes=tuple(map(str, one.get("lanes", ()))),
            )
            for one in document["users"]
        ),
        tokens=tuple(
            Token(name=str(one["name"]), role=Role(one["role"]), digest=str(one["digest"]))
            for one in document.get("tokens", ())
        ),
    )


def _text(people: People) -> str:
    document = {
        "format": _FORMAT,
        "users": [
            {"name": user.name, "role": user.role.value, "lanes": list(user.lanes), "hash": user.hash}
            for user in people.users
        ],
        "tokens": [
            {"name": token.name, "role": token.role.value, "digest": token.digest} for token in people.tokens
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
