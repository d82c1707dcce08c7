"""Putting the program onto a till box, exchanging it, and taking it off: files, units, and what goes back by itself."""

from edge.install.errors import InstallError, StartFailedError
from edge.install.installer import Installer, Wishes
from edge.install.layout import Layout
from edge.install.manager import Manager, NoManager, Systemd

__all__ = [
    "InstallError",
    "Installer",
    "Layout",
    "Manager",
    "NoManager",
    "StartFailedError",
    "Systemd",
    "Wishes",
]
