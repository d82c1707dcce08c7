"""What a number of streams must hold to count, and what gave way where it does not; pure."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["DETECT_HZ", "LIMITS", "failing", "held", "room", "saturated_by"]

DETECT_HZ = 5.0
LIMITS = {
    "taken_share": 0.95,
    "detect_share": 0.95,
    "latency_ms_p95": 500.0,
    "memory_growth": 0.05,
    "customers_share": 0.95,
}
_CPU_FULL = 0.93

Told = Mapping[str, Any]
"""The figures of one window."""


def held(told: Told, *, target_fps: float) -> bool:
    """Was every stream taken off the wire?"""
    return bool(told["taken_fps_min"] >= LIMITS["taken_share"] * target_fps)


def failing(told: Told, *, target_fps: float) -> list[str]:
    """The conditions that one window does not meet, in the order of the frame's way; pure."""
    p95 = told["latency_ms_p95"]
    checks = {
        "taken_fps": held(told, target_fps=target_fps),
        "detect_rate": told["detect_rate_min"] >= LIMITS["detect_share"] * DETECT_HZ,
        "latency": p95 is not None and p95 <= LIMITS["latency_ms_p95"],
        "memory": told["rss_growth"] <= LIMITS["memory_growth"],
        "customers": told["customers_found"] >= LIMITS["customers_share"] * told["customers_expected"]
        and (told["customers_found"] > 0 or told["customers_expected"] > 0),
    }
    return [name for name, good in checks.items() if not good]


def room(told: Told, *, target_fps: float, cores: int | None = None) -> float:
    """How often the work would fit into the machine, below 1 where streams fall behind.

    What other programs take is not taken off: mostly they give way, and where they do not, the next try says so.
    """
    spent = told["cpu_cores"]
    own = spent.get("daemon", 0.0) + spent.get("players", 0.0) + spent["camera_server"]
    left = (cores or len(os.sched_getaffinity(0))) / max(own, 1e-3)
    if told["passed"]:
        return float(left)
    return float(min(1.0, left, told["taken_fps_min"] / target_fps))


def saturated_by(lanes: Sequence[Told], level: int, *, cores: int | None = None) -> str | None:
    """What gave way first in the smallest number that failed; None where nothing did."""
    failed = [lane for lane in lanes if not lane["passed"] and lane["streams"] > level]
    if not failed:
        return None
    least = min(failed, key=lambda lane: int(lane["streams"]))
    spent = least["cpu_cores"]
    busy = spent["daemon"] + spent["camera_server"] + spent["others"]
    if busy >= _CPU_FULL * (cores or len(os.sched_getaffinity(0))):
        parts = {name: share for name, share in spent.items() if name.startswith("daemon_")}
        most = max(parts, key=lambda name: float(parts[name])).removeprefix("daemon_")
        return f"cpu ({most})"
    if spent.get("daemon_vision", 0.0) >= 0.9:
        return "vision thread"
    return str(least["fails"][0])
