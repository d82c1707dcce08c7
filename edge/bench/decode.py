"""Decoding alone: what no pipeline that looks at the clip can beat by much."""

from __future__ import annotations

import time
from typing import Any

__all__ = ["decode_only"]


def decode_only(clip: str, threads: int) -> dict[str, Any]:
    """`read()` every frame to BGR with OpenCV and throw it away; times real time, and seconds."""
    import cv2

    capture = cv2.VideoCapture(clip, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    rate_hz = capture.get(cv2.CAP_PROP_FPS)
    began, frames = time.perf_counter(), 0
    while capture.read()[0]:
        frames += 1
    wall_s = time.perf_counter() - began
    capture.release()
    return {"realtime_factor": frames / rate_hz / wall_s, "wall_s": wall_s, "frames": frames}
