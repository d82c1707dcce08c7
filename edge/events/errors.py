"""Why the store or a sink cannot do what it was asked; one type a cause.

StoreError
├── StoreFull      no room now: refuse the sender, who may come again
├── StoreBroken    the file can no longer be written: the daemon ends, the next start sets it aside
├── StoreInUse     another process owns the file
├── StoreTooNew    a newer version wrote the file
└── StoreClosed    asked after close: a mistake of the caller
SinkDown           a receiver did not take events: the courier comes again
"""
# ruff: noqa: N818  (names of states; "StoreFullError" says no more)

from __future__ import annotations

from enum import StrEnum

__all__ = [
    "FullReason",
    "SinkDown",
    "StoreBroken",
    "StoreClosed",
    "StoreError",
    "StoreFull",
    "StoreInUse",
    "StoreTooNew",
]


class FullReason(StrEnum):
    """What there is no room in."""

    DISK = "disk_full"
    QUEUE = "queue_full"


class StoreError(Exception):
    """The store could not do what it was asked; nothing of the request was kept."""


class StoreFull(StoreError):
    """There is no room now; nothing of the request was kept and the same request may succeed later."""

    def __init__(self, reason: FullReason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason = reason


class StoreBroken(StoreError):
    """The database file can no longer be read or written."""


class StoreInUse(StoreError):
    """Another process has the state folder open for writing."""


class StoreTooNew(StoreError):
    """A newer version left the file in a shape that this version must not touch."""


class StoreClosed(StoreError):
    """The store was asked after it had been closed."""


class SinkDown(Exception):
    """A receiver did not take what it was given; the text names it, without any secret."""
