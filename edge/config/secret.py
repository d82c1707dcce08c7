"""Passwords, tokens and keys stand beside the configuration, never in it: environment, file, or systemd credential."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Protocol

__all__ = ["HasPassword", "SecretError", "credential_file", "one_password", "read_password", "read_secret"]


class SecretError(ValueError):
    """A password that the configuration points at could not be read; the message names the place, not the word."""


class HasPassword(Protocol):
    """A section that may point at a password by one of three ways."""

    @property
    def user(self) -> str | None: ...
    @property
    def password_env(self) -> str | None: ...
    @property
    def password_file(self) -> Path | None: ...
    @property
    def password_credential(self) -> str | None: ...


BOX_CREDENTIALS: Final = Path("/etc/checkout-age/credentials")
"""Root's alone; the shipped unit hands every file in it to the service (`LoadCredential=`)."""
_FOLDER_ID = "secret"
_WAYS = ("password_env", "password_file", "password_credential")


def one_password(section: HasPassword) -> Iterator[tuple[tuple[str, ...], str]]:
    """The problems of a section that names several ways to its password, or a password for nobody."""
    named = [way for way in _WAYS if getattr(section, way) is not None]
    if len(named) > 1:
        yield tuple(reversed(named)), f"only one of {', '.join(named)} is allowed"
    if named and section.user is None:
        yield (named[0], "user"), "a password without 'user'; give both or neither"


def read_password(section: HasPassword) -> str | None:
    """The password that the section points at, None where it names none; a last line break is taken off.

    Raises SecretError where the variable, file or credential is not there.
    """
    return read_secret(
        env=section.password_env, file=section.password_file, credential=section.password_credential
    )


def read_secret(
    *, env: str | None = None, file: Path | None = None, credential: str | None = None
) -> str | None:
    """The secret in an environment variable, a systemd credential or a file's first line; None where none is named.

    Raises SecretError where the variable, file or credential is not there or cannot be read.
    """
    if env is not None:
        value = os.environ.get(env)
        if value is None:
            raise SecretError(f"the environment variable {env} is not set")
        return value
    if credential is not None:
        return _first_line(credential_file(credential))
    return None if file is None else _first_line(file)


def credential_file(name: str) -> Path:
    """Where systemd put the credential of this name: a copy that it made when the service started.

    A command that an administrator types on the box has no copies and takes the file itself. Raises SecretError where
    systemd gave none, or not this one.
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if folder is None:
        own = BOX_CREDENTIALS / name
        if os.access(own, os.R_OK) and own.is_file():
            return own
        raise SecretError(
            f"the systemd credential {name} is asked for, but systemd gave none; name it in the unit's "
            "LoadCredential= or point at a file instead (password_file, token_file, tls_key, key_file). "
            f"On a box type the command with sudo: {BOX_CREDENTIALS} is root's alone"
        )
    # A whole folder under `LoadCredential=secret:FOLDER` comes as secret_NAME, a single file under its own name.
    for each in (Path(folder) / f"{_FOLDER_ID}_{name}", Path(folder) / name):
        if each.is_file():
            return each
    raise SecretError(
        f"systemd gave this service no credential {name}. Put it into {BOX_CREDENTIALS / name}, then: "
        "systemctl restart checkout-age (credentials are handed over at a start only)"
    )


def _first_line(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").split("\n", 1)[0].removesuffix("\r")
    except OSError as error:
        raise SecretError(f"the password file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SecretError(f"the password file {path} is not UTF-8 text") from error
