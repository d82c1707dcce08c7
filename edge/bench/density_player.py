"""Who only reads streams, as `bench density` needs for comparison: decoding alone, and the naive way.

    python -m edge.bench.density_player decode ADDRESS…      one process, one thread a stream, `read()` and no more
    python -m edge.bench.density_player naive ADDRESS        one process a stream: YuNet and fp32 on each frame

Flags of OpenCV as it comes. A file is held to the pace of its stamps and starts over at its end.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from edge.bench.child import answer_questions, cpu_s_of
from edge.bench.naive import naive_step

__all__: list[str] = []

Step = Callable[[Any], object]


class _Player:
    """Reads one stream in a thread for ever; `frames` counts those that `step` is done with."""

    def __init__(self, address: str, step: Step, *, delay_s: float) -> None:
        self.frames = 0
        self._address = address
        self._step = step
        self._delay_s = delay_s
        self._paced = "://" not in address
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        time.sleep(self._delay_s)  # a server is not asked for all streams at one moment
        while True:
            capture = cv2.VideoCapture(self._address, cv2.CAP_FFMPEG)
            zero_s = time.monotonic()
            while True:
                good, image = capture.read()
                if not good:
                    break
                if self._paced:
                    ahead_s = zero_s + capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3 - time.monotonic()
                    if ahead_s > 0:
                        time.sleep(ahead_s)
                self._step(image)
                self.frames += 1
            capture.release()
            time.sleep(0.5)


def _run(kind: str, addresses: list[str]) -> None:
    step: Step = (lambda image: image.shape) if kind == "decode" else naive_step(threads=1)
    np.zeros(1)
    players = [_Player(address, step, delay_s=0.05 * n) for n, address in enumerate(addresses)]

    def figures() -> dict[str, Any]:
        return {
            "at_s": time.monotonic(),
            "cpu_s": cpu_s_of(os.getpid()),
            "frames": [player.frames for player in players],
        }

    answer_questions({"figures": figures}, {})


if __name__ == "__main__":
    _run(sys.argv[1], sys.argv[2:])
