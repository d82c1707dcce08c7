"""Why an installation does not come about; each message says what is as before and what to do."""

from __future__ import annotations

__all__ = ["InstallError", "StartFailedError"]


class InstallError(Exception):
    """Nothing was installed, or the version before is back."""


class StartFailedError(Exception):
    """The service manager could not bring the service up in time."""
