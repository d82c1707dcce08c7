"""What can be wrong with the files or the figures asked for. Commands print it and end with exit code 2."""

from __future__ import annotations

__all__ = ["AnalysisError", "DamagedFile", "EngineMissing", "NoData", "NoErrorMeasured", "WrongSchema"]


class AnalysisError(Exception):
    """Base of everything below."""


class NoData(AnalysisError):  # noqa: N818 - states of the data, named as what the reader meets
    """The folder or the range holds no finished partition."""


class DamagedFile(AnalysisError):  # noqa: N818
    """A file cannot be read as what its name says."""


class WrongSchema(AnalysisError):  # noqa: N818
    """A file of another schema version, or without a column that is pinned."""


class NoErrorMeasured(AnalysisError):  # noqa: N818
    """Nobody measured how the model errs that made these estimates."""


class EngineMissing(AnalysisError):  # noqa: N818
    """The engine that was asked for is not installed or does not start."""
