"""The key of the sales side: it makes basket ids, so that only who has it can find a sale among the baskets."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from edge.events.sales_schema import SalesMismatch

__all__ = ["KEY_FILE", "SalesKey", "SalesKeyError", "make_sales_key", "read_sales_key"]

KEY_FILE = "sales.key"
_OTHERS_MAY = 0o077


class SalesKeyError(SalesMismatch):
    """The key cannot be read or is no key; a new one is never made in its place."""


class SalesKey:
    """32 secret bytes. Its text form tells nothing."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != 32:
            raise SalesKeyError(f"a key of the sales side has 32 bytes; got {len(secret)}")
        self._secret = secret

    def __repr__(self) -> str:
        return f"SalesKey({self.key_id})"

    @property
    def key_id(self) -> str:
        """Which key this is, without telling it."""
        return self._digest("key")[:16]

    def basket(self, *, store: str, lane: str, receipt: str, day: str, hour: int) -> str:
        """The id of a basket, 32 hex digits, from what a printed receipt tells: till, number, date and hour.

        `day` and `hour` are the store's own at the close. A till that gives a number again within the hour is not
        heard by the rules either.
        """
        return self._digest("basket", store, lane, receipt, day, str(hour))[:32]

    def chance(self, basket: str) -> float:
        """A number in [0, 1) that is the same whenever this basket is rounded, and that no other file explains."""
        return int(self._digest("rounding", basket)[:13], 16) / 16**13

    def _digest(self, *words: str) -> str:
        told = b"\0".join(word.replace("\0", "").encode() for word in ("checkout-age sales 1", *words))
        return hmac.new(self._secret, told, hashlib.sha256).hexdigest()


def read_sales_key(folder: Path) -> SalesKey:
    """The key in the state folder. Raises FileNotFoundError, SalesKeyError for a file that is no key or open to others,
    OSError where it cannot be read."""
    path = folder / KEY_FILE
    with path.open(encoding="ascii", errors="replace") as file:
        mode = os.fstat(file.fileno()).st_mode & 0o777
        text = file.read(200).strip()
    if mode & _OTHERS_MAY:
        raise SalesKeyError(f"{path} can be read by others (mode {mode:o}): chmod 600 {path.name}")
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise SalesKeyError(f"{path} is no key (64 hex digits): put the file back from the backup")
    return SalesKey(bytes.fromhex(text))


def make_sales_key(folder: Path) -> SalesKey:
    """Make a key where there is none, mode 0600, whole or not at all. Raises FileExistsError, OSError."""
    path = folder / KEY_FILE
    secret = secrets.token_bytes(32)
    beside = folder / f".{KEY_FILE}.{os.getpid()}"
    with suppress(FileNotFoundError):
        beside.unlink()
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret.hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)  # unlike a rename, it never takes the place of a key that is there
    finally:
        beside.unlink()
    return SalesKey(secret)
