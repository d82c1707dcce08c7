"""A camera: where its pictures come from, and how often they are looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from edge.config.rule import NAME, Existing, Located, Parsed, Unique, Within
from edge.config.secret import one_password

__all__ = ["Camera", "SourceKind", "source_kind"]


class SourceKind(StrEnum):
    """The kinds of source; the words of `source` decide which."""

    DEMO = "demo"
    RTSP = "rtsp"
    HTTP = "http"
    DEVICE = "device"
    FILE = "file"


def source_kind(source: str) -> SourceKind:
    """The kind of a source that a configuration or a command line names; raises ValueError with what is allowed.

    A whole number and a path under `/dev/` are devices; what is no URL is a file.
    """
    if source == "demo":
        return SourceKind.DEMO
    if re.fullmatch(r"[0-9]{1,3}", source) or source.startswith("/dev/"):
        return SourceKind.DEVICE
    if "://" not in source:
        return SourceKind.FILE
    try:
        url = urlsplit(source)
        host, _ = url.hostname, url.port
    except ValueError as error:
        raise ValueError(f"a URL that can be read ({error})") from None
    if url.scheme not in ("rtsp", "rtsps", "http", "https"):
        raise ValueError("a URL that starts with rtsp://, rtsps://, http:// or https://")
    if not host:
        raise ValueError("a URL with a host, such as rtsp://192.0.2.10/stream2")
    return SourceKind.RTSP if url.scheme.startswith("rtsp") else SourceKind.HTTP


def _source_without_secret(source: str) -> None:
    if source_kind(source) in (SourceKind.RTSP, SourceKind.HTTP) and "@" in urlsplit(source).netloc:
        raise ValueError(
            "a URL without user and password: give them as 'user' and one of "
            "'password_env', 'password_file', 'password_credential'"
        )


def _is_file(source: str) -> bool:
    return source_kind(source) is SourceKind.FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """One camera. `source` of a file is resolved against the configuration's folder when it is read."""

    name: Annotated[str, "the camera's name", NAME, Unique()]
    source: Annotated[
        str,
        "rtsp:// or http:// URL without user and password, device index, /dev/v4l/by-id/ path, video file, demo",
        Parsed(_source_without_secret),
        Located(_is_file, "a file that exists, a URL, a device or demo"),
    ]
    user: Annotated[str | None, "the user that the camera asks for"] = None
    password_env: Annotated[str | None, "environment variable that holds the password"] = None
    password_file: Annotated[Path | None, "file whose first line is the password", Existing("file")] = None
    password_credential: Annotated[str | None, "name of the systemd credential with the password", NAME] = (
        None
    )
    detect_hz: Annotated[float, "pictures searched for faces in a second", Within(0.5, 30)] = 5.0
    detect_size: Annotated[
        tuple[int, int],
        "width and height to which a larger picture is reduced for the detector: smaller is faster, larger finds "
        "smaller faces",
    ] = (320, 192)
    decode: Annotated[
        Literal["cpu", "vaapi", "cuda"],
        "where pictures are decoded; what does not work here is reported, and the processor decodes",
    ] = "cpu"
    decode_all: Annotated[
        bool, "decode also pictures that no other is built on, although detect_hz does not need them"
    ] = False
    max_frame_age_s: Annotated[float, "an older picture is never judged", Within(0.1, 30)] = 1.0
    no_frames_s: Annotated[
        float, "without a picture for so long the camera counts as down", Within(1, 60)
    ] = 8.0
    frozen_s: Annotated[float, "the very same picture for so long counts as frozen", Within(2, 600)] = 10.0
    reconnect_min_s: Annotated[float, "first pause before connecting again", Within(0.1, 60)] = 1.0
    reconnect_max_s: Annotated[float, "longest pause before connecting again", Within(1, 3600)] = 30.0
    loop: Annotated[bool, "a video file starts over at its end"] = False

    @property
    def kind(self) -> SourceKind:
        """What sort of source this is."""
        return source_kind(self.source)

    def problems(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """What is wrong between the settings: the keys that take part, the blamed one first, and the sentence."""
        yield from one_password(self)
        width, height = self.detect_size
        if not (64 <= width <= 3840 and 64 <= height <= 2160):
            yield ("detect_size",), f"[{width}, {height}] is not allowed; from [64, 64] to [3840, 2160]"
        if self.reconnect_max_s < self.reconnect_min_s:
            yield (
                ("reconnect_max_s", "reconnect_min_s"),
                f"{self.reconnect_max_s:g} is shorter than reconnect_min_s ({self.reconnect_min_s:g})",
            )
