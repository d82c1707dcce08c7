"""Configured cameras to capture threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from edge.camera import Camera, CameraStatus, Credentials, OpenGate, ReaderOpener, opener_for
from edge.camera.source import Opener
from edge.config import Camera as CameraSettings
from edge.config import Config, SourceKind, read_password
from edge.config.address import hidden_in_address
from edge.ops.log import redactor

__all__ = ["build_cameras", "decode_notes"]

_SPACING_S = 0.25
"""Two cameras open at least so far apart: sixteen of one switch would all ask for key frames at once."""


def build_cameras(
    settings: Sequence[CameraSettings], *, told: Callable[[CameraStatus], None], wake: Callable[[], None]
) -> list[Camera]:
    """A capture thread for each camera, not started yet; their openings are staggered. Raises SecretError."""
    gate = OpenGate(spacing_s=_SPACING_S, monotonic_s=time.monotonic)
    return [
        Camera(
            one.name,
            _opener(one),
            told=told,
            wake=wake,
            detect_hz=one.detect_hz,
            max_frame_age_s=one.max_frame_age_s,
            no_frames_s=one.no_frames_s,
            frozen_s=one.frozen_s,
            reconnect_min_s=one.reconnect_min_s,
            reconnect_max_s=one.reconnect_max_s,
            gate=gate,
        )
        for one in settings
    ]


def decode_notes(cameras: Sequence[Camera], config: Config) -> list[str]:
    """What to say of cameras whose pictures are decoded elsewhere than configured."""
    notes = []
    for camera in cameras:
        wanted, figures = config.camera(camera.name).decode, camera.figures()
        if figures.frames and figures.decoder != wanted:
            notes.append(
                f"camera {camera.name} is decoded on the {figures.decoder}, not by {wanted}: there is no device, or "
                f"this OpenCV's FFmpeg has no {wanted}; install one that has, or set decode: cpu"
            )
    return notes


def _opener(settings: CameraSettings) -> Opener:
    if settings.kind is SourceKind.DEMO:
        from edge.camera.demo_lane import DemoLane

        return ReaderOpener(DemoLane(camera=settings.name), name="the drawn demo lane")
    password = read_password(settings)
    if password:
        redactor.learn(password)
    for hidden in hidden_in_address(settings.source):  # where a camera wants its password in the way itself
        redactor.learn(hidden)
    credentials = None if settings.user is None else Credentials(user=settings.user, password=password or "")
    return opener_for(
        settings.source,
        credentials=credentials,
        loop=settings.loop,
        decoder=settings.decode,
        needed_hz=None if settings.decode_all else settings.detect_hz,
    )
