"""Is this still the computer that the state was made on? A cloned disk would tell events in another box's name."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["Computer", "accept_computer", "check_identity", "this_computer"]

_FILE = "identity.json"
_FORMAT = 1
_NO_NUMBERS = frozenset(
    {
        "default string",
        "to be filled by o.e.m.",
        "system serial number",
        "not specified",
        "not applicable",
        "none",
    }
)
"""What makers of cheap boards leave in the place of a number: it tells no two computers apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Computer:
    """Digests of what tells one computer from another: the system's machine-id, and its network cards and board.

    `hardware` is empty where nothing can be read (in a container); then the machine-id alone decides.
    """

    machine: str
    hardware: frozenset[str]

    def differs(self, other: Computer) -> str | None:
        """What is another one here, in words; None where it is the same computer. One new network card is no other."""
        if self.machine != other.machine:
            return "the machine-id is another one"
        if self.hardware and other.hardware and not self.hardware & other.hardware:
            return "network cards and board are other ones"
        return None


def this_computer(root: Path = Path("/")) -> Computer:
    """The computer that this process runs on."""
    machine = _read(root / "etc/machine-id") or _read(root / "var/lib/dbus/machine-id") or ""
    return Computer(machine=_digest(machine), hardware=frozenset(_digest(one) for one in _hardware(root)))


def check_identity(state: Path, *, store: str, box: str, here: Computer | None = None) -> str | None:
    """Why this state seems to be a clone's, with the way out; None where all is well.

    The first time the computer is noted in the state folder. Raises OSError where that cannot be written or read.
    """
    here = here or this_computer()
    try:
        noted = _noted(state / _FILE)
    except FileNotFoundError:
        accept_computer(state, store=store, box=box, here=here)
        return None
    except (ValueError, KeyError, TypeError):
        return (
            f"{state / _FILE} is damaged: it cannot be told whether this disk was cloned. "
            "If this is the box it was: checkout-age service accept-computer"
        )
    other = here.differs(noted)
    if other is None:
        return None
    return (
        f"this state was made on another computer ({other}). If the disk was cloned, two boxes now speak as "
        f"{store}/{box}: give this one a site.box of its own and an empty state folder. "
        "If the disk was moved here for good: checkout-age service accept-computer"
    )


def accept_computer(state: Path, *, store: str, box: str, here: Computer | None = None) -> None:
    """Note that the state belongs to this computer from now on. Raises OSError."""
    here = here or this_computer()
    told = {
        "format": _FORMAT,
        "machine": here.machine,
        "hardware": sorted(here.hardware),
        "store": store,
        "box": box,
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = state / f"{_FILE}.new"
    new.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    new.chmod(0o600)
    os.replace(new, state / _FILE)


def _noted(file: Path) -> Computer:
    told = json.loads(file.read_text(encoding="utf-8"))
    return Computer(machine=str(told["machine"]), hardware=frozenset(map(str, told["hardware"])))


def _hardware(root: Path) -> Iterable[str]:
    """Addresses of network cards that are really there, and the board's number where anybody may read it."""
    cards = root / "sys/class/net"
    for card in sorted(cards.iterdir()) if cards.is_dir() else ():
        address = _read(card / "address")
        if (card / "device").exists() and address and address != "00:00:00:00:00:00":
            yield address
    for board in ("proc/device-tree/serial-number", "sys/class/dmi/id/board_serial"):
        number = _read(root / board)
        if number and number.lower() not in _NO_NUMBERS and set(number) - set("0 .-"):
            yield number


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    except OSError:
        return None


def _digest(text: str) -> str:
    """The machine-id itself shall not be shown (machine-id(5)): a keyed digest stands for it."""
    return hashlib.sha256(f"checkout-age box identity\n{text}".encode()).hexdigest()[:32]
