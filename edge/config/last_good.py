"""The configuration that last worked, kept so that a box starts with it when the file has become unusable."""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edge.config.config import Config
from edge.config.effective import as_yaml
from edge.config.load import parse_newer

__all__ = ["LastGood"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastGood:
    """A file of the service's own, readable by the service alone."""

    path: Path

    def keep(self, config: Config) -> None:
        """Remember what works; whole or not at all. Raises OSError."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = (
            "# Written by checkout-age: the configuration with which the service last started. Not to be edited;\n"
            "# it is used when the configuration file itself cannot be.\n" + as_yaml(config, masked=False)
        )
        new = self.path.with_suffix(".new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(new, self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink()
            raise

    def load(self) -> Config | None:
        """What was kept; None where nothing was. Raises ConfigError where it does not work any more.

        A newer version that was taken back may have kept settings that this one does not have: they are left out, so
        that the box sees at all.
        """
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return None
        config, told = parse_newer(raw, file=str(self.path), folder=self.path.parent)
        for problem in told:
            _log.warning("%s", problem)
        return config

    def kept_at(self) -> str:
        """Day and time of `keep`, for people."""
        return f"{datetime.fromtimestamp(self.path.stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC"
