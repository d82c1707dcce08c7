"""One measurement in a fresh process: no warm caches, threads or memory of another one disturb it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import TypeVar

__all__ = ["in_own_process"]

T = TypeVar("T")


def in_own_process(work: Callable[..., T], *args: object) -> T:
    """The result of `work(*args)`, run in a new interpreter; its exceptions are raised here."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, args)
