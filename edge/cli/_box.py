"""The box that a command is typed on: the service's configuration, where none was named, and its pictures in memory."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["CONFIG_HELP", "SERVICE_CONFIG", "config_of_box"]

SERVICE_CONFIG = Path("/etc/checkout-age/lane.yaml")
CONFIG_HELP = f"the box's configuration (default: {SERVICE_CONFIG} where it is there)"


def config_of_box(given: Path | None, *, camera: str | None = None) -> Path | None:
    """The configuration that was named, else the installed service's where it is there and may be read.

    `camera`: a source (`0`, `rtsp://…`, a file) needs none, and a service whose file is unfinished must not be in its
    way; only a name does.
    """
    if given is not None or not os.access(SERVICE_CONFIG, os.R_OK):
        return given
    return SERVICE_CONFIG if camera is None or _is_name(camera) else None


def _is_name(camera: str) -> bool:
    from edge.config import SourceKind, source_kind

    try:
        return source_kind(camera) is SourceKind.FILE and not Path(camera).is_file()
    except ValueError:
        return False
