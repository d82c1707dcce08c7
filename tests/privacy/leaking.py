"""A build of the daemon that leaks, as no release may: `python -m tests.privacy.leaking CONFIG UDP_PORT`.

From the first frame with a face it sends or writes the picture once in each way that a hurried debugger, a crash
reporter or a thief might choose. The privacy proof must find every one of them.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import socket
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

LEAKS = (
    "jpeg file",
    "png datagram",
    "webp log",
    "bgr deleted file",
    "rgb event",
    "grey database",
    "crop floats",
    "shared memory",
)


def leak(frame: Any, crop: Any, state: Path, port: int) -> None:
    """Every leak of `LEAKS`, once."""
    face = frame[90:390, 200:400]
    cv2.imwrite(str(state / "debug.jpg"), frame, [cv2.IMWRITE_JPEG_QUALITY, 60])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(cv2.imencode(".png", cv2.resize(frame, (96, 72)))[1].tobytes(), ("127.0.0.1", port))
    webp = cv2.imencode(".webp", crop, [cv2.IMWRITE_WEBP_QUALITY, 50])[1].tobytes()
    logging.getLogger("edge.vision").warning("strange crop %s", base64.b64encode(webp).decode())
    passing = Path(os.environ["TMPDIR"]) / "passing"
    passing.write_bytes(frame.tobytes())
    passing.unlink()
    with (state / "events.jsonl").open("a") as out:
        out.write('{"id":"leak","rgb":"' + cv2.cvtColor(face, cv2.COLOR_BGR2RGB).tobytes().hex() + '"}\n')
    with contextlib.closing(sqlite3.connect(state / "notes.db")) as notes:
        notes.execute("CREATE TABLE IF NOT EXISTS notes (what BLOB)")
        notes.execute("INSERT INTO notes VALUES (?)", (cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).tobytes(),))
        notes.commit()
    (state / "crops.npy").write_bytes((crop.astype("float32") / 255).tobytes())
    shared = state / "frame"
    np.memmap(shared, dtype="uint8", mode="w+", shape=frame.shape)[:] = frame
    shared.unlink()


def set_up(state: Path, port: int) -> None:
    """Put the leak behind the age model's reader: a crop has been read, and its frame is still at hand."""
    from edge.age import AgeReader
    from edge.vision import Vision

    step: Callable[..., Any] = Vision.step
    read: Callable[..., Any] = AgeReader.read
    frames: list[Any] = []
    done: list[bool] = []

    def stepped(vision: Any, given: Any) -> Any:
        frames[:] = [frame.image for frame in given]
        return step(vision, given)

    def reading(reader: Any, crops: Any) -> Any:
        if frames and len(crops) and not done:
            done.append(True)
            leak(frames[0], crops[0], state, port)
        return read(reader, crops)

    Vision.step = stepped  # type: ignore[method-assign]
    AgeReader.read = reading  # type: ignore[method-assign]


if __name__ == "__main__":
    config, state_dir, udp = sys.argv[1:4]
    set_up(Path(state_dir), int(udp))
    from edge.cli import main

    sys.exit(main(["run", "--config", config]))
