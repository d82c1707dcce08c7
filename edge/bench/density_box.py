"""The daemon as `bench density` runs it: the real parts, and beside them somebody who reads their figures.

    python -m edge.bench.density_box CONFIG

Answers on stdout: `figures` (counters so far), `window` (the same, and latencies are counted anew from here).
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from edge.bench.child import answer_questions, cpu_s_of

__all__: list[str] = []

_LATENCIES_MAX = 200_000


class _Firsts(logging.Handler):
    """When each camera's first frame was judged, seconds since 1970."""

    def __init__(self) -> None:
        super().__init__()
        self.at_s: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.getMessage() == "first frame judged":
            self.at_s[getattr(record, "camera", "")] = record.created


def _run(config_file: Path) -> None:
    from edge.app import START_ERRORS, Daemon
    from edge.config import load_config
    from edge.ops.latency import LatencyWindow
    from edge.ops.log import start_logging
    from edge.ops.process import resident_bytes

    began_s = time.monotonic()
    config = load_config(config_file)
    start_logging(style="json", level="info")
    firsts = _Firsts()
    logging.getLogger().addHandler(firsts)
    try:
        daemon = Daemon(config)
    except START_ERRORS as error:
        sys.exit(str(error))
    daemon.start()

    def figures() -> dict[str, Any]:
        return {
            "at_s": time.monotonic(),
            "wall_s": time.time(),
            "rss_mb": resident_bytes() / 1e6,
            "cpu_s": cpu_s_of(os.getpid()),
            "threads_s": _threads_s(),
            "stages_ms": {name: ns / 1e6 for name, ns in daemon.vision.stages.total_ns.items()},
            "first_judged_s": dict(firsts.at_s),
            "estimates": len(daemon.estimates),
            "latency_ms": {
                name: None if (s := daemon.estimates.quantile(share)) is None else s * 1e3
                for name, share in (("p50", 0.5), ("p95", 0.95))
            },
            "failures": daemon.vision.failures,
            "customers": daemon.counts["customers"],
            "cameras": {
                camera.name: {
                    "frames": told.frames,
                    "stream_s": told.stream_s,
                    "judged": daemon.vision.judged[camera.name],
                    "overwritten": told.overwritten,
                    "too_old": told.too_old,
                    "opens": told.opens,
                }
                for camera in daemon.cameras
                for told in [camera.figures()]
            },
        }

    def window() -> dict[str, Any]:
        told = figures()
        daemon.estimates = LatencyWindow(size=_LATENCIES_MAX)
        return told

    first = {
        "detector": daemon.models.choice.name,
        "model": daemon.models.bundle.name,
        "provider": daemon.models.ages.provider,
        "start_s": time.monotonic() - began_s,
    }
    try:
        answer_questions({"figures": figures, "window": window}, first)
    finally:
        daemon.stop()


def _threads_s() -> dict[str, float]:
    """Processor seconds by kind of thread; those that Python does not know belong to ONNX Runtime."""
    kinds: dict[str, list[int]] = defaultdict(list)
    named = {thread.native_id: thread.name for thread in threading.enumerate()}
    for task in map(int, os.listdir("/proc/self/task")):
        name = named.get(task)
        kind = (
            "inference"
            if name is None
            else "decode"
            if name.startswith("camera ")
            else "vision"
            if name == "vision"
            else "rest"
        )
        kinds[kind].append(task)
    return {kind: cpu_s_of(os.getpid(), tasks) for kind, tasks in kinds.items()}


if __name__ == "__main__":
    _run(Path(sys.argv[1]))
