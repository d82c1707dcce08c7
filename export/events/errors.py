"""Why marketing's files cannot be written; the message names the way out."""

from __future__ import annotations

__all__ = ["ExportError"]


class ExportError(Exception):
    """The export stopped. Files that are whole stay, none is half-written, and the next run goes on."""
