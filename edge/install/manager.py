"""The service manager's part of an installation."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Protocol

from edge.install.errors import StartFailedError
from edge.install.layout import SERVICE, Layout

__all__ = ["Manager", "NoManager", "Systemd"]

_SHORT_S = 60.0


class Manager(Protocol):
    """What an installation asks of whoever starts services."""

    def take_units(self) -> None:
        """Read unit files again."""

    def enable(self) -> None:
        """Start the service with the computer."""

    def restart(self, *, ready_s: float) -> None:
        """Stop what runs, start what is current, wait until it says that it is ready. Raises StartFailedError."""

    def remove(self) -> None:
        """Stop the service and start it no more."""


class Systemd:
    """systemd on this computer."""

    @staticmethod
    def here() -> bool:
        """Is systemd the one that runs this computer?"""
        return shutil.which("systemctl") is not None and Path("/run/systemd/system").is_dir()

    def take_units(self) -> None:
        """As Manager."""
        _systemctl("daemon-reload")

    def enable(self) -> None:
        """As Manager."""
        _systemctl("enable", "--quiet", SERVICE)

    def restart(self, *, ready_s: float) -> None:
        """As Manager. systemctl waits for READY=1 itself, since the unit is of Type=notify."""
        try:
            _systemctl("restart", SERVICE, limit_s=ready_s)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            said = "" if error.stderr is None else _text(error.stderr)
            why = (
                f"not ready within {ready_s:g} s"
                if isinstance(error, subprocess.TimeoutExpired)
                else said.strip()
            )
            raise StartFailedError(f"{why} (journalctl -u checkout-age -n 50 tells more)") from error

    def remove(self) -> None:
        """As Manager; a service that is not there is no fault."""
        subprocess.run(
            ["systemctl", "disable", "--now", "--quiet", SERVICE],
            check=False,
            capture_output=True,
            timeout=_SHORT_S,
        )


class NoManager:
    """For a folder: the service is enabled for its first start as a root file system, and nothing is started."""

    def __init__(self, layout: Layout) -> None:
        self._wanted = layout.units / "multi-user.target.wants" / SERVICE

    def take_units(self) -> None:
        """Nobody reads them yet."""

    def enable(self) -> None:
        """As `systemctl enable --root` does."""
        self._wanted.parent.mkdir(parents=True, exist_ok=True)
        self._wanted.unlink(missing_ok=True)
        self._wanted.symlink_to(f"/etc/systemd/system/{SERVICE}")

    def restart(self, *, ready_s: float) -> None:
        """Nothing runs in a folder."""

    def remove(self) -> None:
        """Take the link away."""
        self._wanted.unlink(missing_ok=True)


def _systemctl(*words: str, limit_s: float = _SHORT_S) -> None:
    subprocess.run(["systemctl", *words], check=True, capture_output=True, text=True, timeout=limit_s)


def _text(said: str | bytes) -> str:
    return said if isinstance(said, str) else said.decode("utf-8", "replace")
