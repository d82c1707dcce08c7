"""The service manager's part of an installation."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Protocol

from edge.install.errors import StartFailedError
from edge.install.layout import EXPORT, SERVICE, Layout

__all__ = ["Manager", "NoManager", "Systemd"]

_SHORT_S = 60.0


class Manager(Protocol):
    """What an installation asks of whoever starts services."""

    def take_units(self) -> None:
        """Read unit files again. Raises StartFailedError."""

    def enable(self) -> None:
        """Start the service with the computer. Raises StartFailedError."""

    def restart(self, *, ready_s: float) -> None:
        """Stop what runs, start what is current, wait until it says that it is ready. Raises StartFailedError."""

    def remove(self) -> None:
        """Stop the service and the nightly export, and start them no more. Raises StartFailedError."""


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
        # Apart, so that what stops slowly takes nothing of the time to become ready.
        _systemctl("stop", SERVICE)
        try:
            _systemctl("start", SERVICE, limit_s=ready_s)
        except StartFailedError as error:
            why = "not ready" if isinstance(error.__cause__, subprocess.TimeoutExpired) else "failed"
            raise StartFailedError(f"{why}: {error} (journalctl -u checkout-age -n 50 tells more)") from error

    def remove(self) -> None:
        """As Manager; a unit that is not there is no fault."""
        for unit in (f"{EXPORT}.timer", f"{EXPORT}.service", SERVICE):
            try:
                _systemctl("disable", "--now", "--quiet", unit)
            except StartFailedError as error:
                if isinstance(error.__cause__, subprocess.TimeoutExpired):
                    raise


class NoManager:
    """For a folder: the service is enabled for its first start as a root file system, and nothing is started."""

    def __init__(self, layout: Layout) -> None:
        self._wanted = layout.units / "multi-user.target.wants" / SERVICE
        self._nightly = layout.units / "timers.target.wants" / f"{EXPORT}.timer"

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
        """Take the links away."""
        for link in (self._wanted, self._nightly):
            link.unlink(missing_ok=True)


def _systemctl(*words: str, limit_s: float = _SHORT_S) -> None:
    try:
        subprocess.run(["systemctl", *words], check=True, capture_output=True, text=True, timeout=limit_s)
    except subprocess.TimeoutExpired as error:
        raise StartFailedError(f"systemctl {words[0]} did not end within {limit_s:g} s") from error
    except subprocess.CalledProcessError as error:
        said = str(error.stderr).strip()
        raise StartFailedError(f"systemctl {words[0]}: {said or f'exit code {error.returncode}'}") from error
