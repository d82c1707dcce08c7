"""One camera for the commands that look through it: a camera of the configuration by its name, or any source."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from edge.app.cameras import build_cameras
from edge.camera import CameraState, CameraStatus
from edge.config import Camera, Config, Inference, SourceKind, load_config, source_kind
from edge.face import Detector, choose_detector, open_detector
from edge.flow import Frame

__all__ = ["LiveFrames", "camera_named", "face_detector"]

_USUAL_WIDTH, _USUAL_FACE_PX, _FACE_PX_MIN = 320, 72, 20


def camera_named(word: str, *, config_file: Path | None) -> tuple[Camera, Config | None]:
    """The camera of that name in the configuration, else the source that the word itself is.

    Raises ValueError with the way out, and ConfigError for a configuration that cannot be used.
    """
    config = None if config_file is None else load_config(config_file)
    for camera in config.cameras if config is not None else ():
        if camera.name == word:
            return camera, config
    known = (
        ""
        if config is None
        else f"; cameras of the configuration: {', '.join(c.name for c in config.cameras)}"
    )
    if "://" in word and "@" in word.split("/", 3)[2]:
        raise ValueError(
            f"user and password do not belong on a command line, everybody on this computer can read it: name a "
            f"camera of the configuration (--config FILE --camera NAME){known}"
        )
    try:
        kind = source_kind(word)
    except ValueError as error:
        raise ValueError(f"{word}: this is not {error}{known}") from None
    if kind is SourceKind.FILE and not Path(word).is_file():
        raise ValueError(f"{word} is no camera of the configuration and no file{known}")
    return Camera(name="camera", source=word), config


def face_detector(inference: Inference, *, size_px: tuple[int, int]) -> Detector:
    """The detector of this installation at a camera's `detect_size`. Raises DetectorError."""
    width, height = (-(-side // 32) * 32 for side in size_px)
    return open_detector(
        choose_detector(inference.detector, models_folder=inference.models_dir),
        input_size_px=(width, height),
        min_face_px=max(_FACE_PX_MIN, round(_USUAL_FACE_PX * _USUAL_WIDTH / width)),
        intra_op_threads=inference.threads or os.cpu_count() or 1,
    )


class LiveFrames:
    """The newest frames of one camera, as they come. A context; iterate once."""

    def __init__(
        self, camera: Camera, *, seconds: float | None = None, stop: threading.Event | None = None
    ) -> None:
        """`seconds`: end by itself after so long. Raises SecretError."""
        self._wake = threading.Event()
        self._seconds = seconds
        self.stop = stop or threading.Event()
        [self._camera] = build_cameras([camera], told=lambda _status: self._wake.set(), wake=self._wake.set)

    @property
    def status(self) -> CameraStatus:
        """How the camera is."""
        return self._camera.status

    def __enter__(self) -> LiveFrames:
        self._camera.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._camera.stop(timeout_s=3.0)

    def __iter__(self) -> Iterator[Frame | None]:
        """Frames, and None twice a second without one. Ends at a file's end, at `stop`, after `seconds`."""
        ends_s = time.monotonic() + (float("inf") if self._seconds is None else self._seconds)
        while not self.stop.is_set() and time.monotonic() < ends_s:
            self._wake.wait(0.5)
            self._wake.clear()
            self._camera.check()
            frame = self._camera.take()
            yield frame
            if frame is None and not self._camera.alive:
                return

    @property
    def down(self) -> str | None:
        """Why there is no picture, in the camera's own words; None while there is one."""
        status = self._camera.status
        if status.state is not CameraState.DOWN or not status.detail:  # without words it has only just begun
            return None
        return f"{status.reason.value} ({status.detail})"
