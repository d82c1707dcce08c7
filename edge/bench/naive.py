"""The loop that a tutorial would write: what the pipeline is measured against.

Every frame at full rate, OpenCV's own `FaceDetectorYN` on the frame reduced to 640 x 360, the fp32 model on every
face of every frame. It gets the same clip, the same age network and the same number of threads as the pipeline.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["naive_loop", "naive_step"]

_SEARCH_PX = (640, 360)


def naive_loop(clip: str, threads: int, seconds: float) -> dict[str, Any]:
    """Run the loop over the first `seconds` of the clip; `realtime_factor` is None where YuNet's file is not there."""
    import cv2

    from edge.face import find_yunet

    settings: dict[str, Any] = {
        "detector": "cv2.FaceDetectorYN",
        "search_px": list(_SEARCH_PX),
        "every_frame": True,
        "model": "fp32",
        "threads": threads,
        "seconds_of_clip": seconds,
    }
    yunet: Path | None = find_yunet()
    if yunet is None:
        settings["not_measured"] = "YuNet is not installed: checkout-age models fetch yunet"
        return {"realtime_factor": None, "wall_s": 0.0, "settings": settings}
    step = naive_step(threads)
    capture = cv2.VideoCapture(clip, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    rate_hz = capture.get(cv2.CAP_PROP_FPS)
    frames = faces_read = 0
    began = time.perf_counter()
    while frames < seconds * rate_hz:
        good, image = capture.read()
        if not good:
            break
        frames += 1
        faces_read += step(image)
    wall_s = time.perf_counter() - began
    capture.release()
    settings["faces_read"] = faces_read
    return {"realtime_factor": frames / rate_hz / wall_s, "wall_s": wall_s, "settings": settings}


def naive_step(threads: int) -> Callable[[Any], int]:
    """What the loop does with one picture; it returns how many faces were read. Raises OSError without YuNet."""
    import cv2
    import numpy as np

    from edge.age import AgeBundle, AgeReader
    from edge.app import SHIPPED_BUNDLE
    from edge.face import CONTRACT, crop_face, find_yunet

    yunet = find_yunet()
    if yunet is None:
        raise OSError("YuNet is not installed: checkout-age models fetch yunet")
    cv2.setNumThreads(threads)
    detector = cv2.FaceDetectorYN.create(str(yunet), "", _SEARCH_PX, 0.6)
    bundle = AgeBundle.load(SHIPPED_BUNDLE, contract_digest=CONTRACT.digest)
    ages = AgeReader(bundle, provider="cpu", threads=threads, variant="fp32")

    def step(image: Any) -> int:
        picture = image.astype(np.uint8, copy=False)
        scale = np.array([image.shape[1] / _SEARCH_PX[0], image.shape[0] / _SEARCH_PX[1]], dtype=np.float32)
        _, found = detector.detect(cv2.resize(image, _SEARCH_PX))
        rows = [] if found is None else found
        for row in rows:
            ages.read(crop_face(picture, row[4:14].reshape(5, 2) * scale)[np.newaxis])
        return len(rows)

    return step
