"""Several things stopped at once: what takes long for one of them holds up nobody else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

__all__ = ["together"]

_log = logging.getLogger(__name__)


def together(works: Mapping[str, Callable[[], object]]) -> None:
    """Do each work in a thread of its own and wait for all. One that fails is logged by its name; others go on."""

    def do(name: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:  # noqa: BLE001 - on the way out: what is left to stop must still be stopped
            _log.exception("%s could not be stopped in order", name)

    threads = [
        threading.Thread(target=do, args=(name, work), name=f"stop {name}") for name, work in works.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
