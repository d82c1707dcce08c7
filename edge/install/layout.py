"""Where everything of an installed box lies, below any root folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["EXPORT", "SERVICE", "USER", "Layout"]

USER = "checkout-age"
SERVICE = "checkout-age.service"
EXPORT = "checkout-age-export"
"""The timer and the service that it starts; off until somebody wants marketing's files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Paths below `root`: `/` on a box, another folder to try it or to build an image."""

    root: Path

    @property
    def live(self) -> bool:
        """Is this the computer that we run on, and not a folder?"""
        return self.root == Path("/")

    @property
    def program(self) -> Path:
        """Versions, and the links `current` and `previous` to two of them."""
        return self.root / "opt/checkout-age"

    @property
    def versions(self) -> Path:
        return self.program / "versions"

    @property
    def current(self) -> Path:
        return self.program / "current"

    @property
    def previous(self) -> Path:
        return self.program / "previous"

    @property
    def config_folder(self) -> Path:
        return self.root / "etc/checkout-age"

    @property
    def config(self) -> Path:
        return self.config_folder / "lane.yaml"

    @property
    def credentials(self) -> Path:
        """Passwords, tokens and keys, one file each; systemd hands them to the service."""
        return self.config_folder / "credentials"

    @property
    def state(self) -> Path:
        return self.root / "var/lib/checkout-age"

    @property
    def marketing(self) -> Path:
        """Files of the nightly export, where `checkout-age-export.timer` runs."""
        return self.root / "var/lib/checkout-age-marketing"

    @property
    def models(self) -> Path:
        """Fetched models, where the service looks for them (`user_models_folder`)."""
        return self.state / "models"

    @property
    def units(self) -> Path:
        return self.root / "etc/systemd/system"

    @property
    def drop_ins(self) -> Path:
        return self.units / f"{SERVICE}.d"

    @property
    def sysusers(self) -> Path:
        """Makes the user at the first start of an image that was built in a folder."""
        return self.root / "etc/sysusers.d/checkout-age.conf"

    @property
    def command(self) -> Path:
        """The command on everybody's PATH."""
        return self.root / "usr/local/bin/checkout-age"

    def inside(self, path: Path) -> str:
        """A path as it is called when `root` is the root."""
        return "/" + str(path.relative_to(self.root)).lstrip("/")
