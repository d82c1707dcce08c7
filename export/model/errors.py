"""Why an export stops."""

from __future__ import annotations

__all__ = ["ExportError", "GateError"]


class ExportError(Exception):
    """The export cannot go on; the message says what, where and the way out."""


class GateError(ExportError):
    """The exported file is not what the Keras model was: a parity gate failed."""
