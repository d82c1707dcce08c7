"""Which kind of source a camera's word names."""

from __future__ import annotations

import re
from pathlib import Path

from edge.camera.credentials import Credentials, StreamAddress
from edge.camera.device import DeviceOpener
from edge.camera.ffmpeg import Decoder
from edge.camera.mjpeg import MjpegOpener
from edge.camera.paced import FileOpener
from edge.camera.rtsp import RtspOpener
from edge.camera.source import Opener

__all__ = ["opener_for"]


def opener_for(
    source: str,
    *,
    credentials: Credentials | None = None,
    loop: bool = False,
    threads: int = 1,
    open_timeout_s: float = 6.0,
    read_timeout_s: float = 4.0,
    decoder: Decoder = "cpu",
    needed_hz: float | None = None,
) -> Opener:
    """The opener of an rtsp(s):// or http(s):// URL, a device (number or path under /dev) or a video file.

    `read_timeout_s` is how long one read may wait; OpenCV may wait twice before it gives up, so keep it below
    half of what a camera may be silent. `loop` is for files. `decoder` and `needed_hz` (decode no more than that rate
    needs, where the codec allows it) are for RTSP and files. Raises ValueError for another kind of URL.
    """
    if re.fullmatch(r"[0-9]{1,3}", source):
        return DeviceOpener(int(source))
    if source.startswith("/dev/"):
        return DeviceOpener(source)
    if "://" not in source:
        return FileOpener(Path(source), loop=loop, threads=threads, decoder=decoder, needed_hz=needed_hz)
    address = StreamAddress.parse(source, credentials=credentials)
    if address.scheme.startswith("http"):
        return MjpegOpener(address, open_timeout_s=open_timeout_s, read_timeout_s=read_timeout_s)
    return RtspOpener(
        address,
        open_timeout_s=open_timeout_s,
        read_timeout_s=read_timeout_s,
        threads=threads,
        decoder=decoder,
        needed_hz=needed_hz,
    )
